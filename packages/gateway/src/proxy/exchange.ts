/**
 * The exchange: one request and its answer. It is the seam between the engine that reads and writes bytes
 * (behind `listener.ts` and `forward.ts`) and everything that decides what to do with them. Nothing above this seam
 * may see a socket.
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import type { Caller } from '../identity/port.ts'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import type { AnswerSink } from './composition.ts'
import type { FlywheelExchange } from './flywheel-exchange.ts'
import type { KnownCookies } from './known-cookies.ts'
import type { Visit } from './visit.ts'

/** Header lines of a message as received: names keep their case, order and repetition. */
export interface HeaderLines {
  /** First value of a header, by lower-case name. */
  get(name: string): string | undefined
  /** Every value of a header, in order. */
  all(name: string): readonly string[]
  /** `name, value, name, value, …` */
  readonly flat: readonly string[]
}

/** Who is at the other end of the TCP connection. */
export interface Peer {
  /** Without the `::ffff:` of an IPv4 address on an IPv6 socket. */
  readonly address: string
  /** The same object for every exchange of one connection: a key for what belongs to the connection. */
  readonly connection: object
  /** Name of the process that has the connection, when it is another one of this gateway. */
  readonly worker?: string
  /** Whether it is a proxy whose word is taken; asked once per connection. */
  isTrusted?: boolean
  /** Host of its last request, as written and as read. */
  authority?: { readonly text: string; readonly host: string } | undefined
  /** The forwarding lines of its last request, kept by `request-lines.ts`: they seldom change. */
  forwarded?: { readonly authority: string; readonly bytes: Buffer } | undefined
  /** Cookies of its last request, kept by `known-cookies.ts`, and the token among them, kept by the guard. */
  cookies?: KnownCookies | undefined
  login?: { readonly cookies: readonly string[]; readonly caller: Caller; readonly until: number } | undefined
}

export interface Exchange {
  /** Joins log, traces and errors; sent upstream and returned as X-Request-Id. */
  readonly id: string
  /** `performance.now()` at the request's head. */
  readonly startedAt: number
  readonly method: string
  /** Path canonicalised once; what was matched is what is forwarded. */
  readonly path: string
  /** True when %2F stands in the path: only a route that keeps it may be served. */
  readonly hasEncodedSlash: boolean
  /** `?` and what follows, as received; empty when there is none. */
  readonly query: string
  /** Host as the visitor wrote it, with port: `shop.example:8080`. */
  readonly authority: string
  /** Lower-case host name of it, without port and brackets. */
  readonly host: string
  /** True when the visitor speaks TLS, to us or to a trusted proxy before us. */
  readonly secure: boolean
  readonly peer: Peer
  /** Address of the visitor: the peer, or what a trusted proxy says. */
  readonly client: string
  readonly headers: HeaderLines
  /** True for a WebSocket handshake: answered by `forward` or `takeOver`, or refused like any request. */
  readonly isUpgrade: boolean
  readonly hasBody: boolean
  /** A gateway like this one may have sent it on: what those say of a request is among its lines. */
  readonly hasPassed: boolean

  /** Set as the request is served; for the log and the answers. */
  route: Route | undefined
  instance: Instance | undefined
  /** Values of the `Cookie` lines: the same array as long as a connection sends the same ones. */
  readonly cookieLines: readonly string[]
  /** True when some cookie of ours is among the request's. */
  readonly hasOurCookies: boolean
  /** True when that by which visitors are kept on their route may be among them. */
  readonly hasRouteCookie: boolean
  /** A version was drawn from several for it: the answer's head pins it. Kept by `visitors.ts`. */
  isDrawn: boolean
  /** Signed id of the visitor, once known. */
  visitor: string | undefined
  /** What is known of the visitor of a page with fragments. Kept by `visitors.ts`. */
  visit: Visit | undefined
  /** `hydra-context` towards the instance, when its pages ask for fragments and the visitor is somebody. */
  context: string | undefined
  /** Who is signed in, by a token that holds; undefined for everybody else. Kept by the guard (`identity/`). */
  caller: Caller | undefined
  /** Only some may have what was asked for, and this one may: no cache may give it to others. Kept by the guard. */
  isForSome: boolean
  /** A login cookie came that is not worth anything: the answer takes it from the browser. */
  isLoginFaulty: boolean
  /** Value of the login cookie towards the instance; undefined: it gets none. */
  loginCookie: string | undefined
  /** `Hydra-Token` towards the instance. */
  loginHeader: string | undefined
  /** How this cluster is called in `CDN-Loop` towards the instance; undefined: nothing is said. Kept by `passes.ts`. */
  pass: string | undefined
  /** Present when it is served by the rules of hydra-router. Kept by `flywheel-rules.ts`. */
  flywheel: FlywheelExchange | undefined
  /** How many instances were tried. */
  attempts: number
  /** Those that failed it, and how often that counts against `maxAttempts`; kept by `proxy.ts`. */
  tried: Instance[] | undefined
  failures: number

