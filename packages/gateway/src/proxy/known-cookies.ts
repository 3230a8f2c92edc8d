/**
 * What is known of the cookies of a request. Browsers send the same ones with every request of a connection, so that
 * nearly always it is what was found out for the one before: then bytes are compared, and nothing is read.
 *
 * @module
 */
import { LOGIN_COOKIE } from '@hydra-gateway/protocol'
import type { RequestHead } from '../http1/head.ts'
import { COOKIE } from '../http1/names.ts'
import { forwardCookies, ROUTE_COOKIE } from './cookies.ts'
import type { Peer } from './exchange.ts'

export class KnownCookies {
  /** Some of ours may be among them. */
  readonly hasOurs: boolean
  /** That by which visitors are kept on their route may be. */
  readonly hasRoute: boolean
  /** Values of the lines; undefined when nobody needed them. */
  readonly texts: readonly string[] | undefined
  /** The value of the only line; undefined when that is not worth keeping. */
  readonly bytes: Buffer | undefined
  #forwarded: string | undefined | null = null
  #login: { readonly token: string; readonly bytes: Buffer } | undefined = undefined

  constructor(texts: readonly string[] | undefined, bytes: Buffer | undefined) {
    this.texts = texts
    this.bytes = bytes
    this.hasRoute = texts?.some((text) => text.includes(ROUTE_COOKIE)) ?? false
    this.hasOurs = this.hasRoute || (texts?.some((text) => text.includes('HYDRA-')) ?? false)
  }

  /** What a service gets of them that does not keep its cookies to itself. */
  get forwarded(): string | undefined {
    if (this.#forwarded === null) this.#forwarded = forwardCookies(this.texts ?? [])
    return this.#forwarded
  }

  /** The login cookie towards a service, name and value; kept for the token that is asked for again and again. */
  loginPair(token: string): Buffer {
    if (this.#login?.token !== token)
      this.#login = { token, bytes: Buffer.from(`${LOGIN_COOKIE}=${token}`, 'latin1') }
    return this.#login.bytes
  }
}

const NONE = new KnownCookies(undefined, undefined)

/** Up to here a look at each byte costs less than anything else. */
const SHORT_BYTES = 128
/** More is not kept for an idle connection. */
const MOST_KEPT_BYTES = 4096
const LETTERS = Buffer.from('HYDRA-')

/** What is known of the cookies of a request, which `peer` has sent. */
export function readCookies(head: RequestHead, peer: Peer): KnownCookies {
  const { count, id, valueAt, valueEnd } = head.lines()
  let line = -1
  let lines = 0
  for (let i = 0; i < count; i++) {
    if (id[i] !== COOKIE) continue
    line = i
    lines++
  }
  if (lines === 0) return NONE
  if (lines > 1) return new KnownCookies(head.all('cookie'), undefined)
  const from = valueAt[line]!
  const to = valueEnd[line]!
  if (to - from <= SHORT_BYTES && !holdsLetters(head.bytes, from, to)) return NONE
  const before = peer.cookies
  if (before?.bytes?.length === to - from && head.bytes.compare(before.bytes, 0, to - from, from, to) === 0)
    return before
  const isKept = to - from <= MOST_KEPT_BYTES
  const known = new KnownCookies(
    [head.value(line)],
    isKept ? Buffer.from(head.bytes.subarray(from, to)) : undefined,
  )
  if (isKept) peer.cookies = known
  return known
}

function holdsLetters(bytes: Buffer, from: number, to: number): boolean {
  const last = to - LETTERS.length
  for (let at = from; at <= last; at++) {
    let length = 0
    while (length < LETTERS.length && bytes[at + length] === LETTERS[length]) length++
    if (length === LETTERS.length) return true
  }
  return false
}
