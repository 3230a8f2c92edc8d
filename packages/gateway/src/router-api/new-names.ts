/**
 * Names of queues and streams this node was the first to hear of. The original makes a key in Redis of any name, and so do
 * we: a message may be queued for a service that starts later. But each stays for ever, so there are so many, and no more.
 *
 * @module
 */

export interface NewNames {
  /** Whether there is room for a name; one that was let in stays so. */
  admits(name: string): boolean
}

/** `most` is read each time. */
export function createNewNames(most: () => number): NewNames {
  const names = new Set<string>()
  return {
    admits(name) {
      if (names.has(name)) return true
      if (names.size >= most()) return false
      names.add(name)
      return true
    },
  }
}
