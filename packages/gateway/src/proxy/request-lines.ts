/**
 * The head of a request on its way to a service, put together in bytes: lines go on as they came, in order and
 * with their repetitions; what belongs to one connection or to us is taken out, what we vouch for is put in.
 *
 * @module
 */
import { CONTEXT_HEADER, TOKEN_HEADER } from '@hydra-gateway/protocol'
import type { RequestHead } from '../http1/head.ts'
import {
  COOKIE,
  DISGUISED,
  EXPECT,
  FORWARDED,
  HOST,
  HYDRA,
  HYDRA_COMPOSE,
  OTHER,
  TRACEPARENT,
  TRACESTATE,
  X_FORWARDED,
  X_ORIGINAL_URL,
  X_REAL_IP,
  X_REQUEST_ID,
  X_REWRITE_URL,
} from '../http1/names.ts'
import type { Slab } from '../http1/slab.ts'
import type { Instance } from '../routing/upstream.ts'
import { HOP_BY_HOP, leftOut } from './answer-lines.ts'
import { forwardCookies } from './cookies.ts'
import type { HeaderLines, Peer } from './exchange.ts'
import { type FlywheelExchange, TRACER_HEADER } from './flywheel-exchange.ts'
import { pushForwarded } from './forwarded.ts'
import { CHUNKED_LINE, CRLF, REQUEST_ID_NAME, WEBSOCKET_LINES } from './framing-bytes.ts'
import type { KnownCookies } from './known-cookies.ts'

/** What is written of an exchange. */
export interface Forwardable {
  readonly id: string
  readonly head: RequestHead
  readonly method: string
  readonly hasBody: boolean
  readonly isUpgrade: boolean
  readonly hasTrace: boolean
  readonly hasOurCookies: boolean
  readonly cookies: KnownCookies
  readonly authority: string
  readonly secure: boolean
  readonly fromTrusted: boolean
  readonly peer: Peer
  readonly headers: HeaderLines
  /** What an instance whose pages ask for fragments is told of the visitor. */
  readonly context?: string | undefined
  /** What the instance is told of who calls, if anything. */
  readonly loginCookie?: string | undefined
  readonly loginHeader?: string | undefined
  /** Member of `CDN-Loop` for this pass. */
  readonly pass?: string | undefined
  /** Present on routes by the rules of hydra-router. */
  readonly flywheel?: Pick<FlywheelExchange, 'tracer'> | undefined
  /** Conditions and ranges stay behind: the whole answer is wanted. */
  readonly wantsWhole?: boolean
  /** What another process of this gateway is told of it beside what came, as a line (`relay.ts`). */
  readonly relayLine?: string | undefined
}

/** By id of the name: lines that never go on, and lines that are looked at. All others go on. */
const DROP = 1
const LOOK = 2
const RULES = new Uint8Array(256)
for (const id of [...HOP_BY_HOP, HOST, FORWARDED, X_REAL_IP, X_REQUEST_ID, HYDRA, HYDRA_COMPOSE])
  RULES[id] = DROP
// Symfony, Zend and IIS have taken them for the path: it would not be the one whose route was found, and was allowed.
RULES[X_ORIGINAL_URL] = DROP
RULES[X_REWRITE_URL] = DROP
for (const id of [COOKIE, DISGUISED, EXPECT, TRACEPARENT, TRACESTATE, X_FORWARDED]) RULES[id] = LOOK

const VERSION_AND_HOST = Buffer.from(' HTTP/1.1\r\nHost: ')
const COOKIE_NAME = Buffer.from('Cookie: ')
const BETWEEN_COOKIES = Buffer.from('; ')
const CONTEXT_NAME = Buffer.from(`${CONTEXT_HEADER}: `)
const TOKEN_NAME = Buffer.from(`${TOKEN_HEADER}: `)
const PASS_NAME = Buffer.from('CDN-Loop: ')
const TRACER_NAME = Buffer.from(`${TRACER_HEADER}: `)
const NO_TRACER = { tracer: undefined }
/** What the visitor sends under this name is not what stands in our answer. */
const OWN_TRACER: ReadonlySet<string> = new Set([TRACER_HEADER])
const NO_BODY = Buffer.from('Content-Length: 0\r\n')
const SPACE = 0x20

