/**
 * Hears of mailboxes whose readers are at this node, and finds out when a hint was lost.
 *
 * A hint comes over the bus and costs the reader one reading. It may be lost with a connection; but the store counts those
 * it gave in the same step in which it appended, so that some few counters, asked for each second, say whether one is
 * missing, however many clients are connected. Only then, and when the store comes back, all mailboxes are read.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'
import type { Bus } from '../../store/bus/port.ts'
import { mailTopic, parseMailHint } from '../../store/mailboxes/hints.ts'
import type { MailboxStore } from '../../store/mailboxes/port.ts'
import type { Reach } from '../../store/reach.ts'

/** Somebody who reads a mailbox. */
export interface Watched {
  readonly offset: number
  look(): Promise<void>
  tick(): void
}

export interface LookoutDeps {
  readonly node: string
  readonly mailboxes: Pick<MailboxStore, 'told'>
  readonly bus: Pick<Bus, 'listen'>
  readonly reach: Reach
  readonly clock: Pick<Clock, 'every'>
  readonly everyMs: number
  /** By mailbox. */
  readonly watched: ReadonlyMap<string, Watched>
  readonly onSweep: () => void
}

/** Mailboxes that are read at a time when all are. */
const AT_A_TIME = 64

export function createLookout(deps: LookoutDeps): { close(): void } {
  const { node, mailboxes, bus, reach, clock, everyMs, watched, onSweep } = deps
  /** How many hints were heard of, by group. */
  const heard = new Map<number, number>()
  let toldBefore: readonly number[] = []
  let sweeping = false
  let again = false
  let asking = false

  async function sweep(): Promise<void> {
    again = true
    if (sweeping) return
    sweeping = true
    while (again) {
      again = false
      onSweep()
      const all = watched.values()
      const next = async (): Promise<void> => {
        for (const one of all) await one.look()
      }
      await Promise.all(Array.from({ length: AT_A_TIME }, next))
    }
    sweeping = false
  }
  async function ask(): Promise<void> {
    if (asking || watched.size === 0 || !reach.isReachable) return
    asking = true
    // Hints may overtake the answer.
    const heardBefore = new Map(heard)
    try {
      compare(await mailboxes.told(node), heardBefore)
    } catch {
      // away: what was missed is looked for when it is back
    } finally {
      asking = false
    }
  }
  /** What was told by the time before has been heard since, or is lost. Who knows of less than we heard has lost it. */
  function compare(told: readonly number[], heardBefore: ReadonlyMap<number, number>): void {
    let isMissing = false
    for (const [group, count] of told.entries()) {
      const known = heard.get(group)
      const before = toldBefore[group]
      if (known === undefined || before === undefined) {
        // From here on it is counted; what was told until now is looked for.
        isMissing = true
        heard.set(group, Math.max(count, known ?? 0))
      } else if (known < before || count < (heardBefore.get(group) ?? 0)) {
        isMissing = true
        heard.set(group, count)
      }
    }
    toldBefore = told
    if (isMissing) void sweep()
  }

  const ends = [
    bus.listen(mailTopic(node), (text) => {
      const hint = parseMailHint(text)
      if (!hint) return
      const { group, count, offset, box } = hint
      const known = heard.get(group) ?? 0
      // Those that come late were missed already, and looked for.
      if (count > known) {
        heard.set(group, count)
        if (known > 0 && count > known + 1) void sweep()
      }
      const one = watched.get(box)
      if (one && (offset === 0 || offset > one.offset)) void one.look()
    }),
    reach.onChange((isReachable) => {
      if (isReachable) void sweep()
    }),
    clock.every(everyMs, () => {
      for (const one of watched.values()) one.tick()
      void ask()
    }),
  ]
  return {
    close() {
      for (const end of ends) end()
    },
  }
}
