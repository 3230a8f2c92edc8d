/**
 * When pages are told: at once after a quiet time, and then so often at most, however often something changes. What
 * happens in between goes out as one, and the last state wins.
 *
 * A round goes through all views. It stands back now and then, so that requests don't wait for thousands of pages.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { LiveStream } from './stream.ts'
import type { View } from './view.ts'

export interface Pushes {
  /** Something may have changed. */
  changed(): void
  /** A stream of this view may be told again. */
  woke(view: View<LiveStream>): void
  stop(): void
}

export interface PushesDeps {
  readonly views: () => Iterable<View<LiveStream>>
  /** Looks how things are now. */
  readonly refresh: (view: View<LiveStream>) => void
  /** Tells a stream, if it has to be told and takes it. */
  readonly tell: (stream: LiveStream) => void
  /** All streams of a view were told. */
  readonly done: (view: View<LiveStream>) => void
  readonly everyMs: number
  readonly clock: Pick<Clock, 'monotonic' | 'after'>
  readonly onError: (error: unknown) => void
}

/** How long a round goes on before others have their turn, and how often that is looked at. */
const TURN_MS = 4
const LOOK_EVERY = 32
/** Of a site in constant change, pages that want a lot get this part of the time at most. */
const MOST_BUSY = 1 / 3

export function createPushes({ views, refresh, tell, done, everyMs, clock, onError }: PushesDeps): Pushes {
  /** All views have to be looked at, or those of which a stream can be told again. */
  let isStale = false
  const woken = new Set<View<LiveStream>>()
  /** Of the round that goes on: what is left of it, from the end. */
  let left: View<LiveStream>[] = []
  /** Streams of the last of them that are left; -1 before it was looked at. */
  let at = -1
  let isOn = false
  let isStopped = false
  let busyMs = 0
  let nextAt = Number.NEGATIVE_INFINITY
  let cancel: (() => void) | undefined

  function wake(): void {
    if (isOn || isStopped || cancel !== undefined) return
    const waitMs = nextAt - clock.monotonic()
    if (waitMs <= 0) begin()
    else cancel = clock.after(waitMs, begin)
  }

  function begin(): void {
    cancel = undefined
    isOn = true
    left = isStale ? [...views()] : [...woken]
    isStale = false
    woken.clear()
    at = -1
    busyMs = 0
    goOn()
  }

  function goOn(): void {
    cancel = undefined
    const begun = clock.monotonic()
    const until = begun + TURN_MS
    while (left.length > 0) {
      let isDone = true
      try {
        isDone = tellUntil(left.at(-1)!, until)
      } catch (error) {
        onError(error)
        // Those behind the one that failed are told nevertheless.
        isDone = at <= 0
      }
      if (isDone) {
        done(left.pop()!)
        at = -1
      }
      // After each view too: pages may each show something else.
      if (left.length > 0 && clock.monotonic() > until) {
        busyMs += clock.monotonic() - begun
        cancel = clock.after(0, goOn)
        return
      }
    }
    isOn = false
    const now = clock.monotonic()
    busyMs += now - begun
    // From its end on: whoever was told last is not told again too early.
    nextAt = now + Math.max(everyMs, busyMs / MOST_BUSY - busyMs)
    if (isStale || woken.size > 0) wake()
  }

  /** Tells the streams of a view; false when time ran out before all were told. */
  function tellUntil(view: View<LiveStream>, until: number): boolean {
    const { streams } = view
    if (at < 0 && streams.length > 0) {
      refresh(view)
      at = streams.length
    }
    // From the last to the first: when one leaves, one that was told takes its place.
    for (at = Math.min(at, streams.length); at > 0; ) {
      at--
      tell(streams[at]!)
      at = Math.min(at, streams.length)
      if (at > 0 && at % LOOK_EVERY === 0 && clock.monotonic() > until) return false
    }
    return true
  }

  return {
    changed() {
      isStale = true
      wake()
    },
    woke(view) {
      woken.add(view)
      wake()
    },
    stop() {
      isStopped = true
      cancel?.()
      left = []
    },
  }
}
