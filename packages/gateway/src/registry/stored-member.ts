/**
 * A member as it stands in the store: what another node needs to route to it.
 *
 * @module
 */
import { type Registration, registration } from '@hydra-gateway/protocol'
import { z } from 'zod'
import type { Member } from './member.ts'

const stored = z.object({
  channel: z.enum(['rsocket', 'http', 'static']),
  /** Address requests go to. */
  host: z.string().min(1),
  peer: z.string().optional(),
  /** The key it was answered with, of those that hold only one. */
  keyId: z.string().optional(),
  registration,
})

export type StoredMember = z.output<typeof stored>

/** What is written of a member; `given` is its registration as it was sent. */
export function storable({ channel, peer, instance }: Member, given: Registration): unknown {
  const { keyId, address } = instance
  return { channel, host: address.host, peer, registration: given, ...(keyId === undefined ? {} : { keyId }) }
}

/** What was written; undefined when it is no member's. */
export function readStored(declared: unknown): StoredMember | undefined {
  return stored.safeParse(declared).data
}

/** Time a node has to say that one of its channels fell silent, ms. */
const NODE_SPEAKS_MS = 1000

/**
 * How long the store lists a member without a sign of life. An instance with a channel is heard by its node alone, which
 * says that it left before the store would find that its lease ran out: from that nobody could tell a dead node.
 */
export function storeLeaseMs({ channel }: Pick<Member, 'channel'>, leaseMs: number): number {
  return channel === 'rsocket' ? leaseMs + NODE_SPEAKS_MS : leaseMs
}

/** What it would be if it didn't drain: as the store has it. */
export function recordState({ state, drain }: Member): 'available' | 'recovering' {
  return (state === 'draining' ? drain?.instead : state) === 'recovering' ? 'recovering' : 'available'
}

/** Whether all nodes know it by the store: what is configured, and what each of them sees by itself, is not there. */
export function isStored({ channel }: Pick<Member, 'channel'>): boolean {
  return channel !== 'static' && channel !== 'flywheel'
}
