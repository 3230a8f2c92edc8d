/**
 * Authorities: the `host:port` of a Host header or an absolute target, read strictly.
 *
 * @module
 */
import { isIPv4, isIPv6 } from 'node:net'

export interface Authority {
  /** Lower case, without port, brackets and the dot of an absolute name. */
  readonly host: string
  readonly port: number | undefined
}

const NAME = /^([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_.])?)(?::([0-9]{1,5}))?$/
const BRACKETED = /^\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?$/

/** Names that end in a number are addresses to browsers, and then `1.2.3` or `0x7f.1` is another one than it says. */
const NUMBERED = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/i

/**
 * Reads an authority; `undefined` when it is not exactly a name or an address with at most a port.
 * User names, escapes and empty ports are refused: nobody needs them, and two readers might differ (RFC 9110, 4.2.4).
 */
export function parseAuthority(text: string): Authority | undefined {
  if (text.length > 261) return undefined
  const bracketed = text.charCodeAt(0) === 0x5b
  const match = (bracketed ? BRACKETED : NAME).exec(text)
  if (!match) return undefined
  const name = match[1]!
  const port = match[2] === undefined ? undefined : Number(match[2])
  if (port !== undefined && port > 65_535) return undefined
  if (bracketed) return isIPv6(name) ? { host: name.toLowerCase(), port } : undefined
  if (name.includes('..')) return undefined
  const host = name.endsWith('.') ? name.slice(0, -1) : name
  if (host === '' || (NUMBERED.test(host) && !isIPv4(host))) return undefined
  return { host: host.toLowerCase(), port }
}

/** An authority in one spelling, without the port the scheme has anyway: for comparing, not for sending. */
export function sameAuthorityKey({ host, port }: Authority, secure: boolean): string {
  return port === undefined || port === (secure ? 443 : 80) ? host : `${host}:${port}`
}
