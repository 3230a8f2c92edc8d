/**
 * From the death of a service, known by its channel or by its silence, to the first fallback page.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Child, startChild } from '../support/child.ts'
import { isFallback } from './fallback.ts'
import type { Stage } from './stage.ts'

export interface Deprovision {
  /** From the death to the first whole fallback page, ms, one entry for each service. */
  readonly times: readonly number[]
  /** Answers in between that were neither the service's page nor the fallback. */
  readonly broken: number
}

/** Processes that are up at a time: enough to start quickly, few enough for a small machine. */
const BATCH = 10

/**
 * Kills services with SIGKILL, one at a time, each a process with the SDK's channel, while a visitor asks for
 * its page every 1 to 2 ms.
 */
export async function killed(stage: Stage, events: number): Promise<Deprovision> {
  const { url, publicKey, privateKey } = stage
  const visits = stage.visitor()
  const times: number[] = []
  let broken = 0
  for (let first = 0; first < events; first += BATCH) {
    const names = Array.from({ length: Math.min(BATCH, events - first) }, (_, n) => `killed-${first + n}`)
    const started = await Promise.allSettled(
      names.map((name) =>
        startChild(new URL('service.ts', import.meta.url), [url, publicKey, privateKey, name]),
      ),
    )
    const services = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    try {
      for (const each of started) if (each.status === 'rejected') throw each.reason
      for (const [n, service] of services.entries()) {
        const outcome = await killOne(`/${names[n]}`, service)
        times.push(outcome.ms)
        broken += outcome.broken
      }
    } finally {
      await Promise.all(services.map((service) => service.end()))
    }
  }
  return { times, broken }

  async function killOne(path: string, service: Child<unknown>): Promise<{ ms: number; broken: number }> {
    await visits.until(path, ({ status }) => status === 200)
    const watching = visits.until(path, isFallback)
    // The visitor is in the middle of its requests, at no particular point of one.
    await delay(3 + Math.random() * 3)
    const killedAt = performance.now()
    process.kill(service.pid, 'SIGKILL')
    const { atMs, before } = await watching
    return { ms: atMs - killedAt, broken: othersThan200(before) }
  }
}

/** Last beats are this far apart: the checks of the leases fall at any time after them. */
const APART_MS = 47
/** Nobody may be dropped before this: a lease is 5 s. */
const KEPT_MS = 4900
/** Pause of the visitor that waits for the end: services fall silent together, so it asks less often. */
const PAUSE_MS = 5

/**
 * Registers services over HTTP, lets each beat once more, one after the other, and waits for all of them at
 * once: it takes one lease. The process behind them goes on answering, as one that only forgets to beat would.
 */
export async function silent(stage: Stage, events: number): Promise<Deprovision> {
  const client = stage.visitor()
  const names = Array.from({ length: events }, (_, n) => `silent-${n}`)
  for (const name of names) await stage.register(client, name)

  const one = async (name: string, n: number): Promise<{ ms: number; broken: number }> => {
    await delay(n * APART_MS)
    const beatAt = performance.now()
    await stage.beat(client, name)
    const visits = stage.visitor()
    await delay(KEPT_MS - (performance.now() - beatAt))
    const kept = await visits.get(`/${name}`)
    if (kept.status !== 200) throw new Error(`${name} was dropped before its lease ended: ${kept.status}`)
    const { atMs, before } = await visits.until(`/${name}`, isFallback, { pauseMs: PAUSE_MS })
    return { ms: atMs - beatAt, broken: othersThan200(before) }
  }
  const outcomes = await Promise.all(names.map(one))
  return {
    times: outcomes.map(({ ms }) => ms),
    broken: outcomes.reduce((sum, { broken }) => sum + broken, 0),
  }
}

function othersThan200(before: ReadonlyMap<number, number>): number {
  return [...before].reduce((sum, [status, times]) => sum + (status === 200 ? 0 : times), 0)
}
