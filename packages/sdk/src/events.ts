/**
 * Typed events: a small emitter whose listeners can't break each other or the service.
 *
 * Unlike Node's, an `error` nobody listens to is not thrown: a gateway that is away is no reason to stop
 * serving.
 *
 * @module
 */

export interface Events<Names extends object> {
  /** Calls back at every event of that name. Returns the function that ends it. */
  on<Name extends keyof Names>(name: Name, listener: (event: Names[Name]) => void): () => void
  off<Name extends keyof Names>(name: Name, listener: (event: Names[Name]) => void): void
  emit<Name extends keyof Names>(name: Name, event: Names[Name]): void
}

/**
 * Makes an emitter. What a listener throws goes to `onFault`; the other listeners are still called. `onWanted` hears of
 * the first listener of a name, and when the last one is gone.
 */
export function createEvents<Names extends object>(
  onFault: (fault: unknown) => void,
  onWanted: (name: keyof Names, isWanted: boolean) => void = () => {},
): Events<Names> {
  const listeners = new Map<keyof Names, Set<(event: never) => void>>()

  const off: Events<Names>['off'] = (name, listener) => {
    const some = listeners.get(name)
    if (some?.delete(listener) && some.size === 0) onWanted(name, false)
  }
  return {
    on(name, listener) {
      const some = listeners.get(name) ?? new Set()
      listeners.set(name, some.add(listener))
      if (some.size === 1) onWanted(name, true)
      return () => off(name, listener)
    },
    off,
    emit(name, event) {
      for (const listener of [...(listeners.get(name) ?? [])]) {
        try {
          listener(event as never)
        } catch (fault) {
          onFault(fault)
        }
      }
    },
  }
}
