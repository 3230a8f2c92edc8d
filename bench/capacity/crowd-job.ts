/**
 * What a crowd of instances is told to do.
 *
 * @module
 */
import { type Child, startChild } from '../support/child.ts'
import { type Cores, pin } from '../support/processes.ts'

/** What it is told to do; it answers `{}`. */
export type CrowdJob =
  /** So many instances come, in services of `instancesEach`, one after the other at the gateways. */
  | {
      readonly what: 'open'
      readonly ports: readonly number[]
      readonly count: number
      readonly instancesEach: number
      readonly routesEach: number
      /** Of their names. @default s */
      readonly prefix?: string
    }
  | { readonly what: 'close' }

/** Who come at once. */
export const AT_ONCE = 20

/** A process for a crowd; nobody is in it yet. */
export async function startCrowd(cores: Cores | undefined): Promise<Child<object>> {
  const crowd = await startChild<object>(new URL('crowd.ts', import.meta.url))
  pin([crowd.pid], cores?.others)
  return crowd
}

/** Has a crowd open so many, a few at a time: each answer has to come within half a minute. */
export async function openCrowd(
  crowd: Child<object>,
  job: Extract<CrowdJob, { what: 'open' }>,
): Promise<void> {
  for (let left = job.count; left > 0; left -= AT_ONCE) {
    const answer = await crowd.ask<{ error?: string }>({ ...job, count: Math.min(AT_ONCE, left) })
    if (answer.error !== undefined) throw new Error(answer.error)
  }
}