/** Methods that have no body as a rule: nothing has to be said about it. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE'])

/** Writes the head into a region of the slab: begins it, and leaves it open for the body. `target` undefined: as it came. */
export function putRequestHead(
  slab: Slab,
  exchange: Forwardable,
  instance: Pick<Instance, 'service' | 'channel' | 'hostHeader' | 'asksFragments' | 'cookiePrefix'>,
  target: string | undefined,
): void {
  if (exchange.relayLine !== undefined) {
    putRelayedHead(slab, exchange, exchange.relayLine, target)
    return
  }
  const { head } = exchange
  beginHead(slab, exchange, target, instance.hostHeader ?? exchange.authority, 1024)
  const { tracer } = exchange.flywheel ?? NO_TRACER
  putKeptLines(slab, exchange, instance.cookiePrefix)
  slab.bytes(forwardedBytes(exchange))
  slab.bytes(REQUEST_ID_NAME)
  slab.latin1(exchange.id)
  slab.bytes(CRLF)
  if (exchange.pass !== undefined) {
    slab.bytes(PASS_NAME)
    slab.latin1(exchange.pass)
    slab.bytes(CRLF)
  }
  // Those of the other family never knew of it, and configured ones never asked.
  const { channel } = instance
  if (channel === 'rsocket' || channel === 'http') slab.bytes(pathLine(instance.service))
  if (tracer !== undefined) {
    slab.bytes(TRACER_NAME)
    slab.latin1(tracer)
    slab.bytes(CRLF)
  }
  if (instance.asksFragments === true && exchange.context !== undefined) {
    slab.bytes(CONTEXT_NAME)
    slab.latin1(exchange.context)
    slab.bytes(CRLF)
  }
  if (exchange.loginHeader !== undefined) {
    slab.bytes(TOKEN_NAME)
    slab.latin1(exchange.loginHeader)
    slab.bytes(CRLF)
  }
  if (exchange.isUpgrade) slab.bytes(WEBSOCKET_LINES)
  else if (head.isChunked) slab.bytes(CHUNKED_LINE)
  // Without it some servers wait for a body that never comes (RFC 9110, 8.6).
  else if (head.contentLength < 0 && !BODILESS.has(exchange.method)) slab.bytes(NO_BODY)
  slab.bytes(CRLF)
}

/** The request line and the host; `room` is for what is added to the lines that came, bytes. */
function beginHead(
  slab: Slab,
  { head, method }: Pick<Forwardable, 'head' | 'method'>,
  target: string | undefined,
  host: string,
  room: number,
): void {
  slab.begin(head.end - head.start + room)
  slab.latin1(method)
  slab.byte(SPACE)
  // What was asked for is what is sent, unless it had to be made canonical or the route says otherwise.
  if (target === undefined) slab.range(head.bytes, head.targetAt, head.targetEnd)
  else slab.latin1(target)
  slab.bytes(VERSION_AND_HOST)
  slab.latin1(host)
  slab.bytes(CRLF)
}

/** What belongs to one connection, what is said anew, and the id, which stands in the line. */
const NOT_RELAYED = new Uint8Array(256)
for (const id of [...HOP_BY_HOP, HOST, X_REQUEST_ID]) NOT_RELAYED[id] = 1

/** For another process of this gateway: all lines as they came, behind the one that says what only we know. */
function putRelayedHead(
  slab: Slab,
  exchange: Forwardable,
  relayLine: string,
  target: string | undefined,
): void {
  const { head } = exchange
  beginHead(slab, exchange, target, exchange.authority, 2048)
  slab.latin1(relayLine)
  slab.bytes(CRLF)
  const lines = head.lines()
  let runAt = -1
  let runEnd = 0
  for (let i = 0; i < lines.count; i++) {
    const id = lines.id[i]!
    if (NOT_RELAYED[id] === 0 && (id !== EXPECT || head.minor === 1)) {
      if (runAt < 0) runAt = lines.nameAt[i]!
      runEnd = lines.lineEnd[i]!
      continue
    }
    if (runAt >= 0) slab.range(head.bytes, runAt, runEnd)
    runAt = -1
  }
  if (runAt >= 0) slab.range(head.bytes, runAt, runEnd)
  if (exchange.isUpgrade) slab.bytes(WEBSOCKET_LINES)
  else if (head.isChunked) slab.bytes(CHUNKED_LINE)
  slab.bytes(CRLF)
}

