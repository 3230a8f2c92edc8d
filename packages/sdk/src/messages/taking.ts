/**
 * What a service takes: each message is answered at once, taken or not, and dealt with by its handler afterwards, so many at
 * a time.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  DEFAULT_TYPE,
  readUmf,
  replyTo,
  UmfError,
  type UmfMessage,
  type UmfSource,
} from '@hydra-gateway/protocol/umf'
import type { IdentitySide } from '../identity/side.ts'
import { type Log, nameForLog } from '../log.ts'
import { errorOf } from '../prepare.ts'
import { createSeldom } from '../seldom.ts'
import type { Calls } from './calls.ts'
import type { HandlerBook, Handling } from './handler-book.ts'
import type { Message, MessageContext, MessageSender, SentMessage } from './message.ts'
import { MessageError, type MessageFault } from './message-error.ts'
import { createPlaces } from './places.ts'
import type { Sending } from './sending.ts'

export interface TakingDeps {
  /** Of the service. */
  readonly name: string
  /** Messages that are dealt with at a time; those above are refused. */
  readonly mostAtOnce: number
  /** After so long a message keeps its place from others no more. */
  readonly patienceMs: number
  readonly book: Pick<HandlerBook, 'find'>
  readonly calls: Pick<Calls, 'settle'>
  /** The way answers go. */
  readonly post: Sending['post']
  readonly source: UmfSource
  readonly identity: Pick<IdentitySide, 'identify'>
  readonly log: Log
}

export interface Taking {
  /** Takes a message, or says why not; at once, whatever its handler does. */
  take(data: unknown): unknown
  /** Takes no more. */
  stop(): void
  /** Resolves when those that came are dealt with, or the time is over. */
  empty(ms: number): Promise<void>
}

/** Of an answer that can't be sent because of what it is. */
const OWN_FAULTS: ReadonlySet<MessageFault> = new Set(['invalid', 'too-large', 'schema', 'not-allowed'])
/** Nobody has it, and whoever it is for may come back. */
const AWAY_FAULTS: ReadonlySet<MessageFault> = new Set(['unknown-service', 'no-instance'])
/** How long an answer waits for them. */
const RETURN_MS = 5000

export function createTaking(deps: TakingDeps): Taking {
  const { name, mostAtOnce, patienceMs, book, calls, post, source, identity, log } = deps
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
  async function postAnswer(reply: UmfMessage): Promise<SentMessage> {
    const until = performance.now() + RETURN_MS
    for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 1000)) {
      try {
        return await post(reply)
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
    take,
    stop() {
      isLeaving = true
    },
    empty: places.empty,
  }
}

/** A message in the words of a log. */
function whatIs({ type }: UmfMessage): string {
  return type === undefined ? 'a message' : `a message of the type ${nameForLog(type)}`
}

function refused(fault: MessageFault, reason: string): unknown {
  return { ok: false, fault, reason }
}

/** What the gateway says of who sends. */
function senderOf(data: unknown): { sender: MessageSender; token: string | undefined } {
  const said = (data as { sender?: MessageSender & { token?: unknown } }).sender
  if (typeof said !== 'object' || said === null)
    return { sender: { kind: 'service', isHearsay: true }, token: undefined }
  const { token, ...sender } = said
  return { sender, token: typeof token === 'string' ? token : undefined }
}
