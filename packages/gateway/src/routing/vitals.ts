/**
 * What changes per request: counters and health of instances, keyed by instance id, beside the table.
 *
 * Survives a table swap; entries leave when the registry forgets the instance.
 *
 * @module
 */

export interface Vitals {
  /** Requests in flight. */
  inFlight: number
  /** Requests begun since the instance is known. */
  requests: number
  /** Requests that failed at the instance. */
  failures: number
  /** Of the others: those it answered with an error of its own. */
  errors: number
  /** Requests whose end says something about the instance: answered, or failed while it was there. */
  answers: number
  /** Of those: failed, or answered with an error of the service. What is the visitor's fault is none. */
  faults: number
  /** Of the others: those whose answer took longer to begin than `slowMs`. */
  slow: number
  /** True while the instance refused a connection and has not proved itself since. */
  resting: boolean
}

export interface VitalsBook {
  /** Answers that take longer to begin are slow. */
  readonly slowMs: number
  /** The entry of an instance, made at first use. */
  of(instanceId: string): Vitals
  /** All of them. */
  each(): Iterable<readonly [instanceId: string, vitals: Vitals]>
  forget(instanceId: string): void
  /** Forgets those nobody knows: a request that outlived its instance leaves one behind. */
  sweep(isKnown: (instanceId: string) => boolean): void
  /** Takes an instance out of rotation until `revive`; true when it was in rotation before. */
  rest(instanceId: string): boolean
  /** Puts it back; true when it was resting. */
  revive(instanceId: string): boolean
  /** Calls back when an instance begins or ends to rest. */
  onChange(listener: (instanceId: string, resting: boolean) => void): void
}

export function createVitals(settings: { readonly slowMs?: number } = {}): VitalsBook {
  const entries = new Map<string, Vitals>()
  const listeners: ((instanceId: string, resting: boolean) => void)[] = []

  const of = (instanceId: string): Vitals => {
    let entry = entries.get(instanceId)
    if (!entry) {
      entry = {
        inFlight: 0,
        requests: 0,
        failures: 0,
        errors: 0,
        answers: 0,
        faults: 0,
        slow: 0,
        resting: false,
      }
      entries.set(instanceId, entry)
    }
    return entry
  }
  const turn = (instanceId: string, resting: boolean): boolean => {
    const entry = of(instanceId)
    if (entry.resting === resting) return false
    entry.resting = resting
    for (const listener of listeners) listener(instanceId, resting)
    return true
  }
  return {
    get slowMs() {
      return settings.slowMs ?? Number.POSITIVE_INFINITY
    },
    of,
    each: () => entries,
    forget: (instanceId) => void entries.delete(instanceId),
    sweep(isKnown) {
      for (const id of entries.keys()) if (!isKnown(id)) entries.delete(id)
    },
    rest: (instanceId) => turn(instanceId, true),
    revive: (instanceId) => turn(instanceId, false),
    onChange: (listener) => void listeners.push(listener),
  }
}

/**
 * Counts an answer. Errors from 500 on are the service's own, but for those about what was asked of it:
 * 501 (a method it doesn't have) and 505 (a version of HTTP).
 */
export function countAnswer(vitals: Vitals, status: number, isSlow: boolean): void {
  vitals.answers++
  if (status >= 500 && status !== 501 && status !== 505) {
    vitals.errors++
    vitals.faults++
  } else if (isSlow) vitals.slow++
}

/** Counts a request that ended without an answer, by the fault of who was to answer. */
export function countFault(vitals: Vitals): void {
  vitals.answers++
  vitals.faults++
}
