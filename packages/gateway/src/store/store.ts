/**
 * A store with all its facets: what a deployment picks once.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { createMemoryBus } from './bus/memory.ts'
import type { Bus } from './bus/port.ts'
import { createMemoryIdentityStore } from './identity/memory.ts'
import type { IdentityStore } from './identity/port.ts'
import { createMemoryMailboxes, type MailboxLimits } from './mailboxes/memory.ts'
import type { MailboxStore } from './mailboxes/port.ts'
import { createMemoryStore } from './memory.ts'
import { createMemoryNodes } from './nodes/memory.ts'
import type { NodeDirectory } from './nodes/port.ts'
import type { InstanceStore } from './port.ts'
import { ALWAYS_REACHABLE, type Reach } from './reach.ts'
import type { RedisLine } from './redis/port.ts'

export interface Store {
  /** For people: `memory`, or `redis at host:6379`; never with a password. */
  readonly place: string
  /** Whether other nodes may share it. */
  readonly isShared: boolean
  readonly reach: Reach
  readonly instances: InstanceStore
  readonly identity: IdentityStore
  readonly mailboxes: MailboxStore
  readonly bus: Bus
  readonly nodes: NodeDirectory
  /** The line to Redis itself, for older systems that live in the same one. Absent in memory. */
  readonly redis?: RedisLine
  /** What was left out because none of our private keys sealed it, since the start. Absent where nobody else can write. */
  ignored?(): number
  /** Messages of nodes that came again, or far too late, since the start. Absent where nobody else can write. */
  replayed?(): number
  /** Calls that wait for an answer. Absent where none has to. */
  inFlight?(): number
  close(): Promise<void>
}

/** The store of a gateway that is alone. `identity` may be a file instead. */
export function createStoreInMemory({
  clock,
  rememberMs,
  identity = createMemoryIdentityStore(),
  mailboxes: limits = {},
  log,
}: {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly rememberMs?: number
  readonly identity?: IdentityStore
  /** How much all mailboxes may hold together. */
  readonly mailboxes?: Partial<MailboxLimits>
  readonly log?: Pick<Log, 'warn'>
}): Store {
  const instances = createMemoryStore({ clock, ...(rememberMs === undefined ? {} : { rememberMs }) })
  const bus = createMemoryBus()
  const mailboxes = createMemoryMailboxes({ clock, bus, ...limits, ...(log && { log }) })
  return {
    place: 'memory',
    isShared: false,
    reach: ALWAYS_REACHABLE,
    instances,
    identity,
    mailboxes,
    bus,
    nodes: createMemoryNodes({ clock }),
    async close() {
      await Promise.all([instances.close(), bus.close(), mailboxes.close()])
    },
  }
}
