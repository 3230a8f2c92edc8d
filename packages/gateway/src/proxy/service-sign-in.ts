/**
 * What the engine asks of identity while it carries answers: whether a service's answer means that the visitor has to
 * sign in. The engine knows this port only; `identity/service-wishes.ts` is behind it.
 *
 * @module
 */
import type { Caller } from '../identity/port.ts'
import type { Exchange, HeaderLines } from './exchange.ts'

export interface ServiceSignIn {
  /**
   * Where the visitor goes instead of getting this answer; undefined: it goes on as it is. Asked for answers with
   * `mayAskSignIn(status)` only. `headers` are valid during the call.
   */
  wishOf(exchange: Exchange, status: number, headers: HeaderLines): string | undefined
  /** Whether somebody was signed out by now: a WebSocket may be agreed to, or an event stream begin, just then. */
  isOver(caller: Caller): boolean
}

/** Whether an answer with this status may be a wish to have somebody signed in. */
export function mayAskSignIn(status: number): boolean {
  return status === 302 || status === 303 || status === 401
}

/** Close code of WebSockets whose session has ended: 4000 to 4999 are for applications (RFC 6455, 7.4.2). */
export const SIGNED_OUT_CODE = 4401
export const SIGNED_OUT_REASON = 'the session has ended'
