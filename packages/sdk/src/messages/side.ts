/**
 * All that a service has of messages, put together: what it sends, what it takes, and the line both go by.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { MessageDeclaration } from '@hydra-gateway/protocol'
import { ROUTES, type RouteHandlers } from '@hydra-gateway/protocol/rsocket'
import { REFUSED_TYPE } from '@hydra-gateway/protocol/umf'
import { isForEverybody } from '../identity/access.ts'
import type { IdentitySide } from '../identity/side.ts'
import type { Log } from '../log.ts'
import type { Refused, ServiceOptions } from '../options.ts'
import { createCalls } from './calls.ts'
import { addAll, createHandlerBook } from './handler-book.ts'
import type { MessageHandler, MessageOptions, Messages } from './message.ts'
import { createOutbox, type MessageLine } from './outbox.ts'
import { createSending, MOST_BYTES } from './sending.ts'
import { createTaking } from './taking.ts'

export interface MessageSideDeps {
  readonly options: ServiceOptions
  readonly log: Log
  /** The line to the gateway, as it is now. */
  readonly line: () => MessageLine | undefined
  readonly identity: Pick<IdentitySide, 'identify'>
  /** The gateway is to be told of other handlers. */
  readonly onDeclared: () => void
}

export interface MessageSide extends Messages {
  /** What is served on a connection whose registration declared what was known under a number. */
  readonly serve: (declared: number) => NonNullable<RouteHandlers['requests']>
  /** Largest message that is taken, by the route. */
  readonly larger: Readonly<Record<string, number>>
  /** Messages the gateway may be about to hand over. */
  readonly maxStreams: number
  declared(): { readonly messages: MessageDeclaration[]; readonly state: number }
  /** Whether the gateway is yet to be told something. */
  hasNews(state: number): boolean
  /** It knows what was declared under a number. */
  told(state: number, refused: readonly Refused[]): void
  /** There is a line, or none. */
  lineChanged(): void
  /** Takes no more messages; resolves when those that came are dealt with, or the time is over. */
  finish(graceMs: number): Promise<void>
  /** Nothing is sent any more. */
  close(): void
}

const DEFAULT_AT_ONCE = 64
const DEFAULT_PATIENCE_MS = 300_000
/** What the gateway hands over at a time; each is answered at once. */
const MOST_STREAMS = 512

/** @throws TypeError for handlers that can't be meant */
export function createMessageSide({
  options,
  log,
  line,
  identity,
  onDeclared,
}: MessageSideDeps): MessageSide {
  const { name, maxMessages: mostAtOnce = DEFAULT_AT_ONCE } = options
  const { messagePatienceMs: patienceMs = DEFAULT_PATIENCE_MS } = options
  const source = { now: Date.now, newId: randomUUID, mayLackFrom: true }
  const book = createHandlerBook({ hasUsual: !isForEverybody(options), onChange: onDeclared })
  addAll(book, options.messages)
  const calls = createCalls()
  const outbox = createOutbox({ line, now: () => performance.now() })
  const { post, send, call, push, find } = createSending({ name, outbox, calls })
  const taking = createTaking({
    ...{ name, mostAtOnce, patienceMs },
    ...{ book, calls, post, source, identity, log },
  })
  let lastRefused: readonly Refused[] = []

  return {
    onMessage(type: string, second: MessageOptions | MessageHandler, third?: MessageHandler) {
      return typeof second === 'function'
        ? book.add(type, {}, second)
        : book.add(type, second, third as MessageHandler)
    },
    send,
    call,
    push,
    find,

    serve: (declared) => ({
      [ROUTES.message](data) {
        // No message comes on a line before its registration was taken.
        book.told(declared)
        return taking.take(data)
      },
    }),
    larger: { [ROUTES.message]: MOST_BYTES },
    maxStreams: MOST_STREAMS,
    declared: book.declared,
    hasNews: (state) => state !== book.state,
    told(state, all) {
      book.told(state)
      const ours = all.filter(isOfMessages)
      if (!isDeepStrictEqual(ours, lastRefused))
        for (const { path, reason } of ours) log.warn(`the gateway refuses ${path}: ${reason}`)
      lastRefused = ours
    },
    lineChanged: outbox.changed,
    async finish(graceMs) {
      taking.stop()
      await taking.empty(graceMs)
    },
    close() {
      taking.stop()
      outbox.close()
      calls.close()
    },
  }
}

/** Whether it is a type of messages that is refused: that is said here. */
export function isOfMessages({ path }: Refused): boolean {
  return path.startsWith(REFUSED_TYPE)
}
