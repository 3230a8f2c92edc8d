/**
 * How many bytes values have as JSON, about: what a page imports and exports is counted, as its HTML is.
 *
 * @module
 */

/** Tells it; of values that were asked for before it knows. They never change. */
export type ValueBytes = (value: unknown) => number

/** Beside its text: quotes, a comma, a colon. */
const AROUND = 4

/** Makes the scale of one page. */
export function createValueBytes(): ValueBytes {
  const known = new WeakMap<object, number>()
  return (value) => {
    if (value === undefined) return 0
    if (typeof value === 'string') return value.length + AROUND
    if (typeof value !== 'object' || value === null) return AROUND
    let bytes = known.get(value)
    if (bytes === undefined) {
      bytes = measured(value)
      known.set(value, bytes)
    }
    return bytes
  }
}

/** Of all of them, names included; each value is weighed by itself, so that what several have in common is weighed once. */
export function bytesOfAll(values: Readonly<Record<string, unknown>>, bytesOf: ValueBytes): number {
  let bytes = 0
  for (const name of Object.keys(values)) bytes += name.length + AROUND + bytesOf(values[name])
  return bytes
}

/** Without recursion: not everything that is weighed has a depth somebody looked at. */
function measured(value: object): number {
  let bytes = 0
  const open: object[] = [value]
  for (let each = open.pop(); each; each = open.pop()) {
    for (const name in each) {
      const inside = (each as Record<string, unknown>)[name]
      if (!Array.isArray(each)) bytes += name.length
      bytes += AROUND
      if (typeof inside === 'string') bytes += inside.length
      else if (typeof inside === 'object' && inside !== null) open.push(inside)
    }
  }
  return bytes
}
