/**
 * What is kept of an exchange that is served by the rules of hydra-router (`flywheel.md` 3).
 *
 * @module
 */

/** Absent from every other exchange. */
export interface FlywheelExchange {
  /** `x-hydra-tracer` towards the service and on the answer; undefined when it goes to none. */
  readonly tracer: string | undefined
  /** Until the head of the answer, ms. */
  readonly patienceMs: number
  /** When that is over, in the time of `performance.now()`. Later, once a body that took its time has been sent. */
  answerBy: number
  /** Lower-case names of lines of the service's answer whose place ours take. */
  readonly replaced: ReadonlySet<string>
  /** Lines of answers of our own, beside those that every answer gets. */
  readonly ownLines: Readonly<Record<string, string>>
}

/** Name of the header by which a request is found in the logs of services. */
export const TRACER_HEADER = 'x-hydra-tracer'

/** What is left of the patience with a request, ms; at most `otherMs` where that is given. */
export function patienceLeft({ answerBy }: FlywheelExchange, otherMs = Number.POSITIVE_INFINITY): number {
  return Math.min(otherMs, Math.max(0, answerBy - performance.now()))
}
