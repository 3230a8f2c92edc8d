/**
 * Site events: what happens to services, routes and menus, as the gateway says it.
 *
 * Nothing is asked for before somebody listens. After a lost line the stream goes on where it ended: the gateway says
 * how many events are gone, and a gateway that was restarted begins anew.
 *
 * @module
 */
import { type EventsRequest, eventsHello, type SiteEvent, siteEvent } from '@hydra-gateway/protocol'
import { ERROR_CODES, type Source } from '@hydra-gateway/protocol/rsocket'
import type { Connection } from './connection.ts'
import type { Log } from './log.ts'

export interface SiteEvents {
  /** Somebody listens, or nobody any more. */
  wanted(isWanted: boolean): void
  connected(connection: Pick<Connection, 'events'>): void
  disconnected(): void
}

export interface SiteEventsDeps {
  readonly onEvent: (event: SiteEvent) => void
  readonly log: Log
}

/** Ends of a stream that are the gateway's word: one that is older does not know it. */
const REFUSED: ReadonlySet<number> = new Set([
  ERROR_CODES.APPLICATION_ERROR,
  ERROR_CODES.REJECTED,
  ERROR_CODES.INVALID,
])
/** Events the gateway may send ahead of who listens. */
const AHEAD = 64

export function createSiteEvents({ onEvent, log }: SiteEventsDeps): SiteEvents {
  let isWanted = false
  let line: Pick<Connection, 'events'> | undefined
  let stream: Source | undefined
  /** The last event that was told, and the gateway's start it belongs to. */
  let place: Required<EventsRequest> | undefined

  const receive = (item: unknown): void => {
    const hello = eventsHello.safeParse(item)
    if (hello.success) {
      const { epoch, latest } = hello.data
      // Of a gateway that was restarted everything is news; without a place, what happens from now on.
      if (!place) place = { epoch, after: latest }
      else if (place.epoch !== epoch) place = { epoch, after: 0 }
      return
    }
    // Of a newer gateway, with kinds nobody here knows: they are passed over.
    const event = siteEvent.safeParse(item)
    if (!event.success || !place) return
    place = { ...place, after: event.data.id }
    onEvent(event.data)
  }

  const open = (): void => {
    if (!isWanted || !line || stream) return
    let taken = 0
    let opened: Source | undefined
    opened = line.events(place ?? {}, {
      demand: AHEAD,
      onItem(item) {
        // What came is given back in one go once half of it was used.
        if (++taken === AHEAD / 2) {
          taken = 0
          opened?.request(AHEAD / 2)
        }
        if (stream === opened) receive(item)
      },
      onEnd(error) {
        if (stream === opened) stream = undefined
        // A lost line ends it as well; the next one opens it again.
        if (error && REFUSED.has(error.code)) log.warn(`the gateway tells no events: ${error.message}`)
      },
    })
    stream = opened
  }
  const close = (): void => {
    const opened = stream
    stream = undefined
    opened?.cancel()
  }

  return {
    wanted(next) {
      isWanted = next
      if (isWanted) open()
      else {
        close()
        // Who listens again later hears what happens then.
        place = undefined
      }
    },
    connected(connection) {
      line = connection
      open()
    },
    disconnected() {
      line = undefined
      close()
    },
  }
}
