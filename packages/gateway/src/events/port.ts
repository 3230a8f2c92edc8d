/**
 * The seam of site events: what happened, kept for a while, and told to whoever listens. Types only.
 *
 * Parts that see something happen say it to an `EventSink`; the journal numbers and keeps it; doors and channels read it.
 *
 * @module
 */
import type { SiteEvent } from '@hydra-gateway/protocol'

type WithoutPlace<Event> = Event extends SiteEvent ? Omit<Event, 'id' | 'at'> : never
/** An event before it has its number and time. */
export type Happening = WithoutPlace<Exclude<SiteEvent, { readonly kind: 'missed' }>>

export interface EventSink {
  say(happening: Happening): void
}

export interface EventJournal extends EventSink {
  /** Of this start of the gateway: ids of another one mean nothing here. */
  readonly epoch: string
  /** Id of the latest event; 0 before the first. */
  readonly latest: number
  /**
   * Where a reader goes on whose last event had this id, in the start `epoch` of the gateway where it knows: behind that
   * event, or at the very beginning when it was in another start.
   */
  placeOf(id: number, epoch: string | undefined): number
  /**
   * Those after an id that are still kept, oldest first, with `missed` in front where some are gone; `most` of them.
   *
   * @default all
   */
  after(id: number, most?: number): readonly SiteEvent[]
  /** Calls back with each new event, in the turn it happened. Returns the function that ends it. */
  onEvent(listener: (event: SiteEvent) => void): () => void
}