  /** It is over: answered whole, or the visitor left. */
  readonly ended: boolean
  /** True once the head of an answer has left: nothing else may be answered then. */
  readonly answered: boolean
  /** Status of the answer; 0 before there is one. */
  readonly status: number

  /** Adds a header to whatever answer is sent, from us or from the service (`name: value`, appended). */
  addHeader(name: string, value: string): void
  /** Answers with a whole small body, the direct path for errors, redirects and health. */
  answer(status: number, headers: Readonly<Record<string, string>>, body?: string | Uint8Array): void
  /** Streams a fetch-style response; resolves when it was sent or the client left. */
  respond(response: Response): Promise<void>
  /**
   * Begins an answer that stays open, and is written to as things happen: an event stream. The head leaves with the first
   * `flush`. For as long as it may idle nothing is kept of the request that nobody needs any more: headers, cookies and
   * query are empty from here on. Bytes that were written must not change: many streams may be sent the same.
   */
  stream(status: number, headers: Readonly<Record<string, string>>): AnswerSink
  /** The request in fetch form, for what the gateway answers itself. The body can be read once. */
  toRequest(): Request
  /** Gives the connection of an upgrade away: the caller owns the socket from here. */
  takeOver(): TakenOver
  /** Ends the connection without another byte, so that a cut answer is seen as cut. */
  abort(): void
  /** Calls back once when the answer ended or the client left. */
  onEnd(listener: (outcome: 'finished' | 'aborted') => void): void
}

/** A connection that was given away after its request's head. What came behind that comes first, or stands in `head`. */
export interface TakenOver {
  readonly socket: Duplex
  readonly head: Buffer
  readonly method: string
  readonly url: string
  /** Lower-case names, repeated ones joined. */
  readonly headers: Record<string, string>
}

/** Serves an exchange. A promise only where something has to be waited for. */
export type ExchangeHandler = (exchange: Exchange) => void | Promise<void>

/** Why a forward did not lead to an answer; the exchange is still open unless `answered` is true. */
export interface ForwardFailure {
  readonly code:
    | 'HYDRA_UPSTREAM_BROKEN'
    | 'HYDRA_UPSTREAM_TIMEOUT'
    | 'HYDRA_OVERLOADED'
    /** The request body is larger than the route or the settings allow, or came to a standstill: the visitor's doing. */
    | 'HYDRA_TOO_LARGE'
    | 'HYDRA_REQUEST_TIMEOUT'
  /** Short constant word for log and metrics: refused, connect-timeout, head-timeout, reset, garbage, … */
  readonly reason: string
  /** The instance could not be reached at all: it should leave the rotation until it proves itself. */
  readonly refused: boolean
  /** Nothing of this request may have reached the service: any method may be sent elsewhere. */
  readonly nothingSent: boolean
  /** Some of the request body is gone: it can't be sent again whatever the method. */
  readonly bodyConsumed: boolean
  readonly cause?: unknown
}

/**
 * Sends the exchange to an instance and its answer back. Calls back with a failure when none was given and the
 * visitor is still there: another instance may be tried. Never throws; says nothing when all went well, so that
 * a request that is served costs neither a promise nor a closure.
 */
export type Forward = (
  exchange: Exchange,
  route: Route,
  instance: Instance,
  onFailure: (exchange: Exchange, failure: ForwardFailure) => void,
) => void
