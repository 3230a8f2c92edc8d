/**
 * What a service sends: messages, calls, pushes. Each is answered by the gateway with what became of it.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import {
  DEFAULT_TYPE,
  formatUmf,
  parseAddress,
  UMF_VERSION,
  type UmfAddress,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'
import { errorOf } from '../prepare.ts'
import type { Calls } from './calls.ts'
import type {
  CalledOverHttp,
  Messages,
  PushedToMany,
  SendOptions,
  SentMessage,
  ServiceInstance,
} from './message.ts'
import { MessageError, type MessageFault } from './message-error.ts'
import type { Outbox } from './outbox.ts'
import { pushMany } from './push-many.ts'

export interface SendingDeps {
  /** Of the service. */
  readonly name: string
  readonly outbox: Pick<Outbox, 'ask'>
  readonly calls: Pick<Calls, 'expect'>
}

export interface Sending extends Pick<Messages, 'send' | 'call' | 'push' | 'find'> {
  /**
   * Sends a message that is made already. Rejects with a MessageError.
   *
   * @param timeoutMs until the gateway has said what became of it. @default 10000
   */
  post(message: UmfMessage, timeoutMs?: number): Promise<SentMessage>
}

const DEFAULT_TIMEOUT_MS = 10_000
/** Of a message: more than any gateway is set to. */
export const MOST_BYTES = 9 * 1024 * 1024

export function createSending({ name, outbox, calls }: SendingDeps): Sending {
  async function post(message: UmfMessage, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Answer> {
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

  return {
    post,
    send,
    call: call as Messages['call'],
    push: push as Messages['push'],
    async find(service) {
      const said = await outbox.ask((open, ms) => open.find(service, ms), DEFAULT_TIMEOUT_MS)
      return (said as { instances?: readonly ServiceInstance[] } | null)?.instances ?? []
    },
  }
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
