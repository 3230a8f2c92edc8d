/**
 * Reads a request head the way every part behind it may rely on: one meaning, or refused. Pure. What llhttp
 * refuses by itself (bare LF, two lengths, length beside chunked, …) never gets here.
 *
 * @module
 */
import type { ErrorCode } from '../errors.ts'
import { readTarget } from '../routing/path.ts'
import { parseAuthority } from './authority.ts'
import type { HeaderLines } from './exchange.ts'
import { headerTokens } from './header-lines.ts'
import type { ProxySettings } from './settings.ts'

export interface RequestHead {
  readonly path: string
  readonly hasEncodedSlash: boolean
  readonly query: string
  readonly authority: string
  readonly host: string
  /** A WebSocket handshake that may be answered with 101 (RFC 6455, 4.2.1). */
  readonly isUpgrade: boolean
}

/** Why a head is refused. `reason` is a short constant word, `detail` a sentence for the sender. */
export interface HeadFault {
  readonly code: ErrorCode
  readonly reason: string
  readonly detail?: string
  /** Sent along, such as `Allow`. */
  readonly headers?: Readonly<Record<string, string>>
}

export type HeadLimits = Pick<ProxySettings, 'maxHeaderLines' | 'maxTargetBytes'>

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is

/** Reads a head, or says why it is refused. `isHttp10`: the request line said HTTP/1.0. */
export function readHead(
  method: string,
  target: string,
  isHttp10: boolean,
  lines: HeaderLines,
  limits: HeadLimits,
): RequestHead | HeadFault {
  if (target.length > limits.maxTargetBytes) return { code: 'HYDRA_TARGET_TOO_LONG', reason: 'target' }
  if (lines.flat.length > limits.maxHeaderLines * 2) {
    return { code: 'HYDRA_HEAD_TOO_LARGE', reason: 'header-lines' }
  }
  if (method === 'CONNECT' || method === 'TRACE') return refusedMethod(method)

  const hosts = lines.all('host')
  const authority = hosts[0]
  if (authority === undefined || hosts.length > 1) {
    return badRequest('host', 'A request needs exactly one Host header.')
  }
  const parsed = parseAuthority(authority)
  if (!parsed) return badRequest('host', 'The Host header is not a host name with an optional port.')

  const transferFault = transferEncodingFault(lines, isHttp10)
  if (transferFault) return transferFault

  let local = target
  const absolute = ABSOLUTE.exec(target)
  if (absolute) {
    // RFC 9112, 3.2.2 lets the target win; two different hosts in one request are an attack or a fault.
    if (absolute[1]!.toLowerCase() !== authority.toLowerCase()) {
      return badRequest('authority', 'The address in the request line and the Host header differ.')
    }
    local = absolute[2]!.startsWith('/') ? absolute[2]! : `/${absolute[2]!}`
  }
  if (!local.startsWith('/')) return badRequest('target', 'The request line must ask for a path.')
  if (local.includes('#')) return badRequest('target', 'An address is sent without its fragment.')

  const read = readTarget(local)
  if (read.problem !== undefined) {
    return { code: 'HYDRA_BAD_PATH', reason: 'path', detail: `This address was refused: ${read.problem}.` }
  }
  return {
    path: read.path,
    hasEncodedSlash: read.encodedSlash,
    query: read.query,
    authority,
    host: parsed.host,
    isUpgrade: !isHttp10 && isHandshake(method, lines),
  }
}

/** The answer to a method that is never served, whatever the address. */
export function refusedMethod(method: string): HeadFault {
  return {
    code: 'HYDRA_METHOD_NOT_ALLOWED',
    reason: method.toLowerCase(),
    headers: { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS', Connection: 'close' },
  }
}

/** Another coding than chunked would have to be undone before the body is passed on; nobody sends any. */
function transferEncodingFault(lines: HeaderLines, isHttp10: boolean): HeadFault | undefined {
  const codings = lines.all('transfer-encoding')
  if (codings.length === 0) return undefined
  if (!isHttp10 && codings.length === 1 && codings[0]!.trim().toLowerCase() === 'chunked') return undefined
  return badRequest('transfer-encoding', 'The only transfer coding that is understood is chunked.')
}

const KEY = /^[A-Za-z0-9+/]{22}==$/

/** Anything else with an `Upgrade` header is an ordinary request: a server may ignore the offer (RFC 9110, 7.8). */
export function isHandshake(method: string, lines: HeaderLines): boolean {
  const upgrade = lines.get('upgrade')
  if (upgrade === undefined || method !== 'GET' || upgrade.trim().toLowerCase() !== 'websocket') return false
  const keys = lines.all('sec-websocket-key')
  return (
    keys.length === 1 &&
    KEY.test(keys[0]!) &&
    lines.get('sec-websocket-version')?.trim() === '13' &&
    headerTokens(lines, 'connection').includes('upgrade') &&
    // Of two origins the service might believe the other one.
    lines.all('origin').length < 2 &&
    lines.get('transfer-encoding') === undefined &&
    (lines.get('content-length') ?? '0') === '0'
  )
}

function badRequest(reason: string, detail: string): HeadFault {
  return { code: 'HYDRA_BAD_REQUEST', reason, detail }
}
