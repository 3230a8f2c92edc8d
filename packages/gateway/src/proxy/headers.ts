/**
 * Header lines as they are passed on, towards the service and back. Pure: lines in, lines out, in order and
 * with their repetitions; what belongs to one connection or to us is taken out, what we vouch for is put in.
 *
 * @module
 */
import type { Instance } from '../routing/upstream.ts'
import { filterCookies } from './cookies.ts'
import type { HeaderLines } from './exchange.ts'
import { type ForwardedFacts, pushForwarded } from './forwarded.ts'
import { headerTokens } from './header-lines.ts'

/** Belong to one connection, whether `Connection` names them or not (RFC 9110, 7.6.1). */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Would change what message this is, so that nobody may have them removed by naming them in `Connection`. */
const NEVER_NOMINATED: ReadonlySet<string> = new Set(['host', 'content-length', 'transfer-encoding'])

/** Ours to say; whoever else says it is not believed. */
const OURS: ReadonlySet<string> = new Set(['forwarded', 'host', 'x-real-ip', 'x-request-id'])

export interface RequestFacts extends ForwardedFacts {
  readonly id: string
  readonly hasBody: boolean
  readonly isUpgrade: boolean
  readonly method: string
}

/** The header lines of a request towards an instance, Host first. */
export function requestHeaders(
  facts: RequestFacts,
  instance: Pick<Instance, 'service' | 'channel' | 'hostHeader'>,
): string[] {
  const { flat } = facts.headers
  const isRegistered = instance.channel !== 'static'
  const nominated = nominatedBy(facts.headers)
  const out = ['Host', instance.hostHeader ?? facts.authority]
  let hasLength = false
  for (let i = 0; i < flat.length; i += 2) {
    const name = flat[i]!
    const written = name.toLowerCase()
    // Many servers read _ as - (CGI, WSGI): what we vouch for is taken out in either spelling.
    const isDisguised = written.includes('_')
    const key = isDisguised ? written.replaceAll('_', '-') : written
    if (HOP_BY_HOP.has(key) || OURS.has(key) || nominated?.has(written)) continue
    // Identity and paths are for us to state: any of ours that comes from outside is a forgery.
    if (key.startsWith('hydra-') || (isDisguised && key === 'content-length')) continue
    if (key.startsWith('x-forwarded-') && (isDisguised || !facts.fromTrusted || WRITTEN_FORWARDED.has(key)))
      continue
    const value = key === 'cookie' ? filterCookies(flat[i + 1]!, isRegistered) : flat[i + 1]!
    if (value === undefined) continue
    if (key === 'content-length') hasLength = true
    out.push(name, value)
  }
  pushForwarded(out, facts)
  out.push('X-Request-Id', facts.id)
  if (isRegistered) out.push('hydra-path', encodeName(instance.service))
  if (facts.isUpgrade) out.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
  else if (!hasLength) {
    if (facts.hasBody) out.push('Transfer-Encoding', 'chunked')
    // Without it some servers wait for a body that never comes (RFC 9110, 8.6).
    else if (!BODILESS.has(facts.method)) out.push('Content-Length', '0')
  }
  return out
}

const WRITTEN_FORWARDED: ReadonlySet<string> = new Set([
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
])

const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'DELETE'])

/** What a service's own answer gets when it says nothing itself, as Medusa apps had it from their old gateway. */
const MEDUSA_DEFAULTS = [
  ['x-frame-options', 'X-Frame-Options', 'SAMEORIGIN'],
  ['referrer-policy', 'Referrer-Policy', 'same-origin'],
  ['x-content-type-options', 'X-Content-Type-Options', 'nosniff'],
] as const

/** The header lines of an answer towards the visitor, without the request id and without any framing but its length. */
export function answerHeaders(
  lines: HeaderLines,
  status: number,
  channel: Instance['channel'],
  isUpgrade = false,
): string[] {
  const { flat } = lines
  const nominated = nominatedBy(lines)
  const out: string[] = []
  for (let i = 0; i < flat.length; i += 2) {
    const key = flat[i]!.toLowerCase()
    if (HOP_BY_HOP.has(key) || key === 'x-request-id' || nominated?.has(key)) continue
    if (key === 'content-length' && status === 204) continue
    out.push(flat[i]!, flat[i + 1]!)
  }
  if (channel === 'http' && !isUpgrade) {
    for (const [key, name, value] of MEDUSA_DEFAULTS) {
      if (lines.get(key) === undefined) out.push(name, value)
    }
  }
  if (isUpgrade) out.push('Connection', 'Upgrade', 'Upgrade', 'websocket')
  return out
}

/** Everything outside `A-Za-z0-9-._~` percent-encoded, UTF-8, as Medusa apps decode it. */
export function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** Headers that `Connection` says end here; nothing for the usual values. */
function nominatedBy(lines: HeaderLines): Set<string> | undefined {
  const first = lines.get('connection')
  if (first === undefined || first === 'keep-alive' || first === 'close') {
    if (lines.all('connection').length < 2) return undefined
  }
  return new Set(headerTokens(lines, 'connection').filter((token) => !NEVER_NOMINATED.has(token)))
}
