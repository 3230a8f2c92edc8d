/**
 * Header lines from a flat list of names and values, for parts that are tested without a head.
 *
 * @module
 */
import type { HeaderLines } from '../exchange.ts'

class FlatHeaderLines implements HeaderLines {
  readonly flat: readonly string[]

  constructor(flat: readonly string[]) {
    this.flat = flat
  }

  get(name: string): string | undefined {
    const { flat } = this
    for (let i = 0; i < flat.length; i += 2) if (isName(flat[i]!, name)) return flat[i + 1]
    return undefined
  }

  all(name: string): readonly string[] {
    const { flat } = this
    const values: string[] = []
    for (let i = 0; i < flat.length; i += 2) if (isName(flat[i]!, name)) values.push(flat[i + 1]!)
    return values
  }
}

/** Compares without making a lower-case copy where the lengths already differ. */
function isName(written: string, lowerCase: string): boolean {
  return written.length === lowerCase.length && (written === lowerCase || written.toLowerCase() === lowerCase)
}

/** Views `name, value, name, value, …` as header lines. The list must not change afterwards. */
export function headerLines(flat: readonly string[]): HeaderLines {
  return new FlatHeaderLines(flat)
}
