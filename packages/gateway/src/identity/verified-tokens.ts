/**
 * Tokens that were seen lately, and what became of them: what makes a known token cost a look-up.
 *
 * Bounded by the characters of the tokens, not by their number, and it forgets what was not asked for lately, a
 * generation at a time. Good and bad ones are kept apart, so that nobody drives out other people's by sending rubbish.
 *
 * @module
 */

export interface RecentTokens<Value> {
  get(token: string): Value | undefined
  add(token: string, value: Value): void
  clear(): void
}

/** Keeps up to two generations of `most` characters each. */
export function createRecentTokens<Value>(most: number): RecentTokens<Value> {
  type Kept = { readonly token: string; readonly value: Value }
  let young = new Map<string, Kept>()
  let old = new Map<string, Kept>()
  let size = 0

  const keep = (kept: Kept): void => {
    if (size + kept.token.length > most) {
      old = young
      young = new Map()
      size = 0
    }
    young.set(kept.token, kept)
    size += kept.token.length
  }
  return {
    get(token) {
      const kept = young.get(token)
      if (kept !== undefined) return kept.value
      const older = old.get(token)
      if (older === undefined) return undefined
      old.delete(token)
      keep(older)
      return older.value
    },
    add(token, value) {
      if (young.has(token)) return
      keep({ token: copyOf(token), value })
    },
    clear() {
      young = new Map()
      old = new Map()
      size = 0
    },
  }
}

/** A token cut out of a request's head keeps the whole head in memory; a copy does not. */
export function copyOf(token: string): string {
  return Buffer.from(token, 'latin1').toString('latin1')
}
