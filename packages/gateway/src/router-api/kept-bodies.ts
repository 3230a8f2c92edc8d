/**
 * Bytes of long answers, made once for all who are told the same: somebody who asks a hundred times and reads nothing keeps
 * one of them in memory.
 *
 * @module
 */

export interface KeptBodies {
  /** `write` as bytes; those of the first time as long as the list, or the text, is the same. */
  of(said: object | string, write: () => string): Uint8Array
}

export function createKeptBodies(): KeptBodies {
  const lists = new WeakMap<object, Uint8Array>()
  let text: { readonly said: string; readonly bytes: Uint8Array } | undefined
  return {
    of(said, write) {
      const before = typeof said === 'object' ? lists.get(said) : text?.said === said ? text.bytes : undefined
      if (before) return before
      const bytes = Buffer.from(write())
      if (typeof said === 'object') lists.set(said, bytes)
      else text = { said, bytes }
      return bytes
    },
  }
}
