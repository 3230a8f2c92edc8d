/**
 * What the listener gives to the connections of its visitors, whatever protocol they speak: settings, the time, where
 * output is put together, and who serves. `http1-connection.ts` and `http2-session.ts` are the two that use it.
 *
 * @module
 */
import type { RequestHead } from '../http1/head.ts'
import type { Slab } from '../http1/slab.ts'
import type { Compression } from './compression.ts'
import type { Deadlines } from './deadlines.ts'
import type { Peer } from './exchange.ts'
import type { ReadRelayed } from './relayed.ts'
import type { HeadFault, RequestFacts } from './request-facts.ts'
import type { ProxySettings } from './settings.ts'
import type { ExchangeOwner, WireExchange } from './wire-exchange.ts'

export interface VisitorEngine {
  readonly settings: ProxySettings
  readonly deadlines: Deadlines
  /** Where answers are put together. */
  readonly slab: Slab
  /** For answers of our own. */
  readonly compression: Compression
  /** The gateway stops: the next answer of each connection is its last. */
  readonly isStopping: boolean
  /** What a parsed head says, or why it is refused. `startedAt`: `performance.now()` as it came; `id`: the one it has. */
  factsOf(
    head: RequestHead,
    peer: Peer,
    isTls: boolean,
    startedAt: number,
    id?: string,
  ): RequestFacts | HeadFault
  /** What a process of ours says of a request it hands on. Absent: visitors come here themselves. */
  readonly relayed?: ReadRelayed | undefined
  /** Has an exchange served. Counts it as running; never throws. */
  begin(exchange: WireExchange): void
  /** Answers an exchange with a fault instead of having it served. Counts it as running, and as refused. */
  refuse(exchange: WireExchange, fault: HeadFault): void
  /** The whole answer to what is no request, in bytes, `Connection: close` in it. Counts and logs it. */
  unreadable(fault: HeadFault, address: string, wantsPage: boolean): Buffer
  /** An exchange has ended, says whoever owns it: counts and logs it. */
  readonly ended: ExchangeOwner['ended']
  /** A connection opened or closed: for counting, and for closing them at a stop. */
  opened(connection: VisitorConnection): void
  closed(connection: VisitorConnection): void
  /** A new id for an exchange. */
  nextId(): string
  /** Bytes, for the metrics. */
  received(bytes: number): void
  sent(bytes: number): void
}

/** A connection as the listener sees it. */
export interface VisitorConnection {
  readonly protocol: 'http/1.1' | 'h2'
  /** Asks the other side to ask nothing more here, where the protocol has words for it; what comes all the same is served. */
  announceEnd(): void
  /** Closes when what runs has ended; at once when nothing runs. */
  drain(): void
  /** Closes now. */
  destroy(): void
}
