/**
 * `GET /_hydra/api/v1/events`: site events for operators and their programs, as a stream of server-sent events.
 *
 * A reader has a place in the journal and no buffer of its own: what it takes is read there when it takes it. One that
 * stands still beyond what is kept is cut, and told what it missed when it comes back. Who may read is asked before.
 *
 * @module
 */
import { type ServiceState, SITE_EVENT_KINDS, type SiteEvent, type WatchHello } from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Entry } from '../registry/member.ts'
import type { EventJournal } from './port.ts'

export interface EventDoorDeps {
  readonly journal: EventJournal
  readonly settings: {
    /** As of the journal. */
    readonly kept: number
    readonly maxReaders: number
    /** Between two signs of life of a quiet stream, ms. @default 15 s */
    readonly heartbeatMs?: number
  }
  readonly revision: () => number
  readonly services: () => Iterable<Entry>
  readonly stateOf: (entry: Entry) => ServiceState
  readonly clock: Pick<Clock, 'every' | 'after'>
  readonly log: Pick<Log, 'warn'>
  readonly metrics: Pick<Metrics, 'refused'>
}

export interface EventDoor {
  /** Answers an exchange with a stream; throws HydraError for a question it can't read, and when there are too many readers. */
  open(exchange: Exchange): Response
  /** Streams that are open. */
  readonly size: number
  /** Ends all streams, and opens no more. */
  close(): void
}

/** One open stream. */
interface Reader {
  readonly client: string
  /** Something happened, or it is time for a sign of life. */
  wake(): void
  /** Ends it well; `cut` is for who does not take that. */
  end(): void
  isBehind(): boolean
  /** Ends it without another byte. */
  cut(): void
  beat(): void
}

/** Browsers come back after so long, ms. */
const RETRY_MS = 1000
const HEARTBEAT_MS = 15_000
/** Events that are handed over at once while there are more. */
const CHUNK_EVENTS = 100
/** For streams to end well when the gateway stops, ms. */
const GOODBYE_MS = 1000

export function createEventDoor(deps: EventDoorDeps): EventDoor {
  const { journal, settings, clock, log, metrics } = deps
  const readers = new Set<Reader>()
  const encoder = new TextEncoder()
  let isClosed = false

  const stopListening = journal.onEvent(() => {
    for (const reader of [...readers]) {
      if (!reader.isBehind()) reader.wake()
      else {
        metrics.refused('request', 'event-reader-stands-still')
        log.warn({ client: reader.client, reason: 'it takes nothing' }, 'reader of site events cut')
        reader.cut()
      }
    }
  })
  const stopBeating = clock.every(settings.heartbeatMs ?? HEARTBEAT_MS, () => {
    for (const reader of readers) reader.beat()
  })

  const hello = (): WatchHello => ({
    epoch: journal.epoch,
    latest: journal.latest,
    revision: deps.revision(),
    services: [...deps.services()]
      .map((entry) => ({
        name: entry.name,
        state: deps.stateOf(entry),
        ...(entry.down ? { downSince: entry.down.since } : {}),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  })
  const idOf = (id: number): string => `${journal.epoch}:${id}`

  /** Where a reader begins: after the event it names, if it is one of ours. */
  const placeOf = (given: string | undefined): number => {
    if (given === undefined || given === '') return journal.latest
    const [, epoch, digits] = /^(?:([\w-]{1,64}):)?(\d{1,15})$/.exec(given) ?? []
    if (digits === undefined)
      throw new HydraError('HYDRA_BAD_REQUEST', 'after: the id of an event, as this stream gives it')
    return journal.placeOf(Number(digits), epoch)
  }

  function openReader(exchange: Exchange, from: number, kinds: ReadonlySet<string> | undefined): Response {
    let place = from
    /** Id the reader knows to be at. */
    let said = Number.NaN
    let first: string | undefined = `retry: ${RETRY_MS}\nevent: hello\ndata: ${JSON.stringify(hello())}\n\n`
    let isOver = false
    let isQuiet = false
    let resume: (() => void) | undefined

    const format = (event: SiteEvent): string => {
      said = event.id
      return `id: ${idOf(event.id)}\nevent: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`
    }
    /** What there is to send now; empty when nothing. */
    const next = (): string => {
      let text = first ?? ''
      first = undefined
      while (place < journal.latest && text === '') {
        for (const event of journal.after(place, CHUNK_EVENTS)) {
          place = event.id
          if (!kinds || event.kind === 'missed' || kinds.has(event.kind)) text += format(event)
        }
      }
      if (text === '' && isQuiet) {
        // A reader that hears of some kinds only must not be told that it missed the others.
        text = said === place ? ':\n\n' : `id: ${idOf(place)}\n\n`
        said = place
      }
      isQuiet = false
      return text
    }
    const leave = (): void => {
      isOver = true
      readers.delete(reader)
      resume?.()
    }
    const reader: Reader = {
      client: exchange.client,
      wake: () => resume?.(),
      end: leave,
      isBehind: () => resume === undefined && journal.latest - place > settings.kept,
      cut() {
        leave()
        if (!exchange.ended) exchange.abort()
      },
      beat() {
        isQuiet = true
        resume?.()
      },
    }
    readers.add(reader)
    exchange.onEnd(leave)
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          while (!isOver) {
            const text = next()
            if (text !== '') return controller.enqueue(encoder.encode(text))
            await new Promise<void>((resolve) => {
              resume = resolve
            })
            resume = undefined
          }
          controller.close()
        },
        cancel: leave,
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: HEADERS })
  }

  return {
    open(exchange) {
      if (isClosed) throw new HydraError('HYDRA_STOPPING', 'come back to another one')
      const query = new URLSearchParams(exchange.query)
      const kinds = readKinds(query.get('kinds'))
      const from = placeOf(exchange.headers.get('last-event-id') ?? query.get('after') ?? undefined)
      if (exchange.method === 'HEAD') return new Response(null, { headers: HEADERS })
      if (readers.size >= settings.maxReaders) {
        metrics.refused('request', 'too-many-event-readers')
        log.warn({ client: exchange.client, readers: readers.size }, 'reader of site events refused')
        throw new HydraError(
          'HYDRA_OVERLOADED',
          `${settings.maxReaders} read these events already (events.maxReaders)`,
        )
      }
      return openReader(exchange, from, kinds)
    },
    get size() {
      return readers.size
    },
    close() {
      isClosed = true
      stopListening()
      stopBeating()
      const ending = [...readers]
      for (const reader of ending) reader.end()
      clock.after(GOODBYE_MS, () => {
        for (const reader of ending) reader.cut()
      })
    },
  }
}

const HEADERS = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // Proxies before us that gather answers would keep events back.
  'x-accel-buffering': 'no',
}

function readKinds(given: string | null): ReadonlySet<string> | undefined {
  if (given === null || given === '') return undefined
  const kinds = given.split(',')
  const known: readonly string[] = SITE_EVENT_KINDS
  if (kinds.every((kind) => known.includes(kind))) return new Set(kinds)
  throw new HydraError('HYDRA_BAD_REQUEST', `kinds: some of ${known.join(', ')}, with commas between them`)
}
