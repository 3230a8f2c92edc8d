/**
 * Requests per second, medians and totals, from what the gateway tells. No clock: the time is passed in.
 *
 * @module
 */
import type { ServiceFacts } from '../shop/gateway.ts'

export interface Figures {
  /** A finished request, as the log of the gateway has it. */
  exchange(line: Readonly<Record<string, unknown>>, nowMs: number): void
  /** The counters of the admin API. */
  counted(services: readonly ServiceFacts[], nowMs: number): void
  perSecond(service: string, nowMs: number): number
  /** Of the last seconds, ms; nothing without requests. */
  medianMs(service: string, nowMs: number): number | undefined
  readonly totals: Totals
}

export interface Totals {
  readonly answered: number
  /** 503 with the fallback, for a service that is down. */
  readonly fallbacks: number
  /** Every other answer of 500 and above. */
  readonly failed: number
}

const WINDOW_MS = 3000
/** More durations than this in a window change a median no more. */
const MOST_SAMPLES = 2000

interface Sample {
  readonly at: number
  readonly value: number
}

export function createFigures(): Figures {
  const durations = new Map<string, Sample[]>()
  /** Requests since the start, by service. */
  const counts = new Map<string, Sample[]>()
  /** Last counter of each instance; it begins at 0 and goes with it. */
  const seen = new Map<string, number>()
  let totals: Totals = { answered: 0, fallbacks: 0, failed: 0 }

  return {
    exchange({ status, service, durationMs, path }, nowMs) {
      if (typeof status !== 'number' || String(path).startsWith('/_hydra/')) return
      if (status === 503) totals = { ...totals, fallbacks: totals.fallbacks + 1 }
      else if (status >= 500) totals = { ...totals, failed: totals.failed + 1 }
      else totals = { ...totals, answered: totals.answered + 1 }
      // A WebSocket lasts as long as its visitor stays.
      if (typeof service !== 'string' || typeof durationMs !== 'number' || status === 101 || status >= 500)
        return
      const samples = recent(durations.get(service), nowMs)
      if (samples.length < MOST_SAMPLES) samples.push({ at: nowMs, value: durationMs })
      durations.set(service, samples)
    },
    counted(services, nowMs) {
      for (const { name, instances } of services) {
        let total = counts.get(name)?.at(-1)?.value ?? 0
        for (const { id, requests } of instances) {
          total += requests - (seen.get(id) ?? 0)
          seen.set(id, requests)
        }
        counts.set(name, [...recent(counts.get(name), nowMs), { at: nowMs, value: total }])
      }
    },
    perSecond(service, nowMs) {
      const samples = recent(counts.get(service), nowMs)
      const [first, last] = [samples[0], samples.at(-1)]
      if (!first || !last || last.at === first.at) return 0
      return ((last.value - first.value) / (last.at - first.at)) * 1000
    },
    medianMs(service, nowMs) {
      const values = recent(durations.get(service), nowMs)
        .map(({ value }) => value)
        .sort((a, b) => a - b)
      return values[Math.floor(values.length / 2)]
    },
    get totals() {
      return totals
    },
  }
}

function recent(samples: readonly Sample[] = [], nowMs: number): Sample[] {
  return samples.filter(({ at }) => at >= nowMs - WINDOW_MS)
}
