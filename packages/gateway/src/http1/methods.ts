/**
 * The methods that are known: those Node knows, so that nothing is forwarded which a service's parser refuses.
 *
 * @module
 */
import { scratch } from './scratch.ts'
import { compileWords } from './words.ts'

/** In the order of `http.METHODS`. */
export const METHODS: readonly string[] = [
  'ACL',
  'BIND',
  'CHECKOUT',
  'CONNECT',
  'COPY',
  'DELETE',
  'GET',
  'HEAD',
  'LINK',
  'LOCK',
  'M-SEARCH',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'MKCOL',
  'MOVE',
  'NOTIFY',
  'OPTIONS',
  'PATCH',
  'POST',
  'PROPFIND',
  'PROPPATCH',
  'PURGE',
  'PUT',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'SOURCE',
  'SUBSCRIBE',
  'TRACE',
  'UNBIND',
  'UNLINK',
  'UNLOCK',
  'UNSUBSCRIBE',
]

/** Known, and never served: a tunnel and an echo of what was sent (RFC 9110, 9.3.6 and 9.3.8). */
export const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE'])

/** No known method is longer. */
export const LONGEST_METHOD = 16

const NUMBERED: readonly string[] = ['', ...METHODS]
const WORDS = compileWords(NUMBERED)
const SLOTS = WORDS.slots
const MASK = WORDS.mask
const KNOWN = WORDS.bytes

/** The known method in [at, end) of the scratch whose bytes have this `hash` (`hashOf` in words.ts), or ''. */
export function methodOf(at: number, end: number, hash: number): string {
  const { bytes } = scratch
  const number = SLOTS[hash & MASK]!
  const known = KNOWN[number]!
  const length = known.length
  if (end - at !== length) return ''
  for (let i = 0; i < length; i += 1) if (bytes[at + i] !== known[i]) return ''
  return NUMBERED[number]!
}
