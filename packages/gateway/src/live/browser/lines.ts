/**
 * Lines: how a page reaches the one stream of its browser. All talk on one channel; the stream is in a shared worker, or,
 * where there is none, in one of the pages: the one that holds a lock. Without locks each page has its own.
 *
 * @module
 */
import { LIVE_SCRIPT_PATH } from '@hydra-gateway/protocol'
import { createHub, type News } from './hub.ts'
import { policy } from './trusted.ts'

export interface Line {
  /** What the page shows now, all of it. */
  tell(wishes: readonly string[]): void
  /** Holds nothing afterwards that would keep the page from being kept for the way back. */
  close(): void
}

/** From a page. An empty one is from where the stream is, and asks who is there. */
interface Message {
  readonly page?: string
  readonly wishes?: readonly string[] | undefined
}

/** Of the worker, the channel and the lock. */
const NAME = 'hydra-live'

const { locks } = navigator

export function openLine(hear: (news: News) => void): Line {
  const page = `${NAME} ${Math.random()}`
  const leaving = new AbortController()
  const { signal } = leaving
  const channel = new BroadcastChannel(NAME)
  let wishes: readonly string[] | undefined
  let isHeld = false
  const say = () => {
    if (isHeld) channel.postMessage({ page, wishes })
  }
  const serveHere = () => serve(signal, page)
  channel.onmessage = ({ data }: MessageEvent<News & Message>) => {
    if (data.known) hear(data)
    else if (!data.page) say()
  }
  // Held as long as the page is there, and before it says so: whoever has the stream waits for it.
  hold(page, signal, () => {
    isHeld = true
    say()
  })
  try {
    new SharedWorker(policy.createScriptURL(LIVE_SCRIPT_PATH), NAME).onerror = serveHere
  } catch {
    serveHere()
  }
  return {
    tell(all) {
      wishes = all
      say()
    },
    close() {
      wishes = undefined
      say()
      channel.close()
      leaving.abort()
    },
  }
}

/** Has the stream, as soon as nobody else has it, until it is told to end. Without locks for its own page only. */
export function serve(signal: AbortSignal, own?: string): void {
  hold(NAME, signal, () => {
    const channel = new BroadcastChannel(NAME)
    const hub = createHub((news) => channel.postMessage(news), signal)
    channel.onmessage = ({ data: { page, wishes } }: MessageEvent<Message>) => {
      if (page && (locks || !own || page === own)) hub(page, wishes)
    }
    channel.postMessage({})
    signal.addEventListener('abort', () => channel.close())
  })
}

/** Waits for a lock, does its work, and has the lock from then on. Where there are none it does not wait. */
function hold(name: string, signal: AbortSignal, work: () => void): void {
  const run = () => {
    work()
    return new Promise((letGo) => signal.addEventListener('abort', letGo))
  }
  if (locks) locks.request(name, { signal }, run).catch(() => {})
  else run()
}
