/**
 * The seam of live pages: open pages, each on one stream, told what changed of what they show. Types only.
 *
 * @module
 */
import type { Exchange } from '../proxy/exchange.ts'

export interface LiveHub {
  /**
   * Takes an exchange at `/_hydra/live` and keeps it open: first everything its page asked for, then what changes. Who it
   * is for was found out before (`exchange.caller`).
   */
  open(exchange: Exchange): void
  /** Streams that are open. */
  readonly size: number
  /** Ends streams of callers whose session is over; their pages come back as somebody else. */
  endWhere(isOver: (exchange: Exchange) => boolean): void
  /** Says goodbye to all of them, spread over some time, and ends. Called before whatever waits for running requests. */
  close(): void
}

/** Limits and patience of open pages. */
export interface LiveSettings {
  /** 0: none. */
  readonly maxStreams: number
  readonly maxStreamsPerClient: number
  readonly maxWishes: number
  readonly pushEveryMs: number
  readonly heartbeatMs: number
  readonly maxBehindMs: number
  /** Told to pages: time over which they fetch a fragment again. */
  readonly replaceWithinMs: number
}

/** Marks of fragments that showed their fallback: what a page may ask about (`FRAGMENT_OPEN` of the protocol). */
export interface FragmentMarks {
  /** `occurrence`: which of several of the same fragment in one page, from 0. */
  make(service: string, ref: string, occurrence: number): string
  /** The fragment a mark of ours names; undefined when it is not ours. */
  read(mark: string): { readonly service: string; readonly ref: string } | undefined
}
