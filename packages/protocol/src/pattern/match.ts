/**
 * What a pattern fits, one pattern at a time. The gateway's table answers the same question for all of its
 * patterns at once; this is the plain definition it is tested against.
 *
 * @module
 */
import type { CharacterClass, Pattern, Segment } from './pattern.ts'

/** Whether the pattern fits a path given as decoded segments (`/orders/` is `['orders', '']`). */
export function matchPattern(pattern: Pattern, decodedSegments: readonly string[]): boolean {
  const { segments } = pattern
  for (let index = 0; index < segments.length; index++) {
    const segment = segments[index]!
    if (segment.kind === 'splat') return decodedSegments.length >= index + segment.least
    const text = decodedSegments[index]
    if (text === undefined || !matchSegment(segment, text)) return false
  }
  return segments.length === decodedSegments.length
}

/** Decoded segments of a percent-encoded path that begins with `/`; undefined when its escapes are invalid. */
export function decodeSegments(path: string): readonly string[] | undefined {
  try {
    return path.slice(1).split('/').map(decodeURIComponent)
  } catch {
    return undefined
  }
}

/** Whether every character of `text` between `from` and `to` belongs to the class. */
export function isOfClass(characters: CharacterClass, text: string, from: number, to: number): boolean {
  const bit = BITS[characters]
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code > 127 || (MEMBERSHIP[code]! & bit) === 0) return false
  }
  return true
}

function matchSegment(segment: Exclude<Segment, { kind: 'splat' }>, text: string): boolean {
  if (segment.kind === 'literal') return segment.text === text
  if (segment.kind === 'wildcard') return text !== ''
  const { before = '', after = '', characters } = segment
  const from = before.length
  const to = text.length - after.length
  if (to <= from || !text.startsWith(before) || !text.endsWith(after)) return false
  return characters === undefined || isOfClass(characters, text, from, to)
}

const BITS = { digits: 1, word: 2, hex: 4, alphanumeric: 8 } as const satisfies Record<CharacterClass, number>

/** For each ASCII character, the classes it belongs to. */
const MEMBERSHIP = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  let bits = 0
  if (/[0-9]/.test(character)) bits |= BITS.digits
  if (/[0-9A-Za-z_]/.test(character)) bits |= BITS.word
  if (/[0-9A-Fa-f]/.test(character)) bits |= BITS.hex
  if (/[0-9A-Za-z]/.test(character)) bits |= BITS.alphanumeric
  return bits
})
