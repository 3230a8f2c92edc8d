/**
 * What may stand between the answer of a service and the visitor: a composition, which puts fragments into a page
 * while it streams. The engine knows this port only; whoever builds a gateway says who composes.
 *
 * @module
 */
import type { ResponseHead } from '../http1/head.ts'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Taken } from './wire.ts'
import type { WireExchange } from './wire-exchange.ts'

/** Takes the body of an answer: the exchange itself, or what stands before it. All of it is said in one turn, `flush` last. */
export interface AnswerSink {
  /** HELD: the memory is in use for longer than this call, and nothing more is given until `onDrain`. */
  write(bytes: Buffer): Taken
  /** The answer was whole. */
  finish(): void
  /** What was at hand has been given. */
  flush(): void
  /** No more is wanted until `onDrain`. Asked after `flush`. */
  readonly isBlocked: boolean
  /** Called when more may be given. */
  onDrain: (() => void) | undefined
}

/** A page on its way to the visitor. It ends by itself with its exchange. */
export interface Composition extends AnswerSink {
  /** The answer broke, or is not wanted: nothing more is written, nobody is asked any more. */
  cancel(): void
}

/** Composes pages. */
export interface Composer {
  /**
   * Whether the answer to a request will be composed, as far as is known: then conditions and ranges don't reach the
   * service, since parts of it, and word that nothing changed, are of no use. Asked for every request: a gateway that
   * composes nothing says so by a flag.
   */
  wantsWhole(exchange: WireExchange, route: Route): boolean
  /** Whether an answer that is no whole page is about one that is composed: it is asked for whole then, and from now on. */
  isPartOfPage(exchange: WireExchange, route: Route, head: ResponseHead): boolean
  /**
   * Takes an answer over when it is a page that is composed; undefined when it goes on as it is. `head` is valid during
   * the call only, and goes to the visitor by this.
   */
  compose(
    exchange: WireExchange,
    route: Route,
    instance: Instance,
    head: ResponseHead,
    bodyBytes: number,
  ): Composition | undefined
}
