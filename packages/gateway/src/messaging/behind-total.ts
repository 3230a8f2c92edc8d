/**
 * What waits for all clients of a node together: above a bound those that are furthest behind are cut, with what waits for
 * them, so that many who read slowly don't take the memory of everybody.
 *
 * Nothing is counted for a socket: all of them are looked through once a part of the bound was sent, which is seldom.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { createSeldom } from '../observe/seldom.ts'
import { CLOSE_CODES, type ClientLine } from './client-session.ts'
import type { MessageSettings } from './settings.ts'

export interface BehindTotalDeps {
  readonly settings: Pick<MessageSettings, 'maxBehindTotalBytes'>
  /** All that are open. */
  readonly lines: () => Iterable<ClientLine>
  readonly clock: Pick<Clock, 'after' | 'monotonic'>
  readonly log: Pick<Log, 'warn'>
}

export interface BehindTotal {
  /** A text of so many characters is on its way to somebody: near enough to bytes for when to look. */
  sent(characters: number): void
}

/** They are looked through each time this part of the bound was sent. */
const LOOK_AT = 1 / 8
/** What the system takes at once is none that waits. */
const LOOK_AFTER_MS = 10
/** Those that are cut leave this part of the bound free, so that not every look has to cut. */
const LEFT = 7 / 8
/** A client this far behind is nobody's trouble, however many there are of others. */
const LITTLE_BYTES = 4096

export function createBehindTotal({ settings, lines, clock, log }: BehindTotalDeps): BehindTotal {
  /** Characters that were sent since the last look. */
  let unseen = 0
  let isLooking = false
  const isDue = createSeldom({ clock })

  function look(): void {
    isLooking = false
    unseen = 0
    const most = settings.maxBehindTotalBytes
    const behind: { readonly line: ClientLine; readonly bytes: number }[] = []
    let total = 0
    for (const line of lines()) {
      // Those that were told goodbye are gone in two seconds, with what waits for them.
      const bytes = line.isOpen ? line.behindBytes : 0
      total += bytes
      if (bytes > LITTLE_BYTES) behind.push({ line, bytes })
    }
    if (total <= most) return
    behind.sort((a, b) => b.bytes - a.bytes)
    let cut = 0
    let left = total
    for (const { line, bytes } of behind) {
      if (left <= most * LEFT) break
      line.close(CLOSE_CODES.tooSlow, 'too slow: too much waits for all clients together')
      left -= bytes
      cut++
    }
    if (!isDue()) return
    log.warn(
      { bytes: total, most, cut },
      'too much waits for clients that read slowly: the slowest are cut (messages.maxBehindTotal)',
    )
  }

  return {
    sent(characters) {
      unseen += characters
      if (isLooking || unseen < settings.maxBehindTotalBytes * LOOK_AT) return
      isLooking = true
      clock.after(LOOK_AFTER_MS, look)
    },
  }
}
