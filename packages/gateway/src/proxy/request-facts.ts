/**
 * Reads a request head the way every part behind it may rely on: one meaning, or refused. Pure. What breaks the
 * grammar or the framing of HTTP is refused by the codec (`http1/`) and never gets here.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts'
import { FAULTS } from '../http1/faults.ts'
import { latin1, type RequestHead, SWITCH } from '../http1/head.ts'
import { HOST, ORIGIN, SEC_WEBSOCKET_KEY, UPGRADE } from '../http1/names.ts'
import { readTarget } from '../routing/path.ts'
import { parseAuthority } from './authority.ts'
import type { Peer } from './exchange.ts'
import { type AddressSet, readOrigin } from './forwarded.ts'
import { linesOf } from './lines-of.ts'

/** What is settled about a request before anything is done with it. */
export interface RequestFacts {
  readonly id: string
  readonly startedAt: number
  readonly path: string
  readonly hasEncodedSlash: boolean
  /** The target can be sent on as it came: path and query are what stands in it. */
  readonly isTargetCanonical: boolean
  readonly query: string
  readonly authority: string
  readonly host: string
  /** True when the visitor speaks TLS, to us or to a trusted proxy before us. */
  readonly secure: boolean
  readonly client: string
  readonly fromTrusted: boolean
  /** A WebSocket handshake that may be answered with 101 (RFC 6455, 4.2.1). */
  readonly isUpgrade: boolean
}

