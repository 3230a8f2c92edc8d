/**
 * A head as the parts above the seam see it: names and values that are read when somebody asks.
 *
 * @module
 */
import type { Head } from '../http1/head.ts'
import type { HeaderLines } from './exchange.ts'

/** Header lines as the parts above the seam see them. */
export function linesOf(head: Head): HeaderLines {
  return new LinesOfHead(head)
}

class LinesOfHead implements HeaderLines {
  readonly #head: Head
  #flat: readonly string[] | undefined = undefined
  /** Several ask for them, and they are the longest there are. */
  #cookies: readonly string[] | undefined = undefined

  constructor(head: Head) {
    this.#head = head
  }

  get(name: string): string | undefined {
    return this.#head.get(name)
  }

  all(name: string): readonly string[] {
    if (name === 'cookie') {
      this.#cookies ??= this.#head.all(name)
      return this.#cookies
    }
    return this.#head.all(name)
  }

  get flat(): readonly string[] {
    this.#flat ??= this.#head.flat()
    return this.#flat
  }
}

/** Lines of an answer that is put together by us, as the parts above the engine see them. */
export function linesOfFlat(flat: readonly string[]): HeaderLines {
  const all = (name: string): string[] => {
    const values: string[] = []
    for (let i = 0; i < flat.length; i += 2) if (flat[i]!.toLowerCase() === name) values.push(flat[i + 1]!)
    return values
  }
  return { flat, all, get: (name) => all(name)[0] }
}
