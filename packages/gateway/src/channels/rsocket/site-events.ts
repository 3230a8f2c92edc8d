/**
 * `hydra.events`: a service follows site events over its channel, at its own pace.
 *
 * What it takes is read from the journal when it asks for it: a service that stops asking costs nothing, and hears
 * afterwards how many it missed.
 *
 * @module
 */
import { type EventsHello, eventsRequest, type SiteEvent } from '@hydra-gateway/protocol'
import type { Sink, Source } from '@hydra-gateway/protocol/rsocket'
import { HydraError } from '../../errors.ts'
import type { EventJournal } from '../../events/port.ts'

export interface SiteEvents {
  stream(data: unknown, sink: Sink): Source
  /** The channel is lost. */
  end(): void
}

/** Streams of one channel; a service needs one. */
const MOST_STREAMS = 8
/** Events that are looked up at once. */
const BATCH = 64

export function createSiteEvents(journal: EventJournal | undefined): SiteEvents {
  const open = new Set<() => void>()

  return {
    stream(data, sink) {
      if (!journal) throw new HydraError('HYDRA_NOT_IMPLEMENTED', 'nobody keeps events here')
      const asked = eventsRequest.safeParse(data ?? {})
      if (!asked.success)
        throw new HydraError('HYDRA_BAD_REQUEST', 'after is the id of an event, epoch that of its gateway')
      if (open.size >= MOST_STREAMS)
        throw new HydraError('HYDRA_OVERLOADED', `a channel may follow events ${MOST_STREAMS} times`)
      let demand = 0
      const { after, epoch } = asked.data
      let place = after === undefined ? journal.latest : journal.placeOf(after, epoch)
      let isGreeted = false

      const send = (): void => {
        if (demand > 0 && !isGreeted) {
          isGreeted = true
          demand--
          const { epoch, latest } = journal
          sink.next({ kind: 'hello', epoch, latest } satisfies EventsHello)
        }
        while (demand > 0 && place < journal.latest) {
          for (const event of journal.after(place, Math.min(demand, BATCH))) {
            place = event.id
            demand--
            sink.next(event satisfies SiteEvent)
          }
        }
      }
      const stopListening = journal.onEvent(send)
      const end = (): void => {
        stopListening()
        open.delete(end)
      }
      open.add(end)
      return {
        request(count) {
          demand += count
          send()
        },
        cancel: end,
      }
    },
    end() {
      for (const end of [...open]) end()
    },
  }
}
