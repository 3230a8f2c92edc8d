/**
 * Follows the events of a gateway for as long as somebody wants them: comes back when the stream is lost, and goes on
 * where it ended.
 *
 * @module
 */
import { type SiteEvent, siteEvent, type WatchHello, watchHello } from '@hydra-gateway/protocol'
import { CommandError } from '../io.ts'
import { createSseReader, type Message } from './sse.ts'

/** Opens the stream once; what it calls back with stands in the order of the wire. */
export type OpenStream = (
  path: string,
  headers: Readonly<Record<string, string>>,
  receiver: StreamReceiver,
) => () => void

export interface StreamReceiver {
  onText(text: string): void
  /** Called once; with a CommandError for an answer that is no stream. */
  onEnd(error: Error | undefined): void
}

export interface Follower {
  /** How things are, at each beginning; `isNew` when the gateway was restarted since, or is met for the first time. */
  onHello(hello: WatchHello, isNew: boolean): void
  onEvent(event: SiteEvent): void
  /** The gateway is away; told once until the next `onHello`. */
  onAway(reason: string): void
  /** Nothing that time would heal: other keys, another program at that address. */
  onFailed(error: CommandError): void
}

/** What an id looks like: it is sent back in a header. */
const ID = /^[\x21-\x7e]{1,256}$/

/** Between two attempts; and how long nothing at all may come from a gateway that sends a sign of life every 15 s. */
const RETRY_MS = 1000
const SILENCE_MS = 40_000

/** Begins at once. Returns the function that ends it. */
export function follow(open: OpenStream, path: string, follower: Follower): () => void {
  let isOver = false
  let wasMet = false
  let isAway = false
  let lastId = ''
  let epoch = ''
  let timer: NodeJS.Timeout | undefined
  let closeStream = (): void => {}

  const receive = ({ id, event, data }: Message): void => {
    if (ID.test(id)) lastId = id
    if (event === '') return
    const said = event === 'hello' ? watchHello.safeParse(parse(data)) : undefined
    if (said?.success) {
      const isNew = said.data.epoch !== epoch
      ;({ epoch } = said.data)
      // Where to go on from, should the line be lost before the first event.
      const latest = `${epoch}:${said.data.latest}`
      if (lastId === '' && ID.test(latest)) lastId = latest
      wasMet = true
      isAway = false
      follower.onHello(said.data, isNew)
      return
    }
    const happened = siteEvent.safeParse(parse(data))
    if (happened.success && isTime(happened.data.at)) follower.onEvent(happened.data)
  }

  const attempt = (): void => {
    if (isOver) return
    const reader = createSseReader(receive)
    const close = open(path, lastId === '' ? {} : { 'last-event-id': lastId }, {
      onText(text) {
        watchSilence()
        reader.push(text)
      },
      onEnd(error) {
        clearTimeout(timer)
        if (isOver) return
        // A gateway that was met once is waited for; the first attempt says what is wrong.
        if (error instanceof CommandError && !wasMet) {
          isOver = true
          follower.onFailed(error)
          return
        }
        const reason = error instanceof CommandError ? error.fact : error?.message
        if (!isAway) follower.onAway(reason ?? 'the line to it is closed')
        isAway = true
        timer = setTimeout(attempt, RETRY_MS)
      },
    })
    closeStream = close
    watchSilence()
  }
  const watchSilence = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => closeStream(), SILENCE_MS)
  }

  attempt()
  return () => {
    isOver = true
    clearTimeout(timer)
    closeStream()
  }
}

/** Whether there is such a day. */
function isTime(epochMs: number): boolean {
  return !Number.isNaN(new Date(epochMs).getTime())
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
