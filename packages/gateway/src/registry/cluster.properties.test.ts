import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Registration } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { type Access, setUpCluster, type TestNode } from './testing/cluster-rig.ts'
import { ReferenceCluster } from './testing/reference-cluster.ts'

/**
 * Random schedules of everything that can happen to two or three nodes and their services. More of them:
 * `HYDRA_CLUSTER_RUNS=5000 node --conditions=hydra-source --test packages/gateway/src/registry/cluster.properties.test.ts`;
 * one of them again: `HYDRA_CLUSTER_SEED=<seed>`.
 */
const RUNS = Number(process.env.HYDRA_CLUSTER_RUNS ?? 200)
/** The usual run is the same each time; longer ones look further. */
const SEED = process.env.HYDRA_CLUSTER_SEED ?? (process.env.HYDRA_CLUSTER_RUNS ? undefined : '7')

/** Who is heard for so long at a node that is well is everywhere; and a node that is well for so long knows everybody. */
const SETTLED_MS = 3000
/** After so long without anything happening all nodes must agree: a lease, the time of orphans, and a few looks. */
const QUIET_MS = 26_000

const SERVICES = ['orders', 'stock'] as const
const SLOTS = 4

const slot = fc.nat(SLOTS - 1)
const node = fc.nat(2)
const access = fc.constantFrom<Access>('there', 'away', 'deaf')
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('start' as const), slot, node }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), slot }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), slot }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hang' as const), slot }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('break' as const), slot, node }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('move' as const), slot, node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('twin' as const), slot, node }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drain' as const), slot, node, on: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('forget' as const), service: fc.nat(1), node }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('access' as const), node, access }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('access of all' as const), access }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hints' as const), node, on: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('freeze' as const), node, on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), node }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('lose' as const),
      count: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    }),
  },
)
const schedule = fc.record({
  nodes: fc.constantFrom(2, 3),
  /** One of them is replaced in the end, and has to know what the others do. */
  isReplaced: fc.boolean(),
  steps: fc.array(
    fc.record({ step, thenMs: fc.constantFrom(0, 0, 50, 300, 1000, 1000, 3000, 6000, 11_000) }),
    { maxLength: 16 },
  ),
})

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

/** A process of a service, with a client library that does what ours do. */
interface Client {
  readonly said: Registration
  readonly id: string
  readonly service: string
  readonly channel: 'rsocket' | 'http'
  /** Nodes it has a channel to; over HTTP it has none, and asks whomever the load balancer picks. */
  readonly lines: Set<TestNode>
  isAlive: boolean
  unheardTicks: number
  /** Since when nothing happened to it, nor to whoever hears it. */
  steadySince: number
  /** False once somebody asked that it should not serve. */
  isWatched: boolean
  /** Everybody who could be told knows of it since. */
  isSettled: boolean
}

test('whatever happens to nodes, services and store, all nodes come to what is true, and forget nobody', async () => {
  await fc.assert(
    fc.asyncProperty(
      schedule,
      fc.infiniteStream(fc.nat(1000)),
      async ({ nodes, steps, isReplaced }, draws) => {
        const world = await openWorld(nodes, () => draws.next().value! / 1001)
        try {
          for (const { step, thenMs } of steps) {
            await world.apply(step)
            await world.pass(thenMs)
          }
          await world.heal()
          await world.pass(QUIET_MS)
          world.check()
          if (!isReplaced) return
          await world.apply({ kind: 'crash', node: 0 })
          await world.pass(QUIET_MS)
          world.check()
        } finally {
          world.stop()
        }
      },
    ),
    { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) },
  )
})

