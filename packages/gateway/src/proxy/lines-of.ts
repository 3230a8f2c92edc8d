/**
 * A head as the parts above the seam see it: names and values that are read when somebody asks.
 *
 * @module
 */
import type { Head } from '../http1/head.ts'
import type { HeaderLines } from './exchange.ts'

/** Header lines as the parts above the seam see them. */
export function linesOf(head: Head, cookies?: CookieSource): HeaderLines {
  return new LinesOfHead(head, cookies)
}

/** Who knows the values of the `Cookie` lines, if they were read already. */
interface CookieSource {
  readonly cookies: { readonly texts: readonly string[] | undefined }
}

class LinesOfHead implements HeaderLines {
  readonly #head: Head
  #flat: readonly string[] | undefined = undefined
  readonly #cookies: CookieSource | undefined

  constructor(head: Head, cookies: CookieSource | undefined) {
    this.#head = head
    this.#cookies = cookies
  }

  get(name: string): string | undefined {
    return this.#head.get(name)
  }

  all(name: string): readonly string[] {
    if (name === 'cookie') return this.#cookies?.cookies.texts ?? this.#head.all(name)
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
