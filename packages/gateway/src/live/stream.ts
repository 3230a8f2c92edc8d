/**
 * One open page, and the events that are the same for all of them.
 *
 * @module
 */
import type { Caller } from '../identity/port.ts'
import type { AnswerSink } from '../proxy/composition.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { View } from './view.ts'

export interface LiveStream {
  readonly exchange: Exchange
  readonly sink: AnswerSink
  readonly caller: Caller | undefined
  readonly view: View<LiveStream>
  /** Id of the state it was sent last. */
  told: string
  /** Its place among those of the view, -1 once it is none of them; and which beat it hears with whom. */
  place: number
  readonly beat: number
  beatPlace: number
  /** Since when it has not taken what it was sent, monotonic ms; 0 while it has. */
  behindSince: number
}

/** For the head of a stream; nothing between us and the page may keep or hold anything of it. */
export const STREAM_HEAD: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
}

export const BEAT: Buffer = Buffer.from('event: beat\ndata:\n\n')
export const RENEW: Buffer = Buffer.from('event: renew\ndata: {}\n\n')

/** Programs that know nothing of `bye` go by `retry` alone. */
export function bye(afterMs: number): Buffer {
  return Buffer.from(`retry: ${afterMs}\nevent: bye\ndata: {"afterMs":${afterMs}}\n\n`)
}

/** When to come back if the connection breaks: not all of them at once. `share`: 0 to 1. */
export function retry(share: number): Buffer {
  const { length } = RETRIES
  return RETRIES[Math.min(length - 1, Math.floor(share * length))]!
}

const RETRIES: readonly Buffer[] = Array.from({ length: 32 }, (_, i) =>
  Buffer.from(`retry: ${1000 + i * 100}\n\n`),
)
