/**
 * Lines and columns of a page that is gone when it was read; counted only up to where somebody asks.
 *
 * @module
 */
import type { Position } from '@hydra-gateway/protocol/fragments'

export interface PagePlaces {
  /** The next piece of the page. */
  begin(bytes: Buffer): void
  /** A place that was passed is said as the latest one known. */
  at(offset: number): Position
}

const LF = 0x0a

/** Counts in one page. */
export function createPlaces(): PagePlaces {
  let bytes: Buffer = Buffer.alloc(0)
  /** Offset of `bytes` in the page; what was counted so far, the line it is in, and where that begins. */
  let base = 0
  let counted = 0
  let line = 1
  let lineAt = 0

  function count(to: number): void {
    for (;;) {
      const found = bytes.indexOf(LF, counted - base)
      if (found < 0 || base + found >= to) break
      line++
      lineAt = base + found + 1
      counted = lineAt
    }
    counted = Math.max(counted, to)
  }

  return {
    begin(next) {
      count(base + bytes.length)
      base += bytes.length
      bytes = next
    },
    at(offset) {
      if (offset > counted) count(offset)
      return { line, column: Math.max(1, offset - lineAt + 1) }
    },
  }
}
