/**
 * Pages that stay open: what they cost while nothing happens, how soon they are told when a service dies, and what it
 * costs when many of them come back at once.
 *
 * @module
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Child, startChild } from '../support/child.ts'
import { KEYS, type RunningHydra, startHydra } from '../support/hydra.ts'
import { type Percentiles, percentilesOf } from '../support/percentiles.ts'
import { type Cores, cpuSeconds, memoryMiB, pin } from '../support/processes.ts'
import type { Heard, PagesJob } from './clients/client.ts'
import { KILLED, QUERY, SERVICES } from './site.ts'

export interface MeasureOptions {
  readonly pages: number
  readonly kills: number
  readonly returning: number
  readonly cores: Cores | undefined
  readonly onTurn: (done: number, all: number) => void
}

export interface MeasuredLive {
  readonly pages: number
  readonly kills: number
  /**
   * Resident memory of the gateway, MiB: without garbage before, so that pages can't settle where it lay; with
   * all that opening them left behind; without garbage, then and after all deaths.
   */
  readonly memory: Readonly<Record<'before' | 'opened' | 'collected' | 'afterPushes', number>>
  /** From the kill to the bytes at each page, and at the last one of each kill, ms. */
  readonly told: Percentiles
  readonly last: Percentiles
  /** CPU of the gateway for one page that is told once, µs; what a death costs anyway is in it. */
  readonly pushMicros: number
  readonly storm: { readonly pages: number; readonly ms: number; readonly micros: number }
  /** CPU of all open pages in one second in which nothing happens, ms. */
  readonly idleMs: number
}

const WARM_PAGES = 300
const WARM_KILLS = 3
const IDLE_MS = 5000
const QUIET_MS = 500
const STORMS = 3

/** Starts everybody, measures, and ends them, also when something goes wrong. */
export async function measure(options: MeasureOptions): Promise<MeasuredLive> {
  const { pages, kills, returning, cores, onTurn } = options
  const folder = mkdtempSync(join(tmpdir(), 'hydra-bench-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const own = join(folder, 'hydra')
    mkdirSync(own)
    const config = { live: { maxStreams: pages + 1000, maxStreamsPerClient: pages + 1000 } }
    const gateway = await startHydra({ folder: own, logFile: join(own, 'log') }, config)
    if ('refused' in gateway) throw new Error(gateway.refused)
    ends.push(gateway.end)
    pin(gateway.pids, cores?.proxy)
    const client = await startChild(new URL('clients/client.ts', import.meta.url))
    ends.push(client.end)
    pin([client.pid], cores?.others)
    const send = async <Answer extends object>(job: PagesJob): Promise<Answer> => {
      const answer = await client.ask<Answer | { error: string }>(job)
      if ('error' in answer) throw new Error(answer.error)
      return answer
    }
    const start = async (name: string): Promise<Child<object>> => {
      const { publicKey, privateKey } = KEYS
      const service = await startChild<object>(new URL('service.ts', import.meta.url), [
        ...[`http://127.0.0.1:${gateway.port}`, publicKey, privateKey, name],
      ])
      pin([service.pid], cores?.others)
      ends.push(service.end)
      return service
    }
    for (const name of SERVICES) if (name !== KILLED) await start(name)
    let victim = await start(KILLED)

    /** Kills the service; says when each page was told, ms after the kill, and what it cost. */
    const kill = async (): Promise<{ readonly times: readonly number[]; readonly cpu: number }> => {
      await send({ what: 'listen', text: '"state":"down"' })
      // Pages that were told something just now would be told later.
      await delay(QUIET_MS)
      const before = cpuSeconds(gateway.pids)
      const at = Number(process.hrtime.bigint()) / 1e6
      const gone = victim.end()
      const { atMs } = await send<Heard>({ what: 'heard' })
      const cpu = cpuSeconds(gateway.pids) - before
      await gone
      await send({ what: 'listen', text: '"state":"available"' })
      victim = await start(KILLED)
      await send({ what: 'heard' })
      return { times: atMs.map((ms) => ms - at), cpu }
    }

    await send({ what: 'open', port: gateway.port, count: WARM_PAGES, query: QUERY })
    for (let i = 0; i < WARM_KILLS; i++) await kill()
    await send({ what: 'close' })
    const before = await collected(gateway)

    await send({ what: 'open', port: gateway.port, count: pages, query: QUERY })
    const opened = await settled(gateway)
    const clean = await collected(gateway)
    const idleBefore = cpuSeconds(gateway.pids)
    await delay(IDLE_MS)
    const idleMs = ((cpuSeconds(gateway.pids) - idleBefore) * 1000) / (IDLE_MS / 1000)

    const told: number[] = []
    const last: number[] = []
    let cpu = 0
    for (let i = 0; i < kills; i++) {
      onTurn(i + 1, kills)
      const killed = await kill()
      told.push(...killed.times)
      last.push(Math.max(...killed.times))
      cpu += killed.cpu
    }
    const afterPushes = await collected(gateway)

    const storms: { ms: number; cpu: number }[] = []
    for (let i = 0; i < STORMS; i++) {
      const cpuBefore = cpuSeconds(gateway.pids)
      const { ms } = await send<{ ms: number }>({ what: 'return', count: returning })
      storms.push({ ms, cpu: cpuSeconds(gateway.pids) - cpuBefore })
    }
    const storm = storms.toSorted((a, b) => a.ms - b.ms)[STORMS >> 1]!
    return {
      ...{ pages, kills, idleMs },
      memory: { before, opened, collected: clean, afterPushes },
      told: percentilesOf(told),
      last: percentilesOf(last),
      pushMicros: (cpu / kills / pages) * 1e6,
      storm: { pages: returning, ms: storm.ms, micros: (storm.cpu / returning) * 1e6 },
    }
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Memory without garbage, MiB. */
async function collected(gateway: RunningHydra): Promise<number> {
  await gateway.ask('collect')
  return settled(gateway)
}

/** Memory once it does not change any more, MiB. */
async function settled({ pids }: RunningHydra): Promise<number> {
  let before = memoryMiB(pids)
  for (let i = 0; i < 15; i++) {
    await delay(1000)
    const now = memoryMiB(pids)
    if (i >= 3 && Math.abs(now - before) < 0.2) return now
    before = now
  }
  return before
}
