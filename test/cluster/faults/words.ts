/**
 * What was found, in words.
 *
 * @module
 */
import { formatFailed } from '../../support/fault-load.ts'
import type { Row, Timing } from './trial.ts'

/** `kill -9 of …: 1 500 sent, 1 499 ok, failed POST 502: 1; …` */
export function formatRow({ what, counts, doubles, lost }: Row): string {
  const { sent, ok, failed, moved, repeated, rescued, fallbacks, stale, latency, longestGapMs } = counts
  const parts = [
    `${sent} sent`,
    `${ok} ok`,
    `failed ${formatFailed(failed)}`,
    ...(fallbacks > 0 ? [`${fallbacks} fallbacks`] : []),
    `moved ${moved}`,
    `repeated ${repeated}`,
    ...(rescued > 0 ? [`rescued ${rescued}`] : []),
    `stale ${stale}`,
    `double ${doubles}`,
    `lost ${lost}`,
    `p50 ${latency.p50.toFixed(1)} ms`,
    `p99 ${latency.p99.toFixed(0)} ms`,
    `max ${latency.max.toFixed(0)} ms`,
    `longest gap ${longestGapMs.toFixed(0)} ms`,
  ]
  return `${what}: ${parts.join(', ')}`
}

/** By nearest rank. */
export function percentileOf(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

const SHARES = { p95: 0.95, p99: 0.99, max: 1 } as const

/** Whether a timing met its target; true without one. `busyMs` is what it may take longer on a busy machine. */
export function isMet({ values, target }: Timing, busyMs = 0): boolean {
  return !target || percentileOf(values, SHARES[target.of]) <= target.atMostMs + busyMs
}

export function formatTiming(timing: Timing): string {
  const { what, values, target } = timing
  const of = (share: number): string => percentileOf(values, share).toFixed(0)
  const all =
    values.length > 1
      ? `p50 ${of(0.5)} ms, p95 ${of(0.95)} ms, p99 ${of(0.99)} ms, max ${of(1)} ms`
      : `${of(1)} ms`
  return `${what}: ${all}${target ? ` (${target.of} at most ${target.atMostMs} ms)` : ''}`
}

/** The sentence about a target that was missed. */
export function missed(timing: Timing, busyMs = 0): string[] {
  return isMet(timing, busyMs) ? [] : [`missed: ${formatTiming(timing)}`]
}
