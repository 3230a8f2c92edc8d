/**
 * How quickly the gateway follows its services: they come, they die, they fall silent, they register a lot.
 *
 * Gateway and services are processes of their own on loopback, the settings are the defaults. Run it alone:
 * `node --conditions=hydra-source bench/events/events.ts`.
 *
 * @module
 */
import { type Percentiles, percentilesOf } from '../support/percentiles.ts'
import { bigRegistrations } from './big-registrations.ts'
import { killed, silent } from './deprovision.ts'
import { provisionOverHttp, provisionOverRSocket } from './provision.ts'
import { openStage } from './stage.ts'

export interface EventRow extends Percentiles {
  /** What is timed, in ms. */
  readonly event: string
  readonly target: { readonly of: 'p95' | 'p99' | 'max'; readonly atMostMs: number } | undefined
}

export interface EventResults {
  readonly rows: readonly EventRow[]
  /** Requests that were not answered with 200 although the registration had been. */
  readonly early: number
  /** Answers after a kill, and after a silence, that were neither the page of the service nor its fallback. */
  readonly brokenByKills: number
  readonly brokenBySilence: number
}

const EVENTS = 60

/** Runs everything; takes about a minute. */
export async function benchEvents(): Promise<EventResults> {
  const stage = await openStage()
  try {
    const rsocket = await provisionOverRSocket(stage, EVENTS)
    const http = await provisionOverHttp(stage, EVENTS)
    const deaths = await killed(stage, EVENTS)
    const silences = await silent(stage, EVENTS)
    await stage.close()
    const { coldFiles, warmFiles, patterns } = await bigRegistrations(10, 20)

    const row = (event: string, times: readonly number[], target?: EventRow['target']): EventRow => ({
      event,
      ...percentilesOf(times),
      target,
    })
    const provision = { of: 'p95', atMostMs: 100 } as const
    const fiveThousand = { of: 'max', atMostMs: 50 } as const
    return {
      rows: [
        row('registration answered → first 200, RSocket', rsocket.answeredToServedMs, provision),
        row('registration answered → first 200, HTTP', http.answeredToServedMs, provision),
        row('registration begun → first 200, RSocket', rsocket.askedToServedMs),
        row('registration begun → first 200, HTTP', http.askedToServedMs),
        row('kill -9, channel closes → fallback', deaths.times, { of: 'p99', atMostMs: 100 }),
        row('last beat → fallback (silent death)', silences.times, { of: 'max', atMostMs: 5500 }),
        row(
          '5 000 files, fresh gateway: longest block',
          coldFiles.map(({ longestMs }) => longestMs),
          fiveThousand,
        ),
        row(
          '5 000 files, fresh gateway: CPU of the loop',
          coldFiles.map(({ cpuMs }) => cpuMs),
          fiveThousand,
        ),
        row(
          '5 000 files, later: longest block',
          warmFiles.map(({ longestMs }) => longestMs),
          fiveThousand,
        ),
        row(
          '5 000 files, later: CPU of the loop',
          warmFiles.map(({ cpuMs }) => cpuMs),
          fiveThousand,
        ),
        row(
          '10 000 patterns of one service: longest block',
          patterns.map(({ longestMs }) => longestMs),
        ),
        row(
          '10 000 patterns of one service: CPU of the loop',
          patterns.map(({ cpuMs }) => cpuMs),
        ),
      ],
      early: rsocket.early + http.early,
      brokenByKills: deaths.broken,
      brokenBySilence: silences.broken,
    }
  } finally {
    await stage.close()
  }
}

if (import.meta.main) console.log(await benchEvents())
