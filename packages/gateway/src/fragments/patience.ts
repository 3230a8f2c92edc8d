/**
 * The time of one page: until when each of its fragments is waited for.
 *
 * One timer serves all: it is set to the next moment at which one falls back. The budget runs while something is
 * waited for, so a page that is slow by itself doesn't use it up.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Refusal } from './choose.ts'
import type { Job } from './job.ts'

export interface Patience {
  /** Those that are waited for. */
  readonly pending: ReadonlySet<Job>
  /** Begins to wait for a fragment, which learns until when, and why it falls back then. */
  wait(job: Job, now: number): void
  /** It is there, or will not come. */
  stop(job: Job): void
  /** A fragment that was asked for falls back then, or at its deadline where that is before. */
  giveUpAt(job: Job, at: number): void
  /** Why a fragment falls back at its deadline. */
  lateness(job: Job): Refusal
  /** Nobody waits for anything any more; returns what was waited for. */
  end(): readonly Job[]
}

export interface PatienceDeps {
  readonly clock: Pick<Clock, 'monotonic' | 'after'>
  /** For all fragments of the page together. */
  readonly budgetMs: number
  /** A fragment that was asked for falls back. */
  readonly onLate: (job: Job, refusal: Refusal) => void
}

const BATCH_LATE: Refusal = Object.freeze({
  reason: 'timeout',
  detail: 'the service did not answer for all its fragments in the time there is for them together',
})

export function createPatience({ clock, budgetMs, onLate }: PatienceDeps): Patience {
  const pending = new Set<Job>()
  let isOver = false
  let spentMs = 0
  let busySince = 0
  let budgetEnd = 0
  let alarmAt = Number.POSITIVE_INFINITY
  let stopAlarm: (() => void) | undefined

  const setAlarm = (at: number, now: number): void => {
    if (at >= alarmAt) return
    stopAlarm?.()
    alarmAt = at
    stopAlarm = clock.after(Math.max(1, Math.ceil(at - now)), onAlarm)
  }
  const clearAlarm = (): void => {
    stopAlarm?.()
    stopAlarm = undefined
    alarmAt = Number.POSITIVE_INFINITY
  }
  function onAlarm(): void {
    alarmAt = Number.POSITIVE_INFINITY
    stopAlarm = undefined
    const now = clock.monotonic()
    let next = Number.POSITIVE_INFINITY
    for (const job of [...pending]) {
      if (job.state !== 'asked') continue
      if (job.giveUpAt - now >= 1) next = Math.min(next, job.giveUpAt)
      else onLate(job, job.giveUpAt < job.deadline ? BATCH_LATE : lateness(job))
    }
    if (next < Number.POSITIVE_INFINITY && !isOver) setAlarm(next, now)
  }

  const lateness = ({ late, startedAt, deadline }: Job): Refusal => ({
    reason: late,
    detail:
      late === 'timeout'
        ? `not there within the ${Math.round(deadline - startedAt)} ms its tag allows`
        : `not there when the ${Math.round(budgetMs)} ms of the page were over`,
  })

  return {
    pending,
    wait(job, now) {
      if (pending.size === 0) {
        busySince = now
        budgetEnd = now + budgetMs - spentMs
      }
      pending.add(job)
      job.startedAt = now
      const own = now + (job.tag.timeoutMs ?? Number.POSITIVE_INFINITY)
      job.late = own < budgetEnd ? 'timeout' : 'budget'
      job.deadline = Math.min(own, budgetEnd)
      job.giveUpAt = job.deadline
    },
    stop(job) {
      if (!pending.delete(job) || pending.size > 0) return
      spentMs += clock.monotonic() - busySince
      clearAlarm()
    },
    giveUpAt(job, at) {
      job.giveUpAt = Math.min(job.deadline, at)
      setAlarm(job.giveUpAt, clock.monotonic())
    },
    lateness,
    end() {
      isOver = true
      clearAlarm()
      const left = [...pending]
      pending.clear()
      return left
    },
  }
}
