/**
 * Bodies that both sides can make by themselves, so that a wrong byte is seen.
 *
 * @module
 */

/** `size` bytes that depend on the name, at every place. */
export function contentOf(name: string, size: number): Buffer {
  return Buffer.alloc(size, `${name}; `)
}

export const ITEM_BYTES = 1024
export const BIG_BYTES = 1024 * 1024
