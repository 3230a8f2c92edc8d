/**
 * Numbers of the header names the engine treats in a special way; every other name is `OTHER`.
 *
 * @module
 */
import { isWord, scratch } from './scratch.ts'
import { compileWords } from './words.ts'

export const OTHER = 0
export const HOST = 1
export const CONNECTION = 2
export const CONTENT_LENGTH = 3
export const TRANSFER_ENCODING = 4
export const UPGRADE = 5
export const EXPECT = 6
export const TE = 7
export const TRAILER = 8
export const KEEP_ALIVE = 9
export const PROXY_CONNECTION = 10
export const PROXY_AUTHORIZATION = 11
export const HTTP2_SETTINGS = 12
export const COOKIE = 13
export const FORWARDED = 14
export const X_REAL_IP = 15
export const X_REQUEST_ID = 16
/** Every `x-forwarded-…`. */
export const X_FORWARDED = 17
/** Every other `hydra-…`. */
export const HYDRA = 18
/** Every name with `_` in it, whatever else it is. */
export const DISGUISED = 19
export const TRACEPARENT = 20
export const SET_COOKIE = 21
export const CONTENT_TYPE = 22
export const SERVER_TIMING = 23
export const X_FRAME_OPTIONS = 24
export const REFERRER_POLICY = 25
export const X_CONTENT_TYPE_OPTIONS = 26
export const ORIGIN = 27
export const ACCEPT = 28
export const SEC_FETCH_MODE = 29
export const SEC_FETCH_DEST = 30
export const SEC_WEBSOCKET_KEY = 31
export const TRACESTATE = 32
/** One of `hydra-…` that is looked for in answers. */
export const HYDRA_COMPOSE = 33
/** Another path than the one that was asked for, as some frameworks take it. */
export const X_ORIGINAL_URL = 34
export const X_REWRITE_URL = 35

/** Names by number; '' for numbers that stand for many. */
export const NAMES: readonly string[] = [
  '',
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'http2-settings',
  'cookie',
  'forwarded',
  'x-real-ip',
  'x-request-id',
  '',
  '',
  '',
  'traceparent',
  'set-cookie',
  'content-type',
  'server-timing',
  'x-frame-options',
  'referrer-policy',
  'x-content-type-options',
  'origin',
  'accept',
  'sec-fetch-mode',
  'sec-fetch-dest',
  'sec-websocket-key',
  'tracestate',
  'hydra-compose',
  'x-original-url',
  'x-rewrite-url',
]

const WORDS = compileWords(NAMES)
const SLOTS = WORDS.slots
const MASK = WORDS.mask
const KNOWN = WORDS.bytes

/** The known names once more, four letters at a time: the last word of each is its last four letters. */
const LENGTHS = Uint8Array.from(KNOWN, ({ length }) => length)
const FIRST_WORDS = new Int32Array(KNOWN.length)
const NAME_WORDS = Int32Array.from(
  KNOWN.flatMap((name, id) => {
    const view = new DataView(name.buffer)
    const { length } = name
    const words: number[] = []
    for (let at = 0; at + 4 <= length; at += 4) words.push(view.getInt32(at, true))
    if (length >= 4) words.push(view.getInt32(length - 4, true))
    for (let later = id + 1; later < KNOWN.length; later += 1) FIRST_WORDS[later]! += words.length
    return words
  }),
)
/** Makes capitals small in four letters, and leaves dashes and figures, which are all else there is in known names. */
const SMALL = 0x20202020

const X_FORWARDED_PREFIX = Uint8Array.from(Buffer.from('x-forwarded-'))
const HYDRA_PREFIX = Uint8Array.from(Buffer.from('hydra-'))

const LOWER_X = 0x78
const LOWER_H = 0x68

/**
 * Number of the name in [at, end) of the scratch, a token without `_`, whose lower-case bytes have this `hash`
 * (`hashOf` in words.ts).
 */
export function identify(at: number, end: number, hash: number): number {
  const id = SLOTS[hash & MASK]!
  if (id !== 0 && isKnown(at, end, id)) return id
  const first = scratch.bytes[at]! | 0x20
  if (first === LOWER_X) return startsWith(at, end, X_FORWARDED_PREFIX) ? X_FORWARDED : OTHER
  if (first === LOWER_H) return startsWith(at, end, HYDRA_PREFIX) ? HYDRA : OTHER
  return OTHER
}

/**
 * Compares all bytes, four at a time. A token has no byte but the right one and its capital that SMALL turns into the
 * right one: the others are control characters.
 */
function isKnown(at: number, end: number, id: number): boolean {
  if (end - at !== LENGTHS[id]) return false
  if (end - at < 4) return isWord(at, end, KNOWN[id]!)
  const { view } = scratch
  const last = end - 4
  let word = FIRST_WORDS[id]!
  for (let i = at; i <= last; i += 4) {
    if ((view.getInt32(i, true) | SMALL) !== NAME_WORDS[word]) return false
    word += 1
  }
  return (view.getInt32(last, true) | SMALL) === NAME_WORDS[word]
}

function startsWith(at: number, end: number, prefix: Uint8Array): boolean {
  return end - at >= prefix.length && isWord(at, at + prefix.length, prefix)
}
