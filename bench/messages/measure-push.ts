/**
 * Thousands of clients with an open socket: what they cost while nothing happens, and how long it takes until each of
 * them has a message that a service pushes to it.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Percentiles, percentilesOf } from '../support/percentiles.ts'
import { type Cores, cpuSeconds, memoryMiB, pin } from '../support/processes.ts'
import type { Heard, Opened, Pushed, PushJob, Speech } from './job.ts'
import { type Client, withClient } from './measure.ts'
import type { MessagePeer, RunningRouter } from './peers.ts'

/** A way to push, by some router, to clients of some kind. */
export interface Way {
  readonly name: string
  readonly peer: MessagePeer
  readonly speech: Speech
  readonly isToAll?: boolean
}

export interface MeasuredPush {
  readonly way: string
  /** From just before the first message left its service to the bytes at each client, ms. */
  readonly told: Percentiles
  /** Median over the rounds of the last client of each. */
  readonly lastMs: number
  /** CPU for one message to one client, µs; of socket.io, router and service are one. */
  readonly routerMicros: number
  readonly serviceMicros: number
  readonly failure?: string
}

export interface MeasuredIdle {
  readonly who: string
  /** Resident memory for one client, KiB: with all that opening left behind, and without garbage. */
  readonly openedKib: number
  readonly collectedKib: number
  /** CPU of all clients in a second in which nothing happens, ms. */
  readonly idleMs: number
  readonly beforeMiB: number
}

export interface PushOptions {
  readonly clients: number
  readonly rounds: number
  readonly cores: Cores | undefined
  readonly onTurn: (done: number, all: number) => void
}

export interface PushFindings {
  readonly pushes: readonly (MeasuredPush | { readonly way: string; readonly failure: string })[]
  readonly idle: readonly MeasuredIdle[]
}

const WARM_CLIENTS = 300
const WARM_ROUNDS = 5
/** With all clients, before what is counted. */
const FIRST_ROUNDS = 2
const IDLE_MS = 5000
/** A collection of all garbage has compiled code made anew by whoever runs next: that is not what idle clients cost. */
const WARM_AGAIN_MS = 5000
/** What a round leaves behind, such as confirmations, is part of its cost. */
const QUIET_MS = 250

/** Ways of one router and one kind of clients use the same sockets. */
export async function measurePush(ways: readonly Way[], options: PushOptions): Promise<PushFindings> {
  const { clients, cores, onTurn } = options
  const pushes: PushFindings['pushes'][number][] = []
  const idle: MeasuredIdle[] = []
  const groups = Map.groupBy(ways, ({ peer, speech }) => `${peer.name}, ${speech}`)
  for (const [at, group] of [...groups.values()].entries()) {
    onTurn(at + 1, groups.size)
    const { peer, speech } = group[0]!
    try {
      await withClient(cores, async ({ client, place, later }) => {
        const router = await peer.start(place(peer.name))
        later(router.end)
        pin(router.pids, cores?.proxy)
        const open = (count: number) =>
          client.send<Opened>({ what: 'open', port: router.port, count, speech })
        const warm = await open(WARM_CLIENTS)
        for (const way of group) await pushRounds(client, router, warm, way, WARM_ROUNDS)
        await client.send({ what: 'close' })
        const before = await collected(router)
        const opened = await open(clients)
        const grown = await settled(router)
        const clean = await collected(router)
        await delay(WARM_AGAIN_MS)
        const cpu = cpuSeconds(router.pids)
        await delay(IDLE_MS)
        const kib = (mib: number): number => ((mib - before) * 1024) / clients
        idle.push({
          who: `${peer.name}, ${speech === 'socket.io' ? 'websocket' : speech}`,
          openedKib: kib(grown),
          collectedKib: kib(clean),
          idleMs: (cpuSeconds(router.pids) - cpu) / (IDLE_MS / 1e6),
          beforeMiB: before,
        })
        for (const way of group) {
          await pushRounds(client, router, opened, way, FIRST_ROUNDS)
          pushes.push(await pushRounds(client, router, opened, way, options.rounds))
        }
      })
    } catch (error) {
      const failure = error instanceof Error ? error.message : String(error)
      for (const { name } of group)
        if (!pushes.some(({ way }) => way === name)) pushes.push({ way: name, failure })
    }
  }
  return { pushes, idle }
}

let rounds = 0

/** Pushes a message to each client, so many times. */
export async function pushRounds(
  client: Client,
  { pids, service }: RunningRouter,
  { ids, router }: Opened,
  { name, isToAll = false }: Pick<Way, 'name' | 'isToAll'>,
  count: number,
): Promise<MeasuredPush> {
  const told: number[] = []
  const last: number[] = []
  const isOne = pids.includes(service.pid)
  let routerCpu = 0
  let serviceCpu = 0
  for (let i = 0; i < count; i++) {
    const text = `push ${String(++rounds).padStart(6, '0')}`
    await client.send({ what: 'listen', text })
    const routerBefore = cpuSeconds(pids)
    const serviceBefore = isOne ? 0 : cpuSeconds([service.pid])
    const job: PushJob = {
      ids,
      router,
      isToAll,
      body: { text, order: 4711, state: 'on its way', by: 'the usual carrier', expected: '2026-11-22' },
    }
    const pushed = await service.ask<Pushed | { error: string }>(job)
    if ('error' in pushed) throw new Error(pushed.error)
    const { atMs } = await client.send<Heard>({ what: 'heard' })
    await delay(QUIET_MS)
    routerCpu += cpuSeconds(pids) - routerBefore
    serviceCpu += isOne ? 0 : cpuSeconds([service.pid]) - serviceBefore
    const tookMs = atMs.map((at) => at - pushed.startedMs)
    told.push(...tookMs)
    last.push(tookMs.reduce((most, ms) => Math.max(most, ms), 0))
  }
  const micros = (seconds: number): number => (seconds * 1e6) / count / ids.length
  return {
    way: name,
    told: percentilesOf(told),
    lastMs: percentilesOf(last).p50,
    routerMicros: micros(routerCpu),
    serviceMicros: micros(serviceCpu),
  }
}

/** Memory without garbage, MiB. */
async function collected(router: RunningRouter): Promise<number> {
  await router.ask('collect')
  return settled(router)
}

/** Memory once it does not change any more, MiB. */
async function settled({ pids }: RunningRouter): Promise<number> {
  let before = memoryMiB(pids)
  for (let i = 0; i < 8; i++) {
    await delay(500)
    const now = memoryMiB(pids)
    if (i > 1 && Math.abs(now - before) < 0.2) return now
    before = now
  }
  return before
}
