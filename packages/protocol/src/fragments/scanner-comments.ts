/**
 * Comments, declarations and CDATA: everything that begins with `<!`, and what passes for a comment.
 *
 * @module
 */
import { BANG, CLOSING_BRACKET, DASH, find, GREATER, OPENING_BRACKET } from './scanner-bytes.ts'
import { bytesOf } from './scanner-names.ts'
import * as S from './scanner-states.ts'

const CDATA_OPENING = bytesOf('[CDATA[')

/** What a stretch of the page is read with; the main loop goes on where and as it says. */
export interface Reading {
  state: number
  /** How much of a word that is looked for was there: it may be cut anywhere. */
  matched: number
}

/**
 * Reads on from `from` until the state is one of another file, or the chunk is over.
 *
 * @returns where it stopped
 */
export function readComment(reading: Reading, bytes: Uint8Array, from: number, isForeign: boolean): number {
  const { length } = bytes
  let i = from
  let { state } = reading
  while (i < length && state !== S.DATA) {
    const byte = bytes[i]!
    switch (state) {
      case S.DECLARATION_OPEN:
        reading.matched = 0
        if (byte === DASH) {
          state = S.DECLARATION_DASH
          i += 1
        } else state = byte === OPENING_BRACKET && isForeign ? S.DECLARATION_CDATA : S.BOGUS_COMMENT
        break
      case S.DECLARATION_DASH:
        if (byte === DASH) {
          state = S.COMMENT_START
          i += 1
        } else state = S.BOGUS_COMMENT
        break
      case S.DECLARATION_CDATA:
        if (byte !== CDATA_OPENING[reading.matched]) {
          state = S.BOGUS_COMMENT
          break
        }
        reading.matched += 1
        i += 1
        if (reading.matched === CDATA_OPENING.length) state = S.CDATA
        break
      case S.BOGUS_COMMENT:
        i = find(bytes, GREATER, i)
        if (i === length) break
        state = S.DATA
        i += 1
        break
      case S.COMMENT_START:
        if (byte === DASH || byte === GREATER) {
          state = byte === DASH ? S.COMMENT_START_DASH : S.DATA
          i += 1
        } else state = S.COMMENT
        break
      case S.COMMENT_START_DASH:
        if (byte === DASH || byte === GREATER) {
          state = byte === DASH ? S.COMMENT_END : S.DATA
          i += 1
        } else state = S.COMMENT
        break
      case S.COMMENT:
        i = find(bytes, DASH, i)
        if (i === length) break
        state = S.COMMENT_END_DASH
        i += 1
        break
      case S.COMMENT_END_DASH:
        state = byte === DASH ? S.COMMENT_END : S.COMMENT
        i += 1
        break
      case S.COMMENT_END:
        if (byte === GREATER) state = S.DATA
        else if (byte === BANG) state = S.COMMENT_END_BANG
        else if (byte !== DASH) state = S.COMMENT
        i += 1
        break
      case S.COMMENT_END_BANG:
        if (byte === GREATER) state = S.DATA
        else state = byte === DASH ? S.COMMENT_END_DASH : S.COMMENT
        i += 1
        break
      case S.CDATA:
        i = find(bytes, CLOSING_BRACKET, i)
        if (i === length) break
        state = S.CDATA_BRACKET
        i += 1
        break
      case S.CDATA_BRACKET:
        state = byte === CLOSING_BRACKET ? S.CDATA_END : S.CDATA
        i += 1
        break
      default:
        // CDATA_END
        if (byte === GREATER) state = S.DATA
        else if (byte !== CLOSING_BRACKET) state = S.CDATA
        i += 1
    }
  }
  reading.state = state
  return i
}
