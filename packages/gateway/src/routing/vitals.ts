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
  /** True while the instance refused a connection and has not proved itself since. */
  resting: boolean
}

export interface VitalsBook {
  /** The entry of an instance, made at first use. */
  of(instanceId: string): Vitals
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

export function createVitals(): VitalsBook {
  const entries = new Map<string, Vitals>()
  const listeners: ((instanceId: string, resting: boolean) => void)[] = []

  const of = (instanceId: string): Vitals => {
    let entry = entries.get(instanceId)
    if (!entry) {
      entry = { inFlight: 0, requests: 0, failures: 0, resting: false }
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
    of,
    forget: (instanceId) => void entries.delete(instanceId),
    sweep(isKnown) {
      for (const id of entries.keys()) if (!isKnown(id)) entries.delete(id)
    },
    rest: (instanceId) => turn(instanceId, true),
    revive: (instanceId) => turn(instanceId, false),
    onChange: (listener) => void listeners.push(listener),
  }
}