/** Copies lines that go on in runs, as few as there are. All cookies of a request with some of ours make one line. */
function putKeptLines(slab: Slab, exchange: Forwardable, cookiePrefix: string | undefined): void {
  const { head, wantsWhole, flywheel } = exchange
  const nominated = leftOut(head, flywheel && OWN_TRACER)
  const { bytes } = head
  const lines = head.lines()
  let runAt = -1
  let runEnd = 0
  let areCookiesOut = false
  for (let i = 0; i < lines.count; i++) {
    const id = lines.id[i]!
    const rule = RULES[id]!
    let isKept = rule === 0
    if (isKept && wantsWhole && id === OTHER) isKept = !CONDITIONS.test(head.name(i))
    if (rule === LOOK)
      isKept = id === COOKIE ? !exchange.hasOurCookies : isLineKept(exchange, id, head.name(i))
    if (isKept && nominated?.has(head.name(i).toLowerCase())) isKept = false
    if (isKept) {
      if (runAt < 0) runAt = lines.nameAt[i]!
      runEnd = lines.lineEnd[i]!
      continue
    }
    if (runAt >= 0) slab.range(bytes, runAt, runEnd)
    runAt = -1
    if (id !== COOKIE || areCookiesOut || !exchange.hasOurCookies) continue
    areCookiesOut = true
    // Who calls is what we found out: that is not the visitor's to take out.
    const own = nominated?.has('cookie') ? undefined : ownCookies(exchange, cookiePrefix)
    putCookies(slab, own, exchange)
  }
  if (runAt >= 0) slab.range(bytes, runAt, runEnd)
  if (!areCookiesOut && exchange.loginCookie !== undefined) putCookies(slab, undefined, exchange)
}

function ownCookies({ cookies, headers }: Forwardable, prefix: string | undefined): string | undefined {
  return prefix === undefined ? cookies.forwarded : forwardCookies(headers.all('cookie'), prefix)
}

function putCookies(slab: Slab, own: string | undefined, { cookies, loginCookie }: Forwardable): void {
  if (own === undefined && loginCookie === undefined) return
  slab.bytes(COOKIE_NAME)
  if (own !== undefined) slab.latin1(own)
  if (loginCookie !== undefined) {
    if (own !== undefined) slab.bytes(BETWEEN_COOKIES)
    slab.bytes(cookies.loginPair(loginCookie))
  }
  slab.bytes(CRLF)
}

/** What makes an answer part of a page, or word that nothing changed. */
const CONDITIONS = /^(?:range|if-match|if-none-match|if-modified-since|if-unmodified-since|if-range)$/i

/** The four of `X-Forwarded-*` that are written anew. */
const WRITTEN_FORWARDED: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
])

/** What many servers (CGI, WSGI) read `_` in a name as: these are taken out in either spelling. */
const DISGUISES =
  /^(?:hydra-.*|x-forwarded-.*|connection|http2-settings|keep-alive|proxy-authorization|proxy-connection|te|trailer|transfer-encoding|upgrade|forwarded|host|x-original-url|x-real-ip|x-request-id|x-rewrite-url|content-length)$/

function isLineKept(exchange: Forwardable, id: number, name: string): boolean {
  switch (id) {
    case DISGUISED:
      return !DISGUISES.test(name.toLowerCase().replaceAll('_', '-'))
    case X_FORWARDED:
      return exchange.fromTrusted && !WRITTEN_FORWARDED.has(name.toLowerCase())
    // RFC 9110, 10.1.1: from HTTP/1.0 it means nothing.
    case EXPECT:
      return exchange.head.minor === 1
    default:
      return exchange.hasTrace
  }
}

/** The forwarding lines of a visitor: the same for every request of a connection to one host, unless a proxy speaks. */
function forwardedBytes(exchange: Forwardable): Buffer {
  const { peer, authority, fromTrusted } = exchange
  if (fromTrusted) return Buffer.from(forwardedText(exchange), 'latin1')
  const known = peer.forwarded
  if (known && known.authority === authority) return known.bytes
  const bytes = Buffer.from(forwardedText(exchange), 'latin1')
  peer.forwarded = { authority, bytes }
  return bytes
}

function forwardedText({ peer, fromTrusted, secure, authority, headers }: Forwardable): string {
  const flat: string[] = []
  pushForwarded(flat, { peerAddress: peer.address, fromTrusted, secure, authority, headers })
  let text = ''
  for (let i = 0; i < flat.length; i += 2) text += `${flat[i]}: ${flat[i + 1]}\r\n`
  return text
}

/** The line by which Medusa apps know under which name they were asked, by service. */
const pathLines = new Map<string, Buffer>()
const MOST_NAMES = 10_000

function pathLine(service: string): Buffer {
  let line = pathLines.get(service)
  if (line === undefined) {
    line = Buffer.from(`hydra-path: ${encodeName(service)}\r\n`, 'latin1')
    if (pathLines.size >= MOST_NAMES) pathLines.clear()
    pathLines.set(service, line)
  }
  return line
}

/** Everything outside `A-Za-z0-9-._~` percent-encoded, UTF-8, as Medusa apps decode it. */
export function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
