/**
 * Names of tags that mean something to the scanner, as flags.
 *
 * An element of interest more is a flag more here, and a branch where the scanner acts on it: with a prefix, such as
 * `m:fragment`, it is a line in `PREFIXED`.
 *
 * @module
 */
import { COLON, isInPrefix, LOWER } from './scanner-bytes.ts'

/** Content is text up to the end tag. */
export const RAW = 1 << 0
/** Content is text, with escapes of its own. */
export const SCRIPT = 1 << 1
/** Nothing after it is a tag. */
export const PLAINTEXT = 1 << 2
export const TEMPLATE = 1 << 3
/** May stand in a head: any other start tag begins the body. */
export const IN_HEAD = 1 << 4
export const HEAD = 1 << 5
/** `body` or `html`. */
export const BODY = 1 << 6
export const SVG = 1 << 7
export const MATH = 1 << 8
/** Its content is HTML again, inside `svg`; inside `math`. */
export const HTML_IN_SVG = 1 << 9
export const HTML_IN_MATH = 1 << 10
/** As the one before, if its `encoding` says so. */
export const ANNOTATION = 1 << 11
/** Ends foreign content; `font` does with certain attributes only. */
export const LEAVES = 1 << 12
export const FONT = 1 << 13
/** `P:fragment`. */
export const FRAGMENT = 1 << 14
/** `P:menu`. */
export const MENU = 1 << 15
/** May be a link of ours: its attributes decide. */
export const LINK = 1 << 16

const WORDS: readonly (readonly [flags: number, names: string])[] = [
  [RAW, 'style xmp iframe noembed noframes noscript title textarea'],
  [SCRIPT, 'script'],
  [PLAINTEXT, 'plaintext'],
  [TEMPLATE, 'template'],
  [IN_HEAD, 'html head base basefont bgsound link meta title noscript noframes style script template'],
  [HEAD, 'head'],
  [BODY, 'body html'],
  [SVG, 'svg'],
  [MATH, 'math'],
  [HTML_IN_SVG, 'foreignobject desc title'],
  [HTML_IN_MATH, 'mi mo mn ms mtext'],
  [ANNOTATION, 'annotation-xml'],
  [
    LEAVES,
    'b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu ' +
      'meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var',
  ],
  [FONT, 'font'],
  [LINK, 'a area'],
]

const PREFIXED: readonly Word[] = [
  { bytes: bytesOf('fragment'), flags: FRAGMENT | IN_HEAD },
  { bytes: bytesOf('menu'), flags: MENU | IN_HEAD },
]

/** Longest prefix of a fragment tag. It bounds how much of a name must be kept to know it. */
export const MOST_PREFIX_BYTES = 128
/** A longer name means nothing. */
export const MOST_NAME_BYTES = MOST_PREFIX_BYTES + 1 + Math.max(...PREFIXED.map(({ bytes }) => bytes.length))

interface Word {
  readonly bytes: Uint8Array
  readonly flags: number
}

/** Longer names mean something with a prefix only. */
export const MOST_WORD_BYTES = 15

/** Words by first letter and length, of which most names of pages have none. */
const BUCKETS: readonly (readonly Word[] | undefined)[] = fillBuckets()

/** What the name means; 0 for most. Names are compared without case. */
export function lookUpName(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from
  if (length <= MOST_WORD_BYTES) {
    const words = BUCKETS[((bytes[from]! & 31) << 4) | length]
    if (words !== undefined) {
      for (let i = 0; i < words.length; i += 1) {
        if (isWord(bytes, from, words[i]!.bytes)) return words[i]!.flags
      }
    }
  }
  for (let i = 0; i < PREFIXED.length; i += 1) {
    if (isPrefixed(bytes, from, to, PREFIXED[i]!.bytes)) return PREFIXED[i]!.flags
  }
  return 0
}

/** Whether the name is a prefix, a colon and `local`. */
export function isPrefixed(bytes: Uint8Array, from: number, to: number, local: Uint8Array): boolean {
  const colon = to - local.length - 1
  if (colon <= from || bytes[colon] !== COLON || colon - from > MOST_PREFIX_BYTES) return false
  if (!isWord(bytes, colon + 1, local)) return false
  for (let i = from; i < colon; i += 1) if (!isInPrefix(bytes[i]!)) return false
  return true
}

/** The prefix of a name that has one, in lower case. */
export function prefixOf(bytes: Uint8Array, from: number): string {
  let prefix = ''
  for (let i = from; bytes[i] !== COLON; i += 1) prefix += String.fromCharCode(LOWER[bytes[i]!]!)
  return prefix
}

/** Whether `word`, in lower case, stands at `at`. */
export function isWord(bytes: Uint8Array, at: number, word: Uint8Array): boolean {
  for (let i = 0; i < word.length; i += 1) if (LOWER[bytes[at + i]!] !== word[i]) return false
  return true
}

export function bytesOf(word: string): Uint8Array {
  return Uint8Array.from(word, (character) => character.charCodeAt(0))
}

function fillBuckets(): (Word[] | undefined)[] {
  const flagsOf = new Map<string, number>()
  for (const [flags, names] of WORDS) {
    for (const name of names.split(' ')) flagsOf.set(name, (flagsOf.get(name) ?? 0) | flags)
  }
  const buckets = new Array<Word[] | undefined>(32 << 4).fill(undefined)
  for (const [name, flags] of flagsOf) {
    const word = { bytes: bytesOf(name), flags }
    const bucket = ((word.bytes[0]! & 31) << 4) | name.length
    buckets[bucket] = [...(buckets[bucket] ?? []), word]
  }
  return buckets
}
