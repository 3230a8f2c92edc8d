/**
 * What is measured of the gateway's process in a soak, and whether it stays flat. Pure.
 *
 * @module
 */

export interface Sample {
  readonly seconds: number
  readonly rssBytes: number
  readonly files: number
}

const MiB = 1024 * 1024

/** The memory of a gateway that is busy, whatever it is busy with; the promise of the design is 160 MiB at 64 connections. */
export const MOST_RSS = 256 * MiB
/** Growth that is seen in no day: 1 MiB a minute would be, but a slope over minutes is not known better than this. */
export const MOST_SLOPE = 1.5 * MiB
/** A slope over less says nothing: a collection here or there is larger. */
export const SLOPE_SECONDS = 230

/** Growth of resident memory in bytes per minute: the line that fits the samples best. */
export function slopePerMinute(samples: readonly Sample[]): number {
  const n = samples.length
  if (n < 2) return 0
  const meanX = samples.reduce((sum, { seconds }) => sum + seconds, 0) / n
  const meanY = samples.reduce((sum, { rssBytes }) => sum + rssBytes, 0) / n
  let xy = 0
  let xx = 0
  for (const { seconds, rssBytes } of samples) {
    xy += (seconds - meanX) * (rssBytes - meanY)
    xx += (seconds - meanX) ** 2
  }
  return xx === 0 ? 0 : (xy / xx) * 60
}

/** The second half: V8 lets its heap grow for minutes before it finds it worth collecting. */
export function settled(samples: readonly Sample[], totalSeconds: number): readonly Sample[] {
  return samples.filter(({ seconds }) => seconds >= totalSeconds / 2)
}
