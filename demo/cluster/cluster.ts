/**
 * The whole cluster: two nodes behind one address, Redis, the shop with two instances of each service, and visitors who
 * never stop. Whatever is killed comes back by itself.
 *
 * @module
 */
import { rmSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceState } from '@hydra-gateway/protocol'
import { freePort } from '../shop/gateway.ts'
import { SERVICES, type ServiceName } from '../shop/shop.ts'
import { type Front, openFront } from './front.ts'
import {
  configFile,
  createNode,
  createRedis,
  createService,
  type NodePart,
  type Part,
  planOf,
} from './parts.ts'
import { startTalk, type Talk } from './talk.ts'
import { startVisits, type Visits } from './visits.ts'

/** Services that only this demo has, as they need Redis or are nothing without a second node. */
const MORE_SERVICES = [
  { name: 'chat', key: 't', file: 'chat.ts', instances: 1 },
  // Unmodified hydra-express: it has never heard of the gateway.
  { name: 'reviews', key: 'v', file: 'reviews.cjs', instances: 2 },
] as const

/** What can be killed. */
export type VictimName = 'node a' | 'node b' | 'redis' | ServiceName | (typeof MORE_SERVICES)[number]['name']

/** One line of the table. */
export interface Row {
  readonly key: string
  readonly name: VictimName
  readonly state: ServiceState
  /** Instances node a and node b send visitors to; nothing for what has none. */
  readonly serving: readonly (number | undefined)[]
  readonly started: number
  readonly pids: readonly number[]
  readonly about: string
}

export interface ClusterEvent {
  /** Epoch ms. */
  readonly at: number
  readonly state?: ServiceState
  readonly name?: VictimName
  readonly text: string
}

export interface Cluster {
  readonly url: string
  /** Lists the nodes, from the directory the demo was started in. */
  readonly nodesCommand: string
  readonly visits: Visits
  /** In the chat. */
  readonly talk: Talk
  /** Processes that ended by themselves, and serve again. */
  readonly broughtBack: number
  /** Asks the nodes again, and says what changed. */
  refresh(): Promise<void>
  rows(): readonly Row[]
  /** SIGKILL; of a service to one instance. It comes back after some seconds. Resolves when it serves again. */
  kill(name: VictimName): Promise<void>
  say(event: Omit<ClusterEvent, 'at'>): void
  stop(): Promise<void>
}

export const KEYS: Readonly<Record<string, VictimName>> = {
  '1': 'node a',
  '2': 'node b',
  r: 'redis',
  ...Object.fromEntries(SERVICES.map(({ name }) => [name[0], name])),
  ...Object.fromEntries(MORE_SERVICES.map(({ key, name }) => [key, name])),
}

export interface ClusterOptions {
  /** Where visitors come; 0 takes any free port. */
  readonly port: number
  /** Until what was killed is started again, ms. */
  readonly backAfterMs: number
  /** How often each of those who talk in the chat says a line, ms. @default 1000 */
  readonly talkEveryMs?: number
  onEvent(event: ClusterEvent): void
}

const INSTANCES = 2
/** What the SDK says when a node is gone. */
const LINE_LOST = /^hydra: the line to \S+ is lost/

