/**
 * The journal of site events: numbers what happens, keeps the latest of it, tells whoever listens.
 *
 * It is the only buffer there is: readers keep their place in it, and who falls behind what is kept has missed the rest.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { SiteEvent } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { EventJournal } from './port.ts'

export interface JournalDeps {
  /** Events that are kept for who comes later, or again. */
  readonly kept: number
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'error'>
}

export function createJournal({ kept, clock, log }: JournalDeps): EventJournal {
  /** The event with an id stands at `id % kept`. */
  const ring: SiteEvent[] = []
  const listeners = new Set<(event: SiteEvent) => void>()
  let latest = 0
  let told = 0
  let isTelling = false

  const tell = (event: SiteEvent): void => {
    for (const listener of [...listeners]) {
      try {
        listener(event)
      } catch (error) {
        log.error({ err: error, event: event.id }, 'a reader of site events failed')
      }
    }
  }
  /** What a listener says while it is told something comes after that, for everybody. */
  const tellAll = (): void => {
    if (isTelling) return
    isTelling = true
    while (told < latest) {
      const event = ring[++told % kept]!
      // Of those that were said meanwhile, and are more than are kept, the first are gone.
      if (event.id === told) tell(event)
    }
    isTelling = false
  }

  const start = randomUUID()

  return {
    epoch: start,
    get latest() {
      return latest
    },
    say(happening) {
      const id = ++latest
      ring[id % kept] = { id, at: clock.now(), ...happening }
      tellAll()
    },
    // Of another start of the gateway: everything since this one is news.
    placeOf: (id, epoch = start) => (epoch !== start || id > latest ? 0 : id),
    after(id, most = Number.POSITIVE_INFINITY) {
      const oldest = Math.max(1, latest - kept + 1)
      const events: SiteEvent[] = []
      const gone = oldest - 1 - id
      if (gone > 0) {
        const at = ring[oldest % kept]?.at ?? clock.now()
        events.push({ id: oldest - 1, at, kind: 'missed', count: gone })
      }
      for (let next = Math.max(id + 1, oldest); next <= latest && events.length < most; next++)
        events.push(ring[next % kept]!)
      return events
    },
    onEvent(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
