/**
 * The beats of all streams: each hears something once in a while, a few of them at a time, by one timer.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { LiveStream } from './stream.ts'

export interface Beats {
  /** The beat a new stream hears. */
  next(): number
  add(stream: LiveStream): void
  delete(stream: LiveStream): void
  stop(): void
}

const BEATS = 50

export function createBeats({
  everyMs,
  clock,
  beat,
  onTick,
}: {
  readonly everyMs: number
  readonly clock: Pick<Clock, 'every'>
  /** A stream is due; it may be taken away. */
  readonly beat: (stream: LiveStream) => void
  /** Called with each of the beats. */
  readonly onTick: () => void
}): Beats {
  const streams: LiveStream[][] = Array.from({ length: BEATS }, () => [])
  let given = 0
  let now = 0
  const stop = clock.every(everyMs / BEATS, () => {
    now = (now + 1) % BEATS
    const due = streams[now]!
    for (let i = due.length - 1; i >= 0; i = Math.min(i, due.length) - 1) beat(due[i]!)
    onTick()
  })
  return {
    next: () => given++ % BEATS,
    add(stream) {
      const beside = streams[stream.beat]!
      stream.beatPlace = beside.length
      beside.push(stream)
    },
    delete(stream) {
      const beside = streams[stream.beat]!
      const last = beside.pop()!
      if (last === stream) return
      beside[stream.beatPlace] = last
      last.beatPlace = stream.beatPlace
    },
    stop,
  }
}
