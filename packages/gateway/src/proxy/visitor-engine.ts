/**
 * What connections of visitors share, whatever protocol they speak: settings, the time, where output is put
 * together, and who serves.
 *
 * @module
 */
import type { RequestHead } from '../http1/head.ts'
import type { Slab } from '../http1/slab.ts'
import type { Compression } from './compression.ts'
import type { Deadlines } from './deadlines.ts'
import type { Peer } from './exchange.ts'
import type { HeadFault, RequestFacts } from './request-facts.ts'
import type { ProxySettings } from './settings.ts'
import type { ExchangeOwner, WireExchange } from './wire-exchange.ts'

export interface VisitorEngine {
  readonly settings: ProxySettings
  readonly deadlines: Deadlines
  readonly slab: Slab
  /** For answers of our own. */
  readonly compression: Compression
  /** True while the gateway stops: the next answer is the last of its connection. */
  readonly isStopping: boolean
  /** Reads what a parsed head says. */
  factsOf(head: RequestHead, peer: Peer, isTls: boolean, startedAt: number): RequestFacts | HeadFault
  /** Serves an exchange. Counts it, and logs it when it ends; never throws. */
  begin(exchange: WireExchange): void
  /** Answers an exchange with a fault instead of serving it. Counts it. */
  refuse(exchange: WireExchange, fault: HeadFault): void
  /** Answers what is no request: returns the whole answer in bytes, `Connection: close` in it. Counts and logs it. */
  unreadable(fault: HeadFault, address: string): Buffer
  /** To be called when an exchange has ended, by whoever owns it. */
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
  /** Closes when what runs has ended; at once when nothing runs. */
  drain(): void
  /** Closes now. */
  destroy(): void
}
