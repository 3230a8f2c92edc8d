/**
 * How many headers a message has, and how long they are, told before its text is parsed: to parse a megabyte of distinct
 * names takes ten times as long as to parse a megabyte of text, and to list them as long again.
 *
 * @module
 */

/** What the headers of one message may come to. */
export interface HeaderBounds {
  readonly maxHeaders: number
  /** Characters of them as they are written, names included. */
  readonly maxHeaderBytes: number
}

export const HEADER_BOUNDS: HeaderBounds = Object.freeze({ maxHeaders: 100, maxHeaderBytes: 16 * 1024 })
/** As many, of any length: for what somebody bounded before. */
export const LONG_HEADERS: HeaderBounds = Object.freeze({
  ...HEADER_BOUNDS,
  maxHeaderBytes: Number.POSITIVE_INFINITY,
})

/** Short texts are parsed before anybody could count. */
const SHORT = 2048
/** Members of a message itself: there are not half as many names. */
const MOST_FIELDS = 100
const BODY = /^bo?dy$/

/**
 * What is wrong with a text that was not parsed yet; undefined for nothing, and for text that is no JSON. What is not its
 * body counts as its headers, however it is called.
 */
export function headersFault(
  text: string,
  { maxHeaders, maxHeaderBytes }: HeaderBounds = HEADER_BOUNDS,
): string | undefined {
  if (text.length < SHORT) return undefined
  let depth = 0
  let fields = 0
  /** The last text at the top. */
  let name = ''
  /** Where headers begin, while they are read. */
  let from = -1
  let headers = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) {
      const begin = at + 1
      for (at = begin; at < text.length && text.charCodeAt(at) !== 0x22; at++)
        if (text.charCodeAt(at) === 0x5c) at++
      if (depth === 1) name = at - begin > 64 ? '' : text.slice(begin, at)
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth === 2 && !BODY.test(name)) {
        from = at
        headers = 1
      }
    } else if (code === 0x7d || code === 0x5d) {
      if (--depth !== 1) continue
      if (from >= 0 && at - from > maxHeaderBytes) return tooLong(maxHeaderBytes)
      from = -1
    } else if (code === 0x2c) {
      if (depth === 1 && ++fields > MOST_FIELDS) return `UMF message has more than ${MOST_FIELDS} fields`
      if (from < 0) continue
      if (depth === 2 && ++headers > maxHeaders)
        return `UMF message field "headers" has more than ${maxHeaders} members`
      if (at - from > maxHeaderBytes) return tooLong(maxHeaderBytes)
    }
  }
  return undefined
}

const tooLong = (most: number): string => `UMF message field "headers" is longer than ${most} characters`
