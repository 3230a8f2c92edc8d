/**
 * Finds a word among few known ones by a hash that is computed while the word's bytes are scanned anyway.
 *
 * The hash only proposes; whoever asks compares the bytes. The table is made so that no two of the known words
 * share a slot.
 *
 * @module
 */

export interface Words {
  /** Number of a known word by `hash & mask`, 0 for none. */
  readonly slots: Uint8Array
  readonly mask: number
  /** The known words by number. */
  readonly bytes: readonly Uint8Array[]
}

/** One step of the hash. Scanners write it out in their loops: `hash = (Math.imul(hash, 31) + byte) | 0`. */
export function hashOf(word: Uint8Array): number {
  let hash = 0
  for (const byte of word) hash = (Math.imul(hash, 31) + byte) | 0
  return hash
}

/** Compiles words by number (the index; empty ones are left out). Doubles the table until no two words meet. */
export function compileWords(words: readonly string[]): Words {
  const bytes = words.map((word) => Uint8Array.from(Buffer.from(word, 'latin1')))
  for (let size = 64; size <= 1 << 16; size *= 2) {
    const slots = new Uint8Array(size)
    const fits = bytes.every((word, number) => {
      if (word.length === 0) return true
      const slot = hashOf(word) & (size - 1)
      if (slots[slot] !== 0) return false
      slots[slot] = number
      return true
    })
    if (fits) return { slots, mask: size - 1, bytes }
  }
  throw new Error('two of the words have the same hash')
}
