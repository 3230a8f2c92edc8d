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
  const { promise: over, resolve: end } = Promise.withResolvers<void>()
  const giveUp = new AbortController()
  const channel = new BroadcastChannel(NAME)
  let wishes: readonly string[] | undefined
  const say = () => channel.postMessage({ page, wishes })
  const serveHere = () => serve(over, giveUp.signal, page)
  channel.onmessage = ({ data }: MessageEvent<News & Message>) => {
    if (data.known) hear(data)
    else if (!data.page && wishes) say()
  }
  // Held as long as the page is there, so that whoever has the stream knows.
  locks?.request(page, () => over)
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
      end()
      giveUp.abort()
    },
  }
}

/** Has the stream, as soon as nobody else has it, until it is over. Without locks for its own page only. */
export function serve(over: Promise<void>, signal: AbortSignal, own?: string): void {
  const run = () => {
    const channel = new BroadcastChannel(NAME)
    const hub = createHub((news) => channel.postMessage(news))
    channel.onmessage = ({ data: { page, wishes } }: MessageEvent<Message>) => {
      if (page && (locks || !own || page === own)) hub.hear(page, wishes)
    }
    channel.postMessage({})
    over.then(() => {
      hub.close()
      channel.close()
    })
    return over
  }
  if (locks) locks.request(NAME, { signal }, run).catch(() => {})
  else run()
}
