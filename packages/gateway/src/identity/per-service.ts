/**
 * What is worked out once for each service, by its name, and kept: what an operator's patterns mean for it.
 *
 * @module
 */

/** Services are fewer; what is forgotten is worked out again. */
const MOST_SERVICES = 10_000

/** The same, but worked out once. */
export function perService<Value>(workOut: (service: string) => Value): (service: string) => Value {
  const known = new Map<string, Value>()
  return (service) => {
    const before = known.get(service)
    if (before !== undefined || known.has(service)) return before as Value
    const value = workOut(service)
    if (known.size >= MOST_SERVICES) known.clear()
    known.set(service, value)
    return value
  }
}
