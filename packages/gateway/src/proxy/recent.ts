/**
 * What was found lately, and need not be found again.
 *
 * @module
 */

/** A map of bounded size that forgets what was not asked for lately, a generation of `most` at a time. */
export function createRecent<Value>(most: number) {
  let young = new Map<string, Value>()
  let old = new Map<string, Value>()
  const add = (key: string, value: Value): void => {
    if (young.size >= most) {
      old = young
      young = new Map()
    }
    young.set(key, value)
  }
  return {
    add,
    get(key: string): Value | undefined {
      const value = young.get(key)
      if (value !== undefined) return value
      const older = old.get(key)
      if (older !== undefined) add(key, older)
      return older
    },
  }
}
