/**
 * Sends services to another node while this one stops, spread over a while: all at once they would be a herd there.
 *
 * A service of ours is asked to open a line elsewhere and keeps this one until it has, so that it is in rotation all the
 * time. One that can't be asked is told goodbye at a moment of its own, and comes back by itself; what it serves is not
 * taken out of rotation for that, since it is not its fault.
 *
 * @module
 */
import type { RSocketError } from '@hydra-gateway/protocol/rsocket'
import type { Clock } from '../../observe/clock.ts'
import type { Session } from './session.ts'

/** Part of the time in which everybody sets out; the rest is for arriving. */
const SET_OUT = 0.8

export interface ElsewhereDeps {
  readonly sessions: Iterable<Session>
  readonly spreadMs: number
  readonly goodbye: RSocketError
  /** 0 to 1, as Math.random. */
  readonly random: () => number
  readonly clock: Pick<Clock, 'after'>
}

/** Sends all of them. Returns the function that ends what still waits for its moment. */
export function sendElsewhere({ sessions, spreadMs, goodbye, random, clock }: ElsewhereDeps): () => void {
  const withinMs = Math.floor(spreadMs * SET_OUT)
  const waiting = new Set<() => void>()
  for (const session of sessions) {
    // Nobody knows yet who that is: whoever it is finds another node by trying again.
    if (!session.isAdmitted()) {
      session.close(goodbye)
      continue
    }
    const moment = random() * withinMs
    session.move(withinMs).catch(() => {
      const cancel = clock.after(moment, () => {
        waiting.delete(cancel)
        session.close(goodbye)
      })
      waiting.add(cancel)
    })
  }
  return () => {
    for (const cancel of waiting) cancel()
    waiting.clear()
  }
}
