/**
 * What is said of fragments: a count and a span for each, a line in the log for those that failed.
 *
 * A page is asked for many times a second, and its broken fragment breaks each time: one line in ten seconds
 * for each service, fragment and reason, with the number of those in between. What is ordinary is said when it
 * begins, and when it is over.
 *
 * @module
 */
import type { FallbackReason, FragmentReport } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { createOutages, type OrdinaryReason } from './outages.ts'
import { traceFragment } from './span.ts'

/** A fragment that settled, as the log and the metrics see it. */
export interface Settled {
  readonly report: FragmentReport
  readonly exchange: string
  readonly traceparent: string | undefined
  /** Whether the gateway knows a service of that name. */
  readonly isKnown: boolean
  /** Wall time when it was asked for, epoch ms. */
  readonly startedAt: number
}

export interface FragmentObserver {
  settled(settled: Settled): void
  /** Something was left out, by a short constant word; said once in a while for each service and fragment. */
  dropped(what: string, fields: Readonly<Record<string, unknown>> & { readonly service: string }): void
}

interface ObserverDeps {
  readonly clock: Clock
  readonly log: Pick<Log, 'debug' | 'info' | 'warn' | 'isLevelEnabled'>
  readonly metrics: Pick<Metrics, 'fragment' | 'fragmentDropped'>
}

const EVERY_MS = 10_000
/** Kinds of lines that are told apart; names in pages are anybody's choice. */
const MOST_KINDS = 1000
/** Mistakes of one kind that are told apart in that time, and how much of each is kept. */
const MOST_MISTAKES = 20
const MOST_MISTAKE_LENGTH = 256
const LINE_AND_COLUMN = /:\d+:\d+$/

function isOrdinary(reason: FallbackReason): reason is OrdinaryReason {
  return reason === 'no-instance' || reason === 'declined'
}

export function createFragmentObserver({ clock, log, metrics }: ObserverDeps): FragmentObserver {
  const outages = createOutages(clock)
  const kinds = new Map<string, { since: number; skipped: number }>()

  /** How many lines of this kind were left out since the last one; undefined when this one is too. */
  const turn = (kind: string): number | undefined => {
    const now = clock.monotonic()
    const known = kinds.get(kind)
    if (known && now - known.since < EVERY_MS) {
      known.skipped++
      return undefined
    }
    if (kinds.size >= MOST_KINDS) kinds.clear()
    kinds.set(kind, { since: now, skipped: 0 })
    return known?.skipped ?? 0
  }

  const mistakes = new Map<string, { since: number; told: Set<string> }>()

  /** Its line, its column and what is said of it tell a mistake from the others of its kind; paths are endless. */
  const mistakeOf = (kind: string, { place, detail }: Readonly<Record<string, unknown>>): string => {
    const now = clock.monotonic()
    let known = mistakes.get(kind)
    if (!known || now - known.since >= EVERY_MS) {
      if (mistakes.size >= MOST_KINDS) mistakes.clear()
      known = { since: now, told: new Set() }
      mistakes.set(kind, known)
    }
    const [at = ''] = LINE_AND_COLUMN.exec(String(place)) ?? []
    const mistake = `${kind}\0${at}\0${String(detail).slice(0, MOST_MISTAKE_LENGTH)}`
    if (known.told.size >= MOST_MISTAKES && !known.told.has(mistake)) return kind
    known.told.add(mistake)
    return mistake
  }

  return {
    settled({ report, exchange, traceparent, isKnown, startedAt }) {
      const { service, ref, reason, durationMs } = report
      metrics.fragment(isKnown ? service : '-', reason ?? 'rendered', durationMs / 1000)
      traceFragment(report, startedAt, traceparent)
      if (reason === undefined) {
        for (const over of outages.ends(service, ref)) log.info({ service, ref, ...over }, 'fragment is back')
        return
      }
      // Nobody's fault: a visitor who left, and one who is not signed in.
      const isNoFault = reason === 'cancelled' || reason === 'not-allowed'
      const level = isOrdinary(reason) ? 'info' : isNoFault ? 'debug' : 'warn'
      const say = (): boolean => {
        if (!log.isLevelEnabled(level)) return false
        const skipped = turn(`${service}\0${ref}\0${reason}`)
        if (skipped === undefined) return false
        const { detail, instance } = report
        const fields = {
          exchange,
          service,
          ref,
          reason,
          detail,
          instance,
          durationMs: Math.round(durationMs),
        }
        log[level](skipped > 0 ? { ...fields, skipped } : fields, 'fallback shown')
        return true
      }
      if (isOrdinary(reason)) outages.shown(service, ref, reason, say)
      else say()
    },
    dropped(what, fields) {
      metrics.fragmentDropped(what)
      if (!log.isLevelEnabled('warn')) return
      const kind = `${fields.service}\0${String(fields.ref)}\0dropped ${what}`
      const skipped = turn(mistakeOf(kind, fields))
      if (skipped === undefined) return
      log.warn(skipped > 0 ? { what, ...fields, skipped } : { what, ...fields }, 'part of a fragment dropped')
    },
  }
}