/** Why a request is refused. `reason` is a short constant word, `detail` a sentence for the sender. */
export interface HeadFault {
  readonly code: ErrorCode
  readonly reason: string
  readonly detail?: string
  /** Sent along, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Why a body is not waited for any more. */
export const SLOW_BODY: HeadFault = {
  code: 'HYDRA_REQUEST_TIMEOUT',
  reason: 'slow-body',
  detail: 'The body came too slowly.',
}

/** Where processes of one gateway talk to each other, somebody else does. */
export const NOT_OURS: HeadFault = {
  code: 'HYDRA_BAD_REQUEST',
  reason: 'relay',
  detail: 'This is a door between processes of the gateway.',
}

export interface FactsSources {
  readonly nextId: () => string
  /** Proxies whose word about the visitor is taken. */
  readonly trusted: AddressSet | undefined
}

/** Reads what a head says; `isTls`: whether the peer speaks TLS to us. */
export function readFacts(
  head: RequestHead,
  peer: Peer,
  isTls: boolean,
  startedAt: number,
  { nextId, trusted }: FactsSources,
): RequestFacts | HeadFault {
  const hostLine = head.find(HOST)
  if (hostLine < 0) return badRequest('host', 'A request needs exactly one Host header.')
  const parsed = authorityOf(head, hostLine, peer)
  if (!parsed) return badRequest('host', 'The Host header is not a host name with an optional port.')

  const authority = parsed.text
  let { target } = head
  const isOriginForm = target.charCodeAt(0) === SLASH
  if (!isOriginForm) {
    const local = localPart(target, authority)
    if (typeof local !== 'string') return local
    target = local
  }
  const read = readTarget(target)
  if (read.problem !== undefined) {
    return { code: 'HYDRA_BAD_PATH', reason: 'path', detail: `This address was refused: ${read.problem}.` }
  }
  const facts = {
    id: '',
    startedAt,
    path: read.path,
    hasEncodedSlash: read.encodedSlash,
    isTargetCanonical: isOriginForm && read.path.length + read.query.length === target.length,
    query: read.query,
    authority,
    host: parsed.host,
    secure: isTls,
    client: peer.address,
    fromTrusted: false,
    isUpgrade: head.hasUpgrade && isHandshake(head),
  }
  peer.isTrusted ??= trusted?.has(peer.address) ?? false
  if (peer.isTrusted) {
    const origin = readOrigin(peer.address, isTls, linesOf(head), trusted)
    facts.secure = origin.secure
    facts.client = origin.client
    facts.fromTrusted = true
    facts.id = origin.requestId ?? nextId()
  } else facts.id = nextId()
  return facts
}

const SLASH = 47
/** Characters of a path nobody checked. */
const MOST_SHOWN = 256
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is

/** Path and query of a target that does not begin with a slash. */
function localPart(target: string, authority: string): string | HeadFault {
  const absolute = ABSOLUTE.exec(target)
  if (!absolute) return badRequest('target', 'The request line must ask for a path.')
  // RFC 9112, 3.2.2 lets the target win; two different hosts in one request are an attack or a fault.
  if (absolute[1]!.toLowerCase() !== authority.toLowerCase()) {
    return badRequest('authority', 'The address in the request line and the Host header differ.')
  }
  return absolute[2]!.startsWith('/') ? absolute[2]! : `/${absolute[2]!}`
}

/** The Host of a request; nearly always the one of the request before it on this connection. */
function authorityOf(head: RequestHead, line: number, peer: Peer): Peer['authority'] {
  const { valueAt, valueEnd } = head.lines()
  const from = valueAt[line]!
  const known = peer.authority
  if (known && isText(head.bytes, from, valueEnd[line]!, known.text)) return known
  const text = latin1(head.bytes, from, valueEnd[line]!)
  const parsed = parseAuthority(text)
  if (!parsed) return undefined
  peer.authority = { text, host: parsed.host }
  return peer.authority
}

function isText(bytes: Buffer, from: number, to: number, text: string): boolean {
  if (to - from !== text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false
  return true
}

const KEY = /^[A-Za-z0-9+/]{22}==$/

/** Anything else with an `Upgrade` header is an ordinary request: a server may ignore the offer (RFC 9110, 7.8). */
function isHandshake(head: RequestHead): boolean {
  return (
    head.minor === 1 &&
    head.method === 'GET' &&
    (head.connection & SWITCH) !== 0 &&
    !head.isChunked &&
    head.contentLength <= 0 &&
    onlyValue(head, UPGRADE)?.toLowerCase() === 'websocket' &&
    KEY.test(onlyValue(head, SEC_WEBSOCKET_KEY) ?? '') &&
    head.get('sec-websocket-version') === '13' &&
    // Of two origins the service might believe the other one.
    countOf(head, ORIGIN) < 2
  )
}

function onlyValue(head: RequestHead, id: number): string | undefined {
  return countOf(head, id) === 1 ? head.value(head.find(id)) : undefined
}

function countOf(head: RequestHead, id: number): number {
  const lines = head.lines()
  let count = 0
  for (let i = 0; i < lines.count; i++) if (lines.id[i] === id) count++
  return count
}

/** What a request that was refused asked for, cut to what a log line bears. */
export function refusedFacts(id: string, head: RequestHead, address: string, isTls: boolean): RequestFacts {
  return {
    id,
    startedAt: performance.now(),
    path: head.target.split('?', 1)[0]!.slice(0, MOST_SHOWN),
    hasEncodedSlash: false,
    isTargetCanonical: false,
    query: '',
    authority: '',
    host: '',
    secure: isTls,
    client: address,
    fromTrusted: false,
    isUpgrade: false,
  }
}

const CODE_OF: Readonly<Record<number, ErrorCode>> = {
  400: 'HYDRA_BAD_REQUEST',
  405: 'HYDRA_METHOD_NOT_ALLOWED',
  413: 'HYDRA_TOO_LARGE',
  414: 'HYDRA_TARGET_TOO_LONG',
  431: 'HYDRA_HEAD_TOO_LARGE',
  501: 'HYDRA_NOT_IMPLEMENTED',
  505: 'HYDRA_HTTP_VERSION',
}

const ALLOWED = { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' }

/** A fault of the codec in our words; `result` is what its parser returned. */
export function codecFault(result: number): HeadFault {
  const { word, status, detail } = FAULTS[-result]!
  return {
    code: CODE_OF[status] ?? 'HYDRA_BAD_REQUEST',
    reason: word,
    detail,
    ...(status === 405 ? { headers: ALLOWED } : {}),
  }
}

function badRequest(reason: string, detail: string): HeadFault {
  return { code: 'HYDRA_BAD_REQUEST', reason, detail }
}
