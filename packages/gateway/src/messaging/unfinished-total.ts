/**
 * What has come of messages that are not whole yet, of all clients of a node together: above a bound those that sent most
 * are cut, with what they sent. Each message is bounded by itself, but whoever opens a thousand sockets and never ends one
 * would have the memory of a thousand for as long as they like.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { createSeldom } from '../observe/seldom.ts'
import { mostOf } from './behind-total.ts'
import type { ClientSocket } from './client-socket.ts'
import type { MessageSettings } from './settings.ts'

export interface UnfinishedTotalDeps {
  readonly settings: Pick<MessageSettings, 'maxUnfinishedTotalBytes'>
  /** All that are open. */
  readonly sockets: () => Iterable<ClientSocket>
  readonly clock: Pick<Clock, 'after' | 'monotonic'>
  readonly log: Pick<Log, 'warn'>
}

export interface UnfinishedTotal {
  /** So many bytes more, or fewer: their message is whole, or their client gone. */
  changed(bytes: number): void
}

/** Nobody is cut in the middle of what is being read. */
const LOOK_AFTER_MS = 10

export function createUnfinishedTotal({
  settings,
  sockets,
  clock,
  log,
}: UnfinishedTotalDeps): UnfinishedTotal {
  let total = 0
  let isLooking = false
  const isDue = createSeldom({ clock })

  function look(): void {
    isLooking = false
    const most = settings.maxUnfinishedTotalBytes
    const bytes = total
    const cut = mostOf(sockets(), ({ unfinishedBytes }) => unfinishedBytes, most)
    for (const socket of cut) socket.cutUnfinished()
    if (cut.length > 0 && isDue())
      log.warn(
        { bytes, most, cut: cut.length },
        'too much has come of messages that are not whole: those that sent most are cut (messages.maxUnfinishedTotal)',
      )
  }

  return {
    changed(bytes) {
      total += bytes
      if (isLooking || total <= settings.maxUnfinishedTotalBytes) return
      isLooking = true
      clock.after(LOOK_AFTER_MS, look)
    },
  }
}
