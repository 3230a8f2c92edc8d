/**
 * The inside of a tag behind its name: where it ends, which quotes decide.
 *
 * @module
 */
import {
  COLON,
  DOUBLE_QUOTE,
  EQUALS,
  find,
  GREATER,
  isSpace,
  SINGLE_QUOTE,
  SLASH,
  stopsAttribute,
} from './scanner-bytes.ts'
import * as S from './scanner-states.ts'

export interface TagReading {
  state: number
  isSelfClosing: boolean
  /** Some attribute has a colon in its name: few do, and only then may it be one of ours. */
  hasColon: boolean
}

/**
 * Reads on from `from` until behind the `>` of the tag, when the state is `DATA`, or until the chunk is over.
 *
 * @returns where it stopped
 */
export function readTag(reading: TagReading, bytes: Uint8Array, from: number): number {
  const { length } = bytes
  let i = from
  let { state } = reading
  while (i < length) {
    const byte = bytes[i]!
    switch (state) {
      case S.BEFORE_ATTRIBUTE_NAME:
        if (isSpace(byte)) i += 1
        else if (byte === SLASH || byte === GREATER) state = S.AFTER_ATTRIBUTE_NAME
        else {
          // Even an equals sign begins a name here.
          state = S.ATTRIBUTE_NAME
          i += 1
        }
        continue
      case S.ATTRIBUTE_NAME:
        while (i < length && !stopsAttribute(bytes[i]!)) i += 1
        if (i === length) continue
        if (bytes[i] === COLON) {
          reading.hasColon = true
          i += 1
        } else state = S.AFTER_ATTRIBUTE_NAME
        continue
      case S.AFTER_ATTRIBUTE_NAME:
        if (byte === EQUALS) state = S.BEFORE_ATTRIBUTE_VALUE
        else if (byte === SLASH) state = S.SELF_CLOSING
        else if (byte === GREATER) break
        else if (!isSpace(byte)) state = S.ATTRIBUTE_NAME
        i += 1
        continue
      case S.BEFORE_ATTRIBUTE_VALUE:
        if (byte === GREATER) break
        if (byte === DOUBLE_QUOTE) state = S.DOUBLE_QUOTED
        else if (byte === SINGLE_QUOTE) state = S.SINGLE_QUOTED
        else if (!isSpace(byte)) state = S.UNQUOTED
        i += 1
        continue
      case S.DOUBLE_QUOTED:
      case S.SINGLE_QUOTED:
        i = find(bytes, state === S.DOUBLE_QUOTED ? DOUBLE_QUOTE : SINGLE_QUOTE, i)
        if (i === length) continue
        state = S.BEFORE_ATTRIBUTE_NAME
        i += 1
        continue
      case S.UNQUOTED:
        if (byte === GREATER) break
        if (isSpace(byte)) state = S.BEFORE_ATTRIBUTE_NAME
        i += 1
        continue
      default:
        // SELF_CLOSING
        if (byte !== GREATER) {
          state = S.BEFORE_ATTRIBUTE_NAME
          continue
        }
        reading.isSelfClosing = true
    }
    reading.state = S.DATA
    return i + 1
  }
  reading.state = state
  return i
}
