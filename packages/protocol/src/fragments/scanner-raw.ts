/**
 * Content that is text up to its own end tag: `style`, `title`, and scripts with their escapes.
 *
 * @module
 */
import { BANG, DASH, endsName, find, GREATER, isLetter, LESS, LOWER, SLASH } from './scanner-bytes.ts'
import type { Reading } from './scanner-comments.ts'
import { bytesOf } from './scanner-names.ts'
import * as S from './scanner-states.ts'

const SCRIPT_WORD = bytesOf('script')

/** What is read, and what would end it. */
export interface RawReading extends Reading {
  /** Name whose end tag ends the content, in lower case. */
  readonly name: Uint8Array
  nameLength: number
  /** The state to go on in when an end tag proves to be text. */
  textState: number
  /** Index of the last `<` that may begin an end tag. */
  endTagAt: number
}

/**
 * Reads on from `from` until the name of the end tag has ended, which leaves it in `BEFORE_ATTRIBUTE_NAME`, or until
 * the chunk is over.
 *
 * @returns where it stopped
 */
export function readRaw(reading: RawReading, bytes: Uint8Array, from: number): number {
  const { length } = bytes
  let i = from
  let { state } = reading
  while (i < length && state >= S.RAWTEXT) {
    const byte = bytes[i]!
    switch (state) {
      case S.RAWTEXT:
      case S.SCRIPT_DATA:
        i = find(bytes, LESS, i)
        if (i === length) break
        reading.endTagAt = i
        reading.textState = state
        state = state === S.RAWTEXT ? S.RAW_LESS : S.SCRIPT_LESS
        i += 1
        break
      case S.RAW_LESS:
        reading.matched = 0
        if (byte === SLASH) {
          state = S.RAW_END_NAME
          i += 1
        } else state = reading.textState
        break
      case S.RAW_END_NAME:
        if (reading.matched < reading.nameLength) {
          if (LOWER[byte] === reading.name[reading.matched]) {
            reading.matched += 1
            i += 1
          } else state = reading.textState
        } else state = endsName(byte) ? S.BEFORE_ATTRIBUTE_NAME : reading.textState
        break
      case S.PLAIN:
        i = length
        break
      case S.SCRIPT_LESS:
        if (byte === BANG) {
          state = S.ESCAPE_START
          i += 1
        } else state = S.RAW_LESS
        break
      case S.ESCAPE_START:
      case S.ESCAPE_START_DASH:
        if (byte === DASH) {
          state = state === S.ESCAPE_START ? S.ESCAPE_START_DASH : S.ESCAPED_DASH_DASH
          i += 1
        } else state = S.SCRIPT_DATA
        break
      case S.ESCAPED:
      case S.ESCAPED_DASH:
      case S.ESCAPED_DASH_DASH:
        if (byte === DASH) state = state === S.ESCAPED ? S.ESCAPED_DASH : S.ESCAPED_DASH_DASH
        else if (byte === LESS) {
          reading.endTagAt = i
          reading.textState = S.ESCAPED
          state = S.ESCAPED_LESS
        } else state = byte === GREATER && state === S.ESCAPED_DASH_DASH ? S.SCRIPT_DATA : S.ESCAPED
        i += 1
        break
      case S.ESCAPED_LESS:
        reading.matched = 0
        state = isLetter(byte) ? S.DOUBLE_ESCAPE_START : S.RAW_LESS
        break
      case S.DOUBLE_ESCAPED:
      case S.DOUBLE_ESCAPED_DASH:
      case S.DOUBLE_ESCAPED_DASH_DASH:
        if (byte === DASH) {
          state = state === S.DOUBLE_ESCAPED ? S.DOUBLE_ESCAPED_DASH : S.DOUBLE_ESCAPED_DASH_DASH
        } else if (byte === LESS) state = S.DOUBLE_ESCAPED_LESS
        else
          state = byte === GREATER && state === S.DOUBLE_ESCAPED_DASH_DASH ? S.SCRIPT_DATA : S.DOUBLE_ESCAPED
        i += 1
        break
      case S.DOUBLE_ESCAPED_LESS:
        reading.matched = 0
        if (byte === SLASH) {
          state = S.DOUBLE_ESCAPE_END
          i += 1
        } else state = S.DOUBLE_ESCAPED
        break
      default: {
        // DOUBLE_ESCAPE_START and DOUBLE_ESCAPE_END
        const isStart = state === S.DOUBLE_ESCAPE_START
        if (reading.matched < SCRIPT_WORD.length) {
          if (LOWER[byte] === SCRIPT_WORD[reading.matched]) {
            reading.matched += 1
            i += 1
          } else state = isStart ? S.ESCAPED : S.DOUBLE_ESCAPED
        } else state = isStart === endsName(byte) ? S.DOUBLE_ESCAPED : S.ESCAPED
      }
    }
  }
  reading.state = state
  return i
}
