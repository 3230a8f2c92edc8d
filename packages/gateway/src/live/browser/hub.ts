/**
 * The one stream of a browser, for all of its pages: asks for everything they show together, hands them what is known,
 * and opens it again when it was lost. Runs in the shared worker, or in one of the pages.
 *
 * @module
 */
import {
  LIVE_PATH,
  type LinkView,
  type LiveEvent,
  type LiveState,
  type MenuViewItem,
} from '@hydra-gateway/protocol'
import { wish } from './wish.ts'

/** All that is known, by wish. */
export type Known = Readonly<Record<string, readonly MenuViewItem[] | LinkView | boolean>>

/** What pages are told: whether the stream is open, and everything, each time. They are many, and it is little. */
export interface News {
  readonly isOn: boolean
  readonly known: Known
  readonly spreadMs?: number | undefined
}

/** Takes what a page shows, all of it each time; or, without, that it has gone. */
export type Hub = (page: string, wishes?: readonly string[]) => void

/** The gateway reads 8 KiB of a request line by default; what is beyond is not followed. */
const MOST_QUERY_LENGTH = 7000

/** Pages that come at once, as when a browser starts, are one stream and not one after the other. */
const GATHER_MS = 50

/** Lasts until `signal` is aborted. */
export function createHub(tell: (news: News) => void, signal: AbortSignal): Hub {
  const pages = new Map<string, readonly string[]>()
  let source: EventSource | undefined
  let opening: number | undefined
  let watching: number | undefined
  let openedAt = 0
  let failures = 0
  let isOn = false
  // Of the last stream: what was asked, the name the gateway gave to what it said, and that.
  let asked: string | undefined
  let id = ''
  let known: Known = {}
  let last: LiveState = {}

  const end = () => {
    clearTimeout(opening)
    clearTimeout(watching)
    source?.close()
  }
  const openIn = (ms: number) => {
    clearTimeout(opening)
    opening = setTimeout(open, ms)
  }
  /** Full jitter: pages that lost the same gateway come back one by one. A stream that held for a while was a good one. */
  const again = (afterMs: number) => {
    end()
    failures = Date.now() - openedAt > 10_000 ? 0 : failures + 1
    openIn(afterMs + Math.random() * Math.min(30_000, 500 * 2 ** failures))
  }
  const lose = () => {
    if (isOn) {
      isOn = false
      tell({ isOn, known })
    }
    again(0)
  }

  function open(): void {
    end()
    if (!pages.size) return
    openedAt = Date.now()
    const query = queryOf(pages)
    let isFirst = true
    const stream = new EventSource(`${LIVE_PATH}?${query}${query === asked && id ? `&have=${id}` : ''}`)
    // Its own way to come back is the same for all pages at once.
    stream.onerror = lose
    source = stream
    const on = (event: LiveEvent, take: (data: string, eventId: string) => void) =>
      stream.addEventListener(event, ({ data, lastEventId }: MessageEvent) => {
        clearTimeout(watching)
        take(data, lastEventId)
        // Some networks drop a connection and tell nobody.
        if (last.beatMs && stream.readyState < 2) watching = setTimeout(lose, last.beatMs * 2.5)
      })
    on('state', (data, eventId) => {
      const state: LiveState = JSON.parse(data)
      // Whoever is signed in as somebody else now must not keep what was for the one before.
      const now = { ...(isFirst && (query !== asked || eventId !== id) ? {} : known) }
      for (const kind of ['menu', 'link', 'fragment'] as const) {
        for (const [name, value] of Object.entries(state[`${kind}s`] ?? {})) now[wish(kind, name)] = value
      }
      if (isFirst) last = state
      isFirst = false
      asked = query
      id = eventId
      known = now
      isOn = true
      tell({ isOn, known, spreadMs: last.spreadMs })
    })
    on('beat', () => {})
    on('bye', (data) => again(JSON.parse(data).afterMs))
    on('renew', () => {
      end()
      fetch('/_hydra/session', { method: 'POST' }).finally(() => again(0))
    })
  }

  const hear = (page: string, wishes?: readonly string[]) => {
    const isNew = !pages.delete(page)
    if (wishes) {
      pages.set(page, wishes)
      // Also when nothing more is wished: a new page may have been signed in, or out.
      openIn(GATHER_MS)
      // A page that crashed says nothing, and lets go of its lock.
      if (isNew) navigator.locks?.request(page, { signal }, () => hear(page)).catch(() => {})
    } else if (!pages.size) end()
  }
  addEventListener('online', () => openIn(Math.random() * 500), { signal })
  signal.addEventListener('abort', end)
  return hear
}

/** What all pages show, those of the page heard last first. In one order, so that the same wishes are the same text. */
function queryOf(pages: ReadonlyMap<string, readonly string[]>): string {
  let room = MOST_QUERY_LENGTH
  return [...new Set([...pages.values()].reverse().flat())]
    .filter(({ length }) => {
      room -= length + 1
      return room > 0
    })
    .sort()
    .join('&')
}
