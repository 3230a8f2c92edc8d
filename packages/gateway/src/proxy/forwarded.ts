/**
 * What proxies say about a request on its way: `X-Forwarded-*` and RFC 7239 `Forwarded`, read from those we
 * trust and written for the service. Pure.
 *
 * @module
 */
import { isIP } from 'node:net'
import { plainAddress } from '@hydra-gateway/protocol'
import { parseAuthority } from './authority.ts'
import type { HeaderLines } from './exchange.ts'

/** A set of addresses, such as the CIDR list of trusted proxies. */
export interface AddressSet {
  has(address: string): boolean
}

/** What is true of the visitor behind the peer. */
export interface Origin {
  readonly client: string
  readonly secure: boolean
  /** The id the exchange already has, when a trusted proxy gave it a usable one. */
  readonly requestId: string | undefined
  readonly fromTrusted: boolean
}

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/

/**
 * Finds the visitor: from the right of `X-Forwarded-For`, the first address that is not a trusted proxy.
 * What stands left of it may be invented. An untrusted peer is itself the visitor, whatever it claims.
 */
export function readOrigin(
  peer: string,
  tls: boolean,
  lines: HeaderLines,
  trusted: AddressSet | undefined,
): Origin {
  if (!trusted?.has(peer)) return { client: peer, secure: tls, requestId: undefined, fromTrusted: false }

  const hops = lines
    .all('x-forwarded-for')
    .flatMap((value) => value.split(','))
    .map(hopAddress)
  let client = peer
  let at = hops.length
  while (at > 0 && trusted.has(client)) {
    const hop = hops[at - 1]
    if (hop === undefined) break
    client = hop
    at--
  }
  const protocols = lines
    .all('x-forwarded-proto')
    .flatMap((value) => value.split(','))
    .map((value) => value.trim().toLowerCase())
  // One protocol per hop, or one in all: the one said about the visitor's own hop counts.
  const protocol = protocols.length === hops.length ? protocols[at] : protocols.at(-1)
  const id = lines.get('x-request-id')
  return {
    client,
    secure: protocol === undefined ? tls : protocol === 'https' || protocol === 'wss',
    requestId: id !== undefined && REQUEST_ID.test(id) ? id : undefined,
    fromTrusted: true,
  }
}

/** An entry of `X-Forwarded-For` as a plain address; some proxies add a port. */
function hopAddress(entry: string): string | undefined {
  const text = entry.trim()
  if (isIP(text)) return plainAddress(text)
  const host = parseAuthority(text)?.host
  return host !== undefined && isIP(host) ? plainAddress(host) : undefined
}

/** What the writing of forwarding headers needs to know of an exchange. */
export interface ForwardedFacts {
  readonly peerAddress: string
  readonly fromTrusted: boolean
  readonly secure: boolean
  readonly authority: string
  readonly headers: HeaderLines
}

/** Appends the forwarding headers of a request: a trusted peer's are continued, others were never there. */
export function pushForwarded(out: string[], facts: ForwardedFacts): void {
  const { peerAddress, fromTrusted, secure, authority, headers } = facts
  const scheme = secure ? 'https' : 'http'
  const trusted = fromTrusted ? headers : undefined
  const before = trusted?.all('x-forwarded-for').join(', ')
  out.push(
    'X-Forwarded-For',
    before ? `${before}, ${peerAddress}` : peerAddress,
    'X-Forwarded-Proto',
    trusted?.get('x-forwarded-proto') ?? scheme,
    'X-Forwarded-Host',
    trusted?.get('x-forwarded-host') ?? authority,
    'X-Forwarded-Port',
    trusted?.get('x-forwarded-port') ?? portOf(authority, secure),
  )
  const element = `for=${nodeName(peerAddress)};host=${quoted(authority)};proto=${scheme}`
  const chain = trusted?.all('forwarded').join(', ')
  out.push('Forwarded', chain ? `${chain}, ${element}` : element)
}

function portOf(authority: string, secure: boolean): string {
  return /:([0-9]+)$/.exec(authority)?.[1] ?? (secure ? '443' : '80')
}

/** RFC 7239, 6: an IPv6 address stands in brackets, and so in quotes. */
function nodeName(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}

function quoted(authority: string): string {
  return /[:[]/.test(authority) ? `"${authority}"` : authority
}
