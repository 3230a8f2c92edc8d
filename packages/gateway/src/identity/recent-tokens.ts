/**
 * What is known of tokens that were seen or made lately: what makes the next request with one cost a look-up.
 *
 * Bounded by characters, not by number, and it forgets what was not asked for lately, a generation at a time.
 *
 * @module
 */

export interface RecentTokens<Value> {
  get(key: string): Value | undefined
  /** The key is kept: `copyOf` it, if it was cut out of something. `size`: characters it keeps in memory. @default those of the key */
  add(key: string, value: Value, size?: number): void
  clear(): void
}

interface Kept<Value> {
  readonly key: string
  readonly value: Value
  readonly size: number
}

/** Keeps up to two generations of `most` characters each. */
export function createRecentTokens<Value>(most: number): RecentTokens<Value> {
  let young = new Map<string, Kept<Value>>()
  let old = new Map<string, Kept<Value>>()
  let used = 0

  const keep = (kept: Kept<Value>): void => {
    if (used + kept.size > most) {
      old = young
      young = new Map()
      used = 0
    }
    used += kept.size - (young.get(kept.key)?.size ?? 0)
    young.set(kept.key, kept)
  }
  return {
    get(key) {
      const kept = young.get(key)
      if (kept !== undefined) return kept.value
      const older = old.get(key)
      if (older === undefined) return undefined
      old.delete(key)
      // By the key it came with: this one may be cut out of a request's head.
      keep(older)
      return older.value
    },
    add: (key, value, size = key.length) => keep({ key, value, size }),
    clear() {
      young = new Map()
      old = new Map()
      used = 0
    },
  }
}

/** A token that was cut out of a request's head keeps the whole head in memory; a copy does not. */
export function copyOf(token: string): string {
  return Buffer.from(token).toString()
}
