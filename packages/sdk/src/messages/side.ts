/**
 * All that a service has of messages, put together: its handlers, its calls, and the line they go by.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { MessageDeclaration } from '@hydra-gateway/protocol'
import { ROUTES, type RouteHandlers } from '@hydra-gateway/protocol/rsocket'
import {
  DEFAULT_TYPE,
  formatUmf,
  parseAddress,
  readUmf,
  replyTo,
  UMF_VERSION,
  type UmfAddress,
  UmfError,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'
import { isForEverybody } from '../identity/access.ts'
import type { IdentitySide } from '../identity/side.ts'
import { type Log, nameForLog } from '../log.ts'
import type { Refused, ServiceOptions } from '../options.ts'
import { errorOf } from '../prepare.ts'
import { createSeldom } from '../seldom.ts'
import { createCalls } from './calls.ts'
import { addAll, createHandlerBook, type Handling } from './handler-book.ts'
import type {
  CalledOverHttp,
  Message,
  MessageContext,
  MessageHandler,
  MessageOptions,
  MessageSender,
  Messages,
  PushedToMany,
  SendOptions,
  SentMessage,
  ServiceInstance,
} from './message.ts'
import { MessageError, type MessageFault } from './message-error.ts'
import { createOutbox, type MessageLine } from './outbox.ts'
import { createPlaces } from './places.ts'
import { pushMany } from './push-many.ts'

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
const DEFAULT_TIMEOUT_MS = 10_000
/** More than any gateway is set to. */
const MOST_BYTES = 9 * 1024 * 1024
/** What the gateway hands over at a time; each is answered at once. */
const MOST_STREAMS = 512
/** Of an answer that can't be sent because of what it is. */
const OWN_FAULTS: ReadonlySet<MessageFault> = new Set(['invalid', 'too-large', 'schema', 'not-allowed'])
/** Nobody has it, and whoever it is for may come back. */
const AWAY_FAULTS: ReadonlySet<MessageFault> = new Set(['unknown-service', 'no-instance'])
/** How long an answer waits for them. */
const RETURN_MS = 5000

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
  const warnSeldom = createSeldom(log.warn, () => performance.now())
  const places = createPlaces<UmfMessage>({
    most: mostAtOnce,
    patienceMs,
    onLate: (message) =>
      warnSeldom(
        'late',
        `${whatIs(message)} has been dealt with for ${patienceMs / 1000} s (messagePatienceMs): others get its place`,
      ),
  })
  let isLeaving = false
  let lastRefused: readonly Refused[] = []

  // ---- out ----------------------------------------------------------------------------------------------

  async function post(message: UmfMessage, timeoutMs: number): Promise<Answer> {
    const bytes = Buffer.from(formatUmf(message))
    if (bytes.length > MOST_BYTES)
      throw new MessageError('too-large', `a message may have ${MOST_BYTES} bytes, not ${bytes.length}`)
    const answer = (await outbox.ask(
      (open, ms) => open.message(bytes, ms),
      timeoutMs,
    )) as Partial<Answer> | null
    if (answer?.ok === true) return answer as Answer
    const { fault = 'broken', reason = 'the gateway did not take the message' } = (answer ?? {}) as Failure
    throw new MessageError(fault, reason)
  }

  function compose(
    to: string,
    body: unknown,
    { type, headers }: SendOptions,
    timeoutMs?: number,
  ): UmfMessage {
    if (!body)
      throw new MessageError('invalid', 'a message needs a body: an object, a list, a text that is not empty')
    return {
      to,
      from: `${name}:/`,
      body,
      mid: randomUUID(),
      timestamp: new Date().toISOString(),
      version: UMF_VERSION,
      ...(type === undefined || type === DEFAULT_TYPE ? {} : { type }),
      ...(headers === undefined ? {} : { headers }),
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs / 1000 }),
    }
  }

  async function send(to: string, body: unknown, options: SendOptions = {}): Promise<SentMessage> {
    const { method, text } = addressOf(to)
    if (method !== undefined)
      throw new MessageError('invalid', `${to} has a method: it is for call, whose answer has a status`)
    const { mid, when } = await post(compose(text, body, options), timeoutOf(options))
    return { mid, when }
  }

  async function pushOne(client: string, body: unknown, options?: SendOptions): Promise<'now' | 'later'> {
    if (!/^[0-9a-z]+$/.test(client))
      throw new MessageError('unknown-client', 'the id of a client consists of digits and small letters')
    return (await send(`${client}@client:/`, body, options)).when
  }

  async function push(
    to: string | Iterable<string>,
    body: unknown,
    options: SendOptions = {},
  ): Promise<'now' | 'later' | PushedToMany> {
    if (typeof to === 'string') return pushOne(to, body, options)
    if (typeof to?.[Symbol.iterator] !== 'function')
      throw new MessageError('invalid', 'a push is for the id of a client, or a list of them')
    return pushMany(compose('client:/', body, options), to, timeoutOf(options), {
      outbox,
      one: (client, timeoutMs) => pushOne(client, body, { ...options, timeoutMs }),
      mostBytes: MOST_BYTES,
      now: () => performance.now(),
    })
  }

  async function call(to: string, body: unknown = {}, options: SendOptions = {}): Promise<unknown> {
    const { method, text } = addressOf(to)
    const timeoutMs = timeoutOf(options)
    const message = compose(text, body, options, timeoutMs)
    if (method !== undefined) {
      const { status, headers, body: answered } = (await post(message, timeoutMs)) as Answer & CalledOverHttp
      return { status, headers, body: answered }
    }
    const { answer, forget } = calls.expect(message.mid, timeoutMs)
    await post(message, timeoutMs).catch((fault) => {
      forget()
      throw fault
    })
    return answer
  }

  // ---- in -----------------------------------------------------------------------------------------------

  /** Takes a message, or says why not; at once, whatever its handler does. */
  function take(data: unknown): unknown {
    let message: UmfMessage
    try {
      message = readUmf(data, source)
    } catch (fault) {
      if (fault instanceof UmfError) return refused('invalid', fault.message)
      throw fault
    }
    if (calls.settle(message)) return { ok: true }
    const { type = DEFAULT_TYPE } = message
    if (isLeaving) return refused('no-instance', `this instance of ${name} is closing`)
    const handling = book.find(type)
    if (handling === undefined || handling === 'unready')
      return refused('no-instance', `${name} takes no messages of the type ${type}`)
    const { sender, token } = senderOf(data)
    // The gateway does not judge answers of services: they are for whoever asked.
    if (message.rmid !== undefined && handling.hasConditions && sender.kind === 'service')
      return refused('invalid', 'nobody waits for this answer')
    const release = places.take(message)
    if (release === undefined) {
      warnSeldom('throttled', `messages are refused: ${mostAtOnce} are being dealt with (maxMessages)`)
      return refused('throttled', `${name} deals with ${mostAtOnce} messages already`)
    }
    // It is answered before the handler begins.
    setImmediate(() => void handle(handling, message, sender, token).finally(release))
    return { ok: true }
  }

  /** After a restart of the gateway whoever asked may be back a little later than this service. */
  async function postAnswer(reply: UmfMessage): Promise<Answer> {
    const until = performance.now() + RETURN_MS
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      try {
        return await post(reply, DEFAULT_TIMEOUT_MS)
      } catch (fault) {
        const isAway = fault instanceof MessageError && AWAY_FAULTS.has(fault.fault)
        if (!isAway || performance.now() + pauseMs > until) throw fault
        await delay(pauseMs)
      }
    }
  }

  async function handle(
    { handler }: Handling,
    message: UmfMessage,
    sender: MessageSender,
    token: string | undefined,
  ): Promise<void> {
    let isAnswered = false
    let unsent: unknown
    const answer = async (body: unknown, answerType?: string): Promise<SentMessage> => {
      if (!body) throw new TypeError('an answer needs a body: an object, a list, a text that is not empty')
      const reply = replyTo(
        message,
        { body, ...(answerType === undefined ? {} : { type: answerType }) },
        source,
      )
      try {
        const { mid, when } = await postAnswer(reply)
        return { mid, when }
      } catch (fault) {
        if (!(fault instanceof MessageError) || !OWN_FAULTS.has(fault.fault)) unsent = fault
        throw fault
      }
    }
    const context: MessageContext = {
      sender,
      reply(body, { type: answerType } = {}) {
        isAnswered = true
        return answer(body, answerType)
      },
      user: async () => (token === undefined ? undefined : (await identity.identify(token))?.user),
    }
    // An answer that is answered by itself would go to and fro for ever.
    const mayAnswer = (): boolean => !isAnswered && message.rmid === undefined
    try {
      const returned = await handler(message as Message, context)
      if (returned !== undefined && mayAnswer()) await answer(returned)
    } catch (fault) {
      const error = errorOf(fault)
      const what = whatIs(message)
      // It may have arrived all the same: another answer would say that nothing was done.
      if (unsent !== undefined && fault === unsent)
        return warnSeldom('answer', `the answer to ${what} could not be sent: ${error.message}`)
      log.error(`the handler of ${what} failed: ${error.message}`)
      const reason = error instanceof MessageError ? error.message : 'the handler failed'
      if (mayAnswer())
        await answer({ error: true, reason }).catch((why) =>
          warnSeldom('answer', `the answer to ${what} could not be sent: ${errorOf(why).message}`),
        )
    }
  }

  return {
    onMessage(type: string, second: MessageOptions | MessageHandler, third?: MessageHandler) {
      return typeof second === 'function'
        ? book.add(type, {}, second)
        : book.add(type, second, third as MessageHandler)
    },
    send,
    call: call as Messages['call'],
    push: push as Messages['push'],
    async find(service) {
      const said = await outbox.ask((open, ms) => open.find(service, ms), DEFAULT_TIMEOUT_MS)
      return (said as { instances?: readonly ServiceInstance[] } | null)?.instances ?? []
    },

    serve: (declared) => ({
      [ROUTES.message](data) {
        // No message comes on a line before its registration was taken.
        book.told(declared)
        return take(data)
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
      isLeaving = true
      await places.empty(graceMs)
    },
    close() {
      isLeaving = true
      outbox.close()
      calls.close()
    },
  }
}

/** Whether it is a type of messages that is refused: that is said here. */
export function isOfMessages({ path }: Refused): boolean {
  return path.startsWith('messages of the type ')
}

interface Answer {
  readonly ok: true
  readonly mid: string
  readonly when: 'now' | 'later'
}

interface Failure {
  readonly fault?: MessageFault
  readonly reason?: string
}

/** A message in the words of a log. */
function whatIs({ type }: UmfMessage): string {
  return type === undefined ? 'a message' : `a message of the type ${nameForLog(type)}`
}

function refused(fault: MessageFault, reason: string): unknown {
  return { ok: false, fault, reason }
}

function timeoutOf({ timeoutMs = DEFAULT_TIMEOUT_MS }: SendOptions): number {
  if (typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= 2 ** 31 - 1) return timeoutMs
  throw new MessageError('invalid', 'timeoutMs must be a number of milliseconds above 0')
}

/** An address as it is sent; the name of a service alone is one. */
function addressOf(to: string): UmfAddress & { readonly text: string } {
  if (typeof to !== 'string') throw new MessageError('invalid', 'an address is a text such as orders:/')
  const text = to.includes(':') ? to : `${to}:/`
  try {
    return { ...parseAddress(text), text }
  } catch (cause) {
    throw new MessageError('invalid', `${to} is no address: ${errorOf(cause).message}`, { cause })
  }
}

/** What the gateway says of who sends. */
function senderOf(data: unknown): { sender: MessageSender; token: string | undefined } {
  const said = (data as { sender?: MessageSender & { token?: unknown } }).sender
  if (typeof said !== 'object' || said === null)
    return { sender: { kind: 'service', isHearsay: true }, token: undefined }
  const { token, ...sender } = said
  return { sender, token: typeof token === 'string' ? token : undefined }
}
