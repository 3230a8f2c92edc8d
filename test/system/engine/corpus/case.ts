/**
 * What a case of the corpus is: bytes a visitor sends, and what has to become of them.
 *
 * @module
 */

export type Category = 'smuggling' | 'chunks' | 'grammar' | 'host' | 'hop-by-hop' | 'path' | 'limits'

/** One request as the service has to see it. */
export interface Reading {
  readonly method: string
  readonly target: string
  /** Header lines that are the visitor's own, in their order; those the gateway vouches for are not listed. */
  readonly lines: readonly (readonly [name: string, value: string])[]
  readonly body: string
  /** What stands in Host. */
  readonly host: string
}

export type Expectation =
  /** Answered with one of these, closed, and not one byte for the service. */
  | { readonly kind: 'refused'; readonly statuses: readonly number[] }
  /** Understood and not served: not one byte for the service, the connection may stay. */
  | { readonly kind: 'turned-down'; readonly statuses: readonly number[] }
  /** The head was fine, the body is not: answered, closed, and never a whole request for the service. */
  | { readonly kind: 'cut'; readonly statuses: readonly number[] }
  /** The visitor stops in the middle and closes: never a whole request for the service. */
  | { readonly kind: 'unfinished' }
  /** Exactly one request with this reading. `isLast`: the connection closes after its answer. */
  | { readonly kind: 'accepted'; readonly reading: Reading; readonly isLast: boolean }

export interface Case {
  readonly name: string
  /** Latin1: one character for each byte. */
  readonly bytes: string
  readonly expect: Expectation
}

export const AUTHORITY = 'shop.example'
export const HOST = `Host: ${AUTHORITY}\r\n`

/** A GET with more header lines, written without their last CRLF. */
export function get(...lines: readonly string[]): string {
  return `GET /one HTTP/1.1\r\n${HOST}${lines.map((line) => `${line}\r\n`).join('')}\r\n`
}

/** A POST with header lines and whatever follows its head. */
export function post(lines: readonly string[], rest = ''): string {
  return `POST /one HTTP/1.1\r\n${HOST}${lines.map((line) => `${line}\r\n`).join('')}\r\n${rest}`
}

/** A POST with a chunked body. */
export function chunked(body: string, ...lines: readonly string[]): string {
  return post(['Transfer-Encoding: chunked', ...lines], body)
}

/** What would be served if somebody believed that a second request begins there. */
export const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`

export function refused(name: string, bytes: string, ...statuses: readonly number[]): Case {
  return { name, bytes, expect: { kind: 'refused', statuses: statuses.length > 0 ? statuses : [400] } }
}

export function turnedDown(name: string, bytes: string, ...statuses: readonly number[]): Case {
  return { name, bytes, expect: { kind: 'turned-down', statuses: statuses.length > 0 ? statuses : [400] } }
}

export function cut(name: string, bytes: string, ...statuses: readonly number[]): Case {
  return { name, bytes, expect: { kind: 'cut', statuses: statuses.length > 0 ? statuses : [400] } }
}

export function unfinished(name: string, bytes: string): Case {
  return { name, bytes, expect: { kind: 'unfinished' } }
}

/** Accepted, as `method /one` without lines or body of its own unless `reading` says more. */
export function accepted(name: string, bytes: string, reading: Partial<Reading> = {}): Case {
  return { name, bytes, expect: { kind: 'accepted', reading: fill(bytes, reading), isLast: false } }
}

/** Accepted, and the last request of its connection. */
export function acceptedLast(name: string, bytes: string, reading: Partial<Reading> = {}): Case {
  return { name, bytes, expect: { kind: 'accepted', reading: fill(bytes, reading), isLast: true } }
}

function fill(bytes: string, reading: Partial<Reading>): Reading {
  const method = /^(?:\r\n)?(\S+)/.exec(bytes)![1]!
  return { method, target: '/one', lines: [], body: '', host: AUTHORITY, ...reading }
}
