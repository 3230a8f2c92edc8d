/**
 * What is wrong in a Redis anybody may write to: counted, and logged once per cause.
 *
 * @module
 */
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'

export interface Complaints {
  /**
   * Something was ignored. With a `subject` it is counted once: the same thing is looked at each second. The first of each
   * cause is logged.
   */
  about(
    cause: string,
    message: string,
    fields?: { readonly subject?: string; readonly [more: string]: unknown },
  ): void
}

/** Subjects that are kept in mind; beyond them the oldest count again. */
const MOST_SUBJECTS = 10_000
/** Characters of them in the log. */
const MOST_SHOWN = 120

export function createComplaints({
  metrics,
  log,
}: {
  readonly metrics: Pick<Metrics, 'refused'>
  readonly log: Log
}): Complaints {
  const causes = new Set<string>()
  const subjects = new Set<string>()
  return {
    about(cause, message, { subject, ...more } = {}) {
      const key = `${cause} ${subject}`
      if (subject !== undefined) {
        if (subjects.has(key)) return
        subjects.add(key)
        const [oldest] = subjects
        if (subjects.size > MOST_SUBJECTS) subjects.delete(oldest!)
      }
      metrics.refused('flywheel', cause)
      const shown = subject === undefined ? {} : { subject: subject.slice(0, MOST_SHOWN) }
      if (causes.has(cause)) log.debug({ cause, ...shown, ...more }, `flywheel: ${message}`)
      else log.warn({ cause, ...shown, ...more }, `flywheel: ${message}; more of it is counted only`)
      causes.add(cause)
    },
  }
}
