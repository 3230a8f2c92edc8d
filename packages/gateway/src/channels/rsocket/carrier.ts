/**
 * What a transport and a session know of each other.
 *
 * @module
 */
import type { Link, RSocketError } from '@hydra-gateway/protocol/rsocket'

/** An open transport connection. `end` closes within a second, `destroy` at once. */
export interface Wire extends Link {
  /**
   * Once it is gone: whether that was the end of a process of ours that had it, which says nothing of who was at its other
   * end. Absent where nobody is in between.
   */
  readonly wasCutHere?: () => boolean
  destroy(): void
}

/** The end a transport speaks to. */
export interface Accepted {
  /** Takes one frame. */
  receive(frame: Buffer): void
  /** The connection broke, or the other side closed it. */
  lost(reason: string): void
  /** The peer broke a rule of the transport. */
  refuse(reason: string, error: RSocketError): void
  isOpen(): boolean
  /** Its keys were right: what it sends may be as large as a frame can be. */
  isKnown(): boolean
  /** The connection is gone for good. */
  gone(): void
}

/** Lets a new connection in, or not. */
export type Accept = (peerAddress: string, wire: Wire) => Accepted | undefined

/** How long a peer may take to read the reason it is closed for. */
export const GOODBYE_MS = 1000
