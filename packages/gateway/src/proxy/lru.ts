/**
 * A map that forgets what was not asked for longest, once all values together are larger than allowed.
 *
 * @module
 */

export interface Lru<V> {
  get(key: string): V | undefined
  /** Values larger than everything allowed are not kept. */
  set(key: string, value: V): void
  readonly size: number
}

export function createLru<V>(mostBytes: number, bytesOf: (value: V) => number): Lru<V> {
  // A Map remembers in which order keys came: the first is the oldest.
  const values = new Map<string, V>()
  let bytes = 0

  function remove(key: string): void {
    const value = values.get(key)
    if (value !== undefined && values.delete(key)) bytes -= bytesOf(value)
  }

  return {
    get(key) {
      const value = values.get(key)
      if (value === undefined) return undefined
      values.delete(key)
      values.set(key, value)
      return value
    },
    set(key, value) {
      remove(key)
      const more = bytesOf(value)
      if (more > mostBytes) return
      values.set(key, value)
      bytes += more
      for (const oldest of values.keys()) {
        if (bytes <= mostBytes) break
        remove(oldest)
      }
    },
    get size() {
      return values.size
    },
  }
}
