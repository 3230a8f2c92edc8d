/**
 * The moment in which an application that holds one key takes the next one: whoever calls it then waits until it has it.
 *
 * It takes a key when it reads the answer to its registration, and says nothing of it. A token that gets there on the
 * wrong side of that moment would count as none, and somebody who is signed in be sent to the login. So nothing is sent
 * just before the answer, that what is on its way arrives, nor just after it, that it is read.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

/** What was sent has been read by then: who calls is looked at first. */
const BEFORE_MS = 100
/** The answer has been read by then; Java does so in some 20 ms while it has nothing better to do. */
const AFTER_MS = 250

export interface KeyTurns {
  /**
   * Holds back the callers of these instances; resolves when their registration may be answered. The returned function
   * is called with the answer on its way, and the key it tells of, or without one when nothing came of it.
   */
  begin(instanceIds: readonly string[]): Promise<(keyId?: string) => void>
  /** While an instance takes a key: when it has it, and which, if it has another one. */
  of(instanceId: string): Promise<string | undefined> | undefined
}

export function createKeyTurns(clock: Pick<Clock, 'after'>): KeyTurns {
  const turning = new Map<string, Promise<string | undefined>>()
  return {
    async begin(instanceIds) {
      const { promise: over, resolve: end } = Promise.withResolvers<string | undefined>()
      // One that registers twice at a time waits for the first of the two.
      const fresh = instanceIds.filter((id) => !turning.has(id))
      for (const id of fresh) turning.set(id, over)
      const finish = (keyId: string | undefined): void => {
        for (const id of fresh) turning.delete(id)
        end(keyId)
      }
      await new Promise<void>((resolve) => void clock.after(BEFORE_MS, resolve))
      return (keyId) => {
        if (keyId === undefined) finish(undefined)
        else clock.after(AFTER_MS, () => finish(keyId))
      }
    },
    of: (instanceId) => (turning.size === 0 ? undefined : turning.get(instanceId)),
  }
}