async function openWorld(count: number, draw: () => number) {
  const cluster = setUpCluster({ random: draw })
  const model = new ReferenceCluster()
  const nodes = Array.from({ length: count }, (_, i) => cluster.startNode(`n${i}`))
  await cluster.settle()
  const clients = new Map<number, Client>()
  let started = 0
  /** Services that somebody asked to forget while not everybody could hear that. */
  const forgets = new Set<string>()
  /** Services a node knew, until somebody asked to forget them. */
  const knew = new Map<TestNode, Set<string>>()
  /** Nothing was wrong with nodes and store until now. */
  let isWell = true
  let lostAt = Number.NEGATIVE_INFINITY
  /** The store is away from all nodes alike. */
  let isAwayFromAll = false
  /** Since when a node runs, reaches the store as well as all others, and hears of changes; infinite when it doesn't. */
  const wellSince = new Map<TestNode, number>(nodes.map((one) => [one, 0]))
  const now = (): number => cluster.time.monotonic()
  const stir = (client: Client, since = now()): void => {
    client.steadySince = since
    client.isSettled = false
  }

  const at = (index: number): TestNode => nodes[index % count]!
  const running = (): TestNode[] => nodes.filter(({ state }) => state === 'runs')
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(draw() * list.length)]

  // ---- what services do --------------------------------------------------------------------------------

  const register = (client: Client, to: TestNode): void => {
    if (to.state === 'dead') return
    // Beats of a channel that is open are answered so after somebody forgot it: nothing happened to its lines.
    if (client.channel === 'http' || !client.lines.has(to)) stir(client)
    if (client.channel === 'rsocket') client.lines.add(to)
    to.tell(() => void cluster.register(to, client.said, client.channel).catch(() => {}))
  }
  const closeLine = (client: Client, from: TestNode, reason: string): void => {
    if (!client.lines.delete(from)) return
    stir(client)
    from.tell((registry) => registry.suspend(client.id, reason))
  }
  const beat = (client: Client, to: TestNode): void => {
    to.tell((registry) => {
      if (registry.beat(client.id)) return
      // Over a channel the gateway closes it, and the client begins anew; over HTTP it is told so.
      if (client.isAlive && (client.channel === 'http' || client.lines.has(to))) register(client, to)
    })
  }
  /** Once a second each client says that it is there, and looks for another node when its own is not. */
  const tick = (): void => {
    for (const client of clients.values()) {
      if (!client.isAlive) continue
      if (client.channel === 'http') {
        const to = draw() < 0.9 ? pick(running()) : pick(nodes)
        if (to) beat(client, to)
        continue
      }
      for (const line of client.lines) {
        if (line.state === 'dead') client.lines.delete(line)
        else beat(client, line)
      }
      const isHeard = [...client.lines].some(({ state }) => state === 'runs')
      client.unheardTicks = isHeard ? 0 : client.unheardTicks + 1
      if (client.lines.size > 0 && client.unheardTicks < 4) continue
      for (const line of [...client.lines]) closeLine(client, line, 'no keep-alive')
      const to = pick(running())
      if (to) register(client, to)
    }
  }

  async function apply(one: Step): Promise<void> {
    const client = 'slot' in one ? clients.get(one.slot) : undefined
    switch (one.kind) {
      case 'start': {
        if (client?.isAlive) return
        const service = SERVICES[one.slot % 2]!
        const channel = one.slot === 3 ? ('http' as const) : ('rsocket' as const)
        // The same address each time: a new process takes the place of the one before.
        const port = 5000 + one.slot
        const own = `/${service}`
        const said = cluster.bean(service, [own, '/shared'], { port, activeSince: ++started })
        const to = at(one.node)
        const { instanceId } = said
        const id = channel === 'rsocket' ? instanceId! : await idOverHttp(said)
        cluster.listens.set(port, true)
        const fresh = {
          said,
          id,
          service,
          channel,
          lines: new Set<TestNode>(),
          isAlive: true,
          unheardTicks: 0,
          steadySince: now(),
          isSettled: false,
          isWatched: true,
        }
        clients.set(one.slot, fresh)
        model.begin(id, service, isWell)
        register(fresh, to)
        break
      }
      case 'leave':
      case 'kill':
      case 'hang':
        if (!client?.isAlive) return
        client.isAlive = false
        model.end(client.id)
        if (one.kind !== 'hang') cluster.listens.set(client.said.port, false)
        if (one.kind === 'leave' && client.channel === 'rsocket')
          for (const line of client.lines) line.tell((registry) => void registry.deregister(client.id))
        if (one.kind === 'kill')
          for (const line of [...client.lines]) closeLine(client, line, 'connection reset')
        break
      case 'break':
        if (client) closeLine(client, at(one.node), 'connection reset')
        break
      case 'move':
        if (!client?.isAlive) return
        register(client, at(one.node))
        for (const line of [...client.lines])
          if (line !== at(one.node)) closeLine(client, line, 'went to another node')
        break
      case 'twin':
        if (client?.isAlive) register(client, at(one.node))
        break
      case 'drain': {
        if (!client) return
        const { state, registry } = at(one.node)
        if (state !== 'runs') return
        client.isWatched = false
        const did = one.on ? registry.drain(client.id, 'asked for') : registry.resume(client.id, 'asked for')
        await cluster.settle()
        if (did) model.drain(client.id, one.on, isWell)
        break
      }
      case 'forget': {
        const service = SERVICES[one.service]!
        const { state, registry } = at(one.node)
        if (state !== 'runs') return
        for (const each of clients.values()) if (each.service === service) each.isWatched = false
        for (const known of knew.values()) known.delete(service)
        // Where it can not be said at once, it is said whenever that is possible.
        if (!isWell) forgets.add(service)
        if (registry.forget(service)) model.forget(service, isWell && now() - lostAt > SETTLED_MS)
        await cluster.settle()
        break
      }
      case 'access':
        isAwayFromAll = false
        at(one.node).setAccess(one.access)
        if (one.access !== 'there') isWell = false
        break
      case 'access of all':
        isAwayFromAll = one.access !== 'there'
        for (const each of nodes) each.setAccess(one.access)
        if (one.access !== 'there') isWell = false
        break
      case 'hints':
        at(one.node).hears = one.on
        if (!one.on) isWell = false
        break
      case 'freeze':
        if (one.on) at(one.node).freeze()
        else at(one.node).thaw()
        if (one.on) isWell = false
        break
      case 'crash':
        restart(one.node % count)
        break
      case 'lose':
        await cluster.lossy.lose(one.count)
        // Whoever reads a copy as a whole is not told what was forgotten in it before.
        lostAt = now()
        model.lose()
        break
    }
    await cluster.settle()
    note()
    watch()
  }
  /** Notes which nodes are well; who is heard by one that is not is not steady. */
  const note = (): void => {
    for (const one of nodes) {
      const wasFine = Number.isFinite(wellSince.get(one))
      const isConnected = one.access === 'there' || (isAwayFromAll && wasFine)
      if (one.state !== 'runs' || !one.hears || !isConnected) wellSince.set(one, Number.POSITIVE_INFINITY)
      else if (!wasFine) wellSince.set(one, now())
    }
    for (const client of clients.values()) {
      const hearing = client.channel === 'http' ? nodes : [...client.lines]
      const isHeard = hearing.length > 0 && hearing.every((one) => Number.isFinite(wellSince.get(one)))
      if (!isHeard) stir(client, Math.max(client.steadySince, now()))
      else if (isAwayFromAll && !client.isSettled) stir(client, Math.max(client.steadySince, now()))
      else client.isSettled ||= now() - client.steadySince >= SETTLED_MS
    }
  }
  /** What only a node that was cut off knew dies with it. */
  const restart = (index: number): void => {
    const before = nodes[index]!
    if (before.state === 'frozen' || !isWell) model.lose()
    before.kill()
    nodes[index] = cluster.startNode(before.name)
    isAwayFromAll = false
    for (const client of clients.values()) if (client.lines.has(before)) stir(client)
  }
  const idOverHttp = async (said: Registration): Promise<string> => {
    const aside = setUpCluster()
    const lone = aside.startNode('aside')
    const { instanceId } = await aside.register(lone, said, 'http')
    aside.stop()
    return instanceId
  }

  // ---- what must hold ----------------------------------------------------------------------------------

  /** At any time: no node forgets a service it knew, unless it was asked to. */
  const watch = (): void => {
    for (const one of nodes) {
      if (one.state !== 'runs') continue
      let known = knew.get(one)
      if (!known) {
        known = new Set()
        knew.set(one, known)
      }
      for (const service of SERVICES) {
        if (one.serving(`/${service}`) !== undefined) known.add(service)
        else if (!forgets.has(service))
          assert.ok(!known.has(service), `${one.name} answers 404 for /${service}`)
      }
    }
  }
  /** Who is there all the time, and heard by a node that is well, serves all the time at all nodes that are. */
  const watchSteady = (): void => {
    for (const { id, service, isAlive, isSettled, isWatched } of clients.values()) {
      if (!isAlive || !isSettled || !isWatched) continue
      for (const one of nodes)
        if (now() - wellSince.get(one)! >= SETTLED_MS)
          assert.ok(
            one.serving(`/${service}`)?.includes(id),
            `${one.name} lost ${id}, which was there all the time`,
          )
    }
  }
  const pass = (ms: number): Promise<void> =>
    cluster.pass(ms, () => {
      note()
      watchSteady()
      if (cluster.time.monotonic() % 1000 === 0) tick()
      watch()
    })
  const heal = async (): Promise<void> => {
    isAwayFromAll = false
    for (const one of nodes) {
      one.hears = true
      one.setAccess('there')
      one.thaw()
    }
    await cluster.settle()
    note()
  }
  /** Once everything was quiet for long enough: all nodes are as the model says. */
  const check = (): void => {
    for (const service of SERVICES) {
      const path = `/${service}`
      const isKnown = model.isKnown(service)
      const { must, may } = model.serving(service)
      const tables = nodes.map((one) => one.serving(path))
      for (const [i, table] of tables.entries()) {
        const where = `${path} at ${nodes[i]!.name}`
        if (isKnown === true) assert.ok(table, `${where} is not known`)
        if (isKnown === false) assert.equal(table, undefined, `${where} was forgotten`)
        for (const id of must)
          assert.ok(table?.includes(id), `${where} does not lead to ${id}, which is there`)
        for (const id of table ?? [])
          assert.ok(must.includes(id) || may.includes(id), `${where} leads to ${id}, which is not there`)
        assert.deepEqual(sorted(table), sorted(tables[0]), `${path} is one thing at all nodes`)
      }
    }
    if (SERVICES.every((service) => model.isKnown(service) === true)) {
      const owners = new Set(nodes.map((one) => one.serviceAt('/shared')))
      assert.equal(owners.size, 1, 'a contested route has one owner')
    }
    const localOnly = nodes.map(({ registry }) => registry.shared().localOnly)
    assert.deepEqual(
      localOnly,
      nodes.map(() => 0),
    )
  }
  return { apply, pass, heal, check, stop: cluster.stop }
}

function sorted(ids: readonly string[] | undefined): readonly string[] {
  return [...(ids ?? [])].sort()
}
