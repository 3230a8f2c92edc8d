/**
 * Composed pages: every byte of each is compared. They come with their length or in chunks.
 *
 * @module
 */
import type { Reader } from '../../support/clients/http.ts'

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')
/** Longest that is shown of a page that is wrong. */
const MOST_SHOWN = 120

export interface PageReader extends Reader {
  /** Bytes of the page that are there, of the one that is under way or was the last. */
  readonly received: number
}

/** Where the next byte belongs. */
type State = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'last'

/** Reads pages that have to be `expected`. */
export function createPageReader(expected: Buffer): PageReader {
  const page = Buffer.alloc(expected.length)
  /** Begun and not understood yet. */
  let rest: Buffer | undefined
  let state: State = 'head'
  let received = 0
  /** Bytes to come of the page, or of its chunk. */
  let missing = 0

  function take(bytes: Buffer, at: number): number {
    const end = Math.min(bytes.length, at + missing)
    if (received + end - at > page.length) throw new Error('answered with more than the page')
    bytes.copy(page, received, at, end)
    received += end - at
    missing -= end - at
    return end
  }

  function done(bytes: Buffer, at: number): boolean {
    state = 'head'
    if (at !== bytes.length) throw new Error('something came behind the page')
    if (received !== page.length || !page.equals(expected)) throw new Error(wrong(page, received, expected))
    return true
  }

  function readHead(text: string): void {
    const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
    const isChunked = /\r\ntransfer-encoding: *chunked/i.test(text)
    if (!text.startsWith('HTTP/1.1 200') || (length === undefined) !== isChunked)
      throw new Error(`answered ${text}`)
    missing = isChunked ? 0 : Number(length)
    state = isChunked ? 'size' : 'length'
  }

  return {
    get received() {
      return received
    },
    read(chunk) {
      if (state === 'head') received = 0
      const bytes = rest ? Buffer.concat([rest, chunk]) : chunk
      rest = undefined
      const later = (at: number): false => {
        rest = at < bytes.length ? Buffer.from(bytes.subarray(at)) : undefined
        return false
      }
      for (let at = 0; ; ) {
        if (state === 'head' || state === 'size') {
          const mark = state === 'head' ? HEAD_END : LINE_END
          const end = bytes.indexOf(mark, at)
          if (end < 0) return later(at)
          const text = bytes.toString('latin1', at, end)
          at = end + mark.length
          if (state === 'head') readHead(text)
          else {
            missing = Number.parseInt(text, 16)
            state = missing === 0 ? 'last' : 'data'
          }
        } else if (state === 'length' || state === 'data') {
          at = take(bytes, at)
          if (missing > 0) return later(at)
          if (state === 'length') return done(bytes, at)
          state = 'data-end'
        } else {
          if (bytes.length < at + LINE_END.length) return later(at)
          at += LINE_END.length
          if (state === 'last') return done(bytes, at)
          state = 'size'
        }
      }
    },
  }
}

function wrong(page: Buffer, received: number, expected: Buffer): string {
  let at = 0
  while (at < received && page[at] === expected[at]) at++
  const there = page.toString('utf8', at, Math.min(received, at + MOST_SHOWN))
  return `another page from byte ${at} of ${received} on (it has ${expected.length}): ${there}`
}
