/**
 * Positions in a text, and how people are told of them.
 *
 * @module
 */
import type { Position } from './model.ts'

/** Names a place: `product.html:12:5`. */
export type NamePlace = (at: Position) => string

/** How places of a page are named: by its file, or by line and column alone where it has no name. */
export function placesOf(page?: string): NamePlace {
  if (page === undefined) return ({ line, column }) => `line ${line}, column ${column}`
  return ({ line, column }) => `${page}:${line}:${column}`
}

const FIRST: Position = Object.freeze({ line: 1, column: 1 })

/** Where `index` of a text is, if `start` is where its `from` is. LF, CRLF and CR each end a line. */
export function positionIn(text: string, index: number, start: Position = FIRST, from = 0): Position {
  let { line, column } = start
  for (let i = from; i < index; i++) {
    const code = text.charCodeAt(i)
    const isBreak = code === 0x0a || (code === 0x0d && text.charCodeAt(i + 1) !== 0x0a)
    if (isBreak) [line, column] = [line + 1, 1]
    else column++
  }
  return { line, column }
}

/**
 * Finds positions in a page of bytes: columns count UTF-16 units, as editors do. Quick when it is asked in order.
 */
export function positionsOf(page: Uint8Array): (offset: number) => Position {
  let [seen, line, column] = [0, 1, 1]
  return (offset) => {
    if (offset < seen) [seen, line, column] = [0, 1, 1]
    for (; seen < offset; seen++) {
      const byte = page[seen]!
      const isBreak = byte === 0x0a || (byte === 0x0d && page[seen + 1] !== 0x0a)
      if (isBreak) [line, column] = [line + 1, 1]
      else if (byte >= 0xf0) column += 2
      else if ((byte & 0xc0) !== 0x80) column += 1
    }
    return { line, column }
  }
}
