/**
 * One open page, as the hub keeps it. Types only.
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
