/**
 * Health: which services serve, but so that visitors feel it. The data plane only counts (`routing/vitals.ts`); here the
 * counts are looked at, a few times per window, and services are judged by their share of failed and slow answers.
 *
 * A service is the sum of its instances that serve now. What one of them did before it went out of rotation is not held
 * against the others, nor against itself once it is back.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { HealthOf } from '../routing/link-state.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { type AnswerWindow, createAnswerWindow, type Tally } from './health-window.ts'
import type { Entry } from './member.ts'

export interface HealthSettings {
  /** What counts: answers of so long, ms. @default 10 000 */
  readonly windowMs: number
  /** With fewer of them a service is not judged. @default 20 */
  readonly leastAnswers: number
  /** Share of failed or slow ones, in percent, from which a service is degraded; it recovers below half of it. @default 10 */
  readonly failuresPercent: number
  /** From so long on an answer is slow, ms. The vitals count by it; here it is for people. @default 5000 */
  readonly slowMs: number
}

export interface Health {
  /** How a service that serves does so; those nobody knows do it well. */
  readonly stateOf: HealthOf
  /** Why a service is degraded, in a sentence for operators. */
  reasonOf(service: string): string | undefined
  /** Calls back when a service turns, once per turn, and when the cause of its trouble does. `reason` is for operators. */
  onChange(listener: HealthListener): void
  stop(): void
}

export type HealthListener = (service: string, state: 'available' | 'degraded', reason: string) => void

export interface HealthDeps {
  readonly settings: HealthSettings
  readonly entries: () => Iterable<Entry>
  readonly vitals: Pick<VitalsBook, 'of' | 'onChange'>
  readonly metrics: { degraded(service: string): void }
  readonly clock: Pick<Clock, 'every' | 'monotonic'>
  readonly log: Pick<Log, 'warn' | 'info'>
}

/** Looks per window at most: a long window is looked at less often than each second. */
const MOST_LOOKS = 60
const LOOK_MS = 1000

/** What is known of a service that is degraded. */
interface Ailing {
  /** Since when there are too few answers to judge by, monotonic ms. */
  quietSince: number | undefined
  reason: string
  /** Errors are most of it. */
  isFailing: boolean
}

/** Starts to look. `entries` and `vitals` are read, never changed. */
export function createHealth({ settings, entries, vitals, metrics, clock, log }: HealthDeps): Health {
  // Where the window is cut into pieces is decided once.
  const { windowMs } = settings
  const looks = Math.max(1, Math.min(MOST_LOOKS, Math.round(windowMs / LOOK_MS)))
  const windows = new Map<string, AnswerWindow>()
  const ailing = new Map<string, Ailing>()
  const listeners: HealthListener[] = []

  /** Adds what a service did within the window, and forgets what its other instances did. */
  const tallyOf = ({ members }: Entry, seen: Set<string>): Tally => {
    const sum: Tally = { answers: 0, faults: 0, slow: 0 }
    for (const { id, state } of members.values()) {
      seen.add(id)
      const counts = vitals.of(id)
      let window = windows.get(id)
      if (!window) {
        window = createAnswerWindow(looks)
        windows.set(id, window)
      }
      if (state === 'available' && !counts.resting) window.look(counts, sum)
      else window.begin(counts)
    }
    return sum
  }

  const say = (service: string, state: 'available' | 'degraded', reason: string): void => {
    for (const listener of listeners) listener(service, state, reason)
  }
  const turn = (
    service: string,
    state: 'available' | 'degraded',
    reason: string,
    isFailing: boolean,
  ): void => {
    if (state === 'degraded') {
      ailing.set(service, { quietSince: undefined, reason, isFailing })
      metrics.degraded(service)
      log.warn({ service, reason }, 'service degraded')
    } else {
      ailing.delete(service)
      log.info({ service, reason }, 'service answers as usual again')
    }
    say(service, state, reason)
  }

  const judge = (service: string, { answers, ...bad }: Tally): void => {
    const { leastAnswers, failuresPercent } = settings
    // An answer that was an error and broke off was counted as two.
    const faults = Math.min(answers, bad.faults)
    const tally = { answers, faults, slow: Math.min(answers - faults, bad.slow) }
    const percent = answers === 0 ? 0 : ((faults + tally.slow) * 100) / answers
    const isFailing = faults >= tally.slow
    const now = ailing.get(service)
    if (!now) {
      if (answers >= leastAnswers && percent >= failuresPercent)
        turn(service, 'degraded', sentence(tally, settings), isFailing)
      return
    }
    const isBetter = percent < failuresPercent / 2
    if (answers >= leastAnswers) {
      now.quietSince = undefined
      if (isBetter) turn(service, 'available', sentence(tally, settings), false)
      else if (percent >= failuresPercent) {
        const isOther = now.isFailing !== isFailing
        Object.assign(now, { reason: sentence(tally, settings), isFailing })
        if (isOther) say(service, 'degraded', now.reason)
      }
      return
    }
    now.quietSince ??= clock.monotonic()
    // Few answers say little, but as long as most of them are bad nobody should be told that all is well.
    if (clock.monotonic() - now.quietSince >= windowMs && isBetter)
      turn(service, 'available', 'too few answers to judge by', false)
  }

  const look = (): void => {
    const seen = new Set<string>()
    const known = new Set<string>()
    // A turn may change the list.
    for (const entry of [...entries()]) {
      known.add(entry.name)
      const tally = tallyOf(entry, seen)
      if (!isServed(entry)) ailing.delete(entry.name)
      else judge(entry.name, tally)
    }
    for (const id of windows.keys()) if (!seen.has(id)) windows.delete(id)
    for (const service of ailing.keys()) if (!known.has(service)) ailing.delete(service)
  }
  /** Nobody there is a state of its own; who returns begins anew. */
  const isServed = ({ members }: Entry): boolean =>
    [...members.values()].some(({ id, state }) => state === 'available' && !vitals.of(id).resting)

  // It may rest for less than the time between two looks.
  vitals.onChange((id) => windows.get(id)?.begin(vitals.of(id)))
  const stop = clock.every(Math.max(1, Math.round(windowMs / looks)), look)
  return {
    stateOf(service) {
      const now = ailing.get(service)
      return now ? (now.isFailing ? 'failing' : 'degraded') : 'available'
    },
    reasonOf: (service) => ailing.get(service)?.reason,
    onChange: (listener) => void listeners.push(listener),
    stop,
  }
}

function sentence({ answers, faults, slow }: Tally, { windowMs, slowMs }: HealthSettings): string {
  const what = [
    ...(faults > 0 || slow === 0 ? [`${faults} failed`] : []),
    ...(slow > 0 ? [`${slow} took more than ${slowMs / 1000} s`] : []),
  ]
  return `of the ${answers} answers of the last ${windowMs / 1000} s ${what.join(' and ')}`
}
