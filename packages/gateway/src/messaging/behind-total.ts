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
/** So little of a client is nobody's trouble, however many there are of others. */
const LITTLE_BYTES = 4096

/**
 * Those that have most, so many of them that what the others have is well below a bound; none while all together are
 * within it.
 */
export function mostOf<Line>(
  lines: Iterable<Line>,
  bytesOf: (line: Line) => number,
  most: number,
): readonly Line[] {
  const some: { readonly line: Line; readonly bytes: number }[] = []
  let left = 0
  for (const line of lines) {
    const bytes = bytesOf(line)
    left += bytes
    if (bytes > LITTLE_BYTES) some.push({ line, bytes })
  }
  if (left <= most) return []
  some.sort((a, b) => b.bytes - a.bytes)
  const found: Line[] = []
  for (const { line, bytes } of some) {
    if (left <= most * LEFT) break
    found.push(line)
    left -= bytes
  }
  return found
}

export function createBehindTotal({ settings, lines, clock, log }: BehindTotalDeps): BehindTotal {
  /** Characters that were sent since the last look. */
  let unseen = 0
  let isLooking = false
  const isDue = createSeldom({ clock })

  function look(): void {
    isLooking = false
    unseen = 0
    const most = settings.maxBehindTotalBytes
    // Those that were told goodbye are gone in two seconds, with what waits for them.
    const cut = mostOf(lines(), (line) => (line.isOpen ? line.behindBytes : 0), most)
    for (const line of cut)
      line.close(CLOSE_CODES.tooSlow, 'too slow: too much waits for all clients together')
    if (cut.length === 0 || !isDue()) return
    log.warn(
      { most, cut: cut.length },
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