/** Starts everything; resolves when the shop serves and its visitors come. */
export async function openCluster({
  port,
  backAfterMs,
  talkEveryMs = 1000,
  onEvent,
}: ClusterOptions): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-demo-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  let isStopping = false
  const say = (event: Omit<ClusterEvent, 'at'>): void => {
    if (!isStopping) onEvent({ at: Date.now(), ...event })
  }
  const troubles = (name: VictimName) => (line: string) =>
    say({
      name,
      text: LINE_LOST.test(line) ? 'lost its node, and goes to the other one' : line.slice(0, 200),
    })

  const frontPort = port || (await freePort(21_000 + Math.floor(Math.random() * 5000)))
  const redisPort = await freePort(26_000 + Math.floor(Math.random() * 5000))
  const first = await freePort(frontPort + 1)
  const plan = planOf(directory, redisPort, [first, await freePort(first + 1)])
  const redis = createRedis(plan, troubles('redis'))
  const nodes = [0, 1].map((index) =>
    createNode(plan, index, frontPort, troubles(index === 0 ? 'node a' : 'node b')),
  ) as unknown as readonly [NodePart, NodePart]
  const all: readonly { name: VictimName; file: string; instances: number }[] = [
    ...SERVICES.map(({ name }) => ({ name, file: `${name}.ts`, instances: INSTANCES })),
    ...MORE_SERVICES,
  ]
  const services = new Map<VictimName, readonly Part[]>(
    all.map(({ name, file, instances }) => [
      name,
      Array.from({ length: instances }, () => createService(plan, file, troubles(name))),
    ]),
  )
  let front: Front | undefined
  let visits: Visits | undefined
  let talk: Talk | undefined
  let broughtBack = 0
  /** What is seen while everything starts is no change. */
  let isOpen = false

  const partsOf = (name: VictimName): readonly Part[] => {
    if (name === 'redis') return [redis]
    if (name === 'node a') return [nodes[0]]
    if (name === 'node b') return [nodes[1]]
    return services.get(name)!
  }

  /** What each node says, as it said it last. */
  let seen: readonly (ReadonlyMap<string, number> | undefined)[] = [undefined, undefined]
  let stores: readonly (string | undefined)[] = [undefined, undefined]
  const before = new Map<VictimName, ServiceState>()

  async function refresh(): Promise<void> {
    const facts = await Promise.all(nodes.map((node) => node.services()))
    seen = facts.map(
      (known) =>
        known &&
        new Map(
          known.map(({ name, instances }) => [
            name,
            instances.filter(({ state }) => state === 'available' || state === 'degraded').length,
          ]),
        ),
    )
    stores = await Promise.all(nodes.map((node) => node.store()))
    for (const { name, state } of rows()) {
      const was = before.get(name)
      before.set(name, state)
      if (isOpen && was !== undefined && was !== state) say({ name, state, text: CHANGES[state] ?? '' })
    }
  }

  function rowOf(key: string, name: VictimName): Row {
    const parts = partsOf(name)
    const alive = parts.filter((part) => part.isAlive())
    const pids = alive.flatMap(({ pid }) => pid ?? [])
    const common = { key, name, pids, started: parts.length }
    if (name === 'node a' || name === 'node b') {
      const index = name === 'node a' ? 0 : 1
      const isHere = seen[index] !== undefined
      const state = isHere ? 'available' : alive.length > 0 ? 'recovering' : 'down'
      const { port: at } = nodes[index]
      const open = front?.connections[index] ?? 0
      return {
        ...common,
        state,
        serving: [],
        about: `port ${at}, ${open} ${open === 1 ? 'connection' : 'connections'}`,
      }
    }
    if (name === 'redis') {
      const told = stores.filter((store) => store !== undefined)
      const isKnown = alive.length > 0 && !told.includes('away')
      const state = isKnown ? 'available' : alive.length > 0 ? 'recovering' : 'down'
      return {
        ...common,
        state,
        serving: [],
        about: isKnown ? `port ${redisPort}` : 'the nodes go on without',
      }
    }
    const serving = seen.map((counts) => counts && (counts.get(name) ?? 0))
    return { ...common, state: stateOf(serving, parts.length, alive.length), serving, about: '' }
  }
  const rows = (): readonly Row[] => Object.entries(KEYS).map(([key, name]) => rowOf(key, name))

  /** Killed, and not gone yet: a key that is pressed twice is for two of them. */
  const dying = new Set<Part>()

  async function kill(name: VictimName): Promise<void> {
    const victim = partsOf(name).findLast((part) => part.isAlive() && !dying.has(part))
    if (!victim) return say({ name, text: 'nothing is left to kill; it comes back by itself' })
    say({ name, text: `kill -9 ${victim.pid}` })
    dying.add(victim)
    await victim.kill().finally(() => dying.delete(victim))
    await delay(backAfterMs)
    if (isStopping) return
    const began = performance.now()
    say({ name, text: 'starting again' })
    await victim.start()
    if (!isStopping)
      say({ name, text: `process ${victim.pid} serves, ${Math.round(performance.now() - began)} ms later` })
  }

  /** The library of older services ends them when Redis refuses it; whoever keeps them starts them again. */
  async function bringBack(name: VictimName, part: Part): Promise<void> {
    while (!isStopping && !part.isAlive()) {
      say({ name, text: 'ended by itself; starting again' })
      await delay(backAfterMs)
      if (isStopping) return
      try {
        await part.start()
        broughtBack++
        say({ name, text: `process ${part.pid} serves again` })
      } catch (fault) {
        say({ name, text: (fault as Error).message.slice(0, 200) })
      }
    }
  }
  for (const [name, parts] of services)
    for (const part of parts) part.onLost(() => void bringBack(name, part))

  async function stop(): Promise<void> {
    isStopping = true
    talk?.stop()
    await visits?.stop()
    front?.close()
    await Promise.all([...services.values()].flat().map((part) => part.stop()))
    await Promise.all(nodes.map((part) => part.stop()))
    await redis.stop()
  }

  try {
    await redis.start()
    await Promise.all(nodes.map((part) => part.start()))
    await Promise.all([...services.values()].flat().map((part) => part.start()))
    front = await openFront(frontPort, plan.nodePorts)
    await until('both nodes serve the whole shop', async () => {
      await refresh()
      return rows().every(({ state }) => state === 'available')
    })
    isOpen = true
    const local = `http://127.0.0.1:${front.port}`
    talk = await startTalk(local, talkEveryMs)
    visits = startVisits(local)
  } catch (fault) {
    await stop()
    throw fault
  }
  let stopping: Promise<void> | undefined
  return {
    url: front.url,
    nodesCommand: `npx hydra nodes --config ${configFile(directory, 'b')}`,
    visits,
    talk,
    get broughtBack() {
      return broughtBack
    },
    refresh,
    rows,
    kill,
    say,
    stop: () => (stopping ??= stop()),
  }
}

/** A node that has just started knows nothing yet: what the other one serves is not down. */
function stateOf(serving: readonly (number | undefined)[], all: number, alive: number): ServiceState {
  const known = serving.flatMap((count) => count ?? [])
  if (known.length === 0 || Math.max(...known) === 0) return 'down'
  if (Math.min(...known) >= all) return 'available'
  return alive >= all ? 'recovering' : 'degraded'
}

const CHANGES: Readonly<Partial<Record<ServiceState, string>>> = {
  available: 'whole again',
  degraded: 'one instance fewer; the other serves',
  recovering: 'there again, not yet whole',
  down: 'gone',
}

const PATIENCE_MS = 20_000

/** Looks until something is so. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s in vain until ${what}`)
    await delay(50)
  }
}
