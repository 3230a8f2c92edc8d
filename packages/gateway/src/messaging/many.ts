/**
 * One message to many clients: begun for one after the other, so many under way at a time, and never for longer at a
 * stretch than others can wait.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../observe/clock.ts'
import type { Pushed, Sent } from './port.ts'

export interface ManyDeps {
  /** Begins at once when it is called; never rejects. */
  readonly deliver: (client: string) => Promise<Sent>
  /** What was gathered for other nodes has to leave. */
  readonly flush: () => void
  /** It has begun for all of them. */
  readonly onBegun: () => void
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Deliveries under way; others wait for half of them. */
const MOST_AT_ONCE = 256
/** Of the event loop at a stretch, ms. */
const STRETCH_MS = 5

export async function deliverToMany(clients: Iterable<string>, deps: ManyDeps): Promise<Pushed> {
  const { deliver, flush, onBegun, clock } = deps
  const failed: Pushed['failed'][number][] = []
  let now = 0
  let later = 0
  let underWay = 0
  let enough = 0
  let wake = (): void => {}
  const until = (left: number): Promise<void> | undefined => {
    if (underWay <= left) return undefined
    enough = left
    return new Promise((resolve) => {
      wake = resolve
    })
  }
  const settle = (client: string, sent: Sent): void => {
    underWay--
    if (!sent.ok) failed.push({ client, fault: sent.fault, reason: sent.reason })
    else if (sent.when === 'now') now++
    else later++
    if (underWay <= enough) wake()
  }

  let stretchEnds = clock.monotonic() + STRETCH_MS
  for (const client of clients) {
    if (underWay >= MOST_AT_ONCE) {
      flush()
      await until(MOST_AT_ONCE / 2)
    }
    if (clock.monotonic() > stretchEnds) {
      await nextTurn()
      stretchEnds = clock.monotonic() + STRETCH_MS
    }
    underWay++
    void deliver(client).then((sent) => settle(client, sent))
  }
  flush()
  onBegun()
  await until(0)
  return { now, later, failed }
}
