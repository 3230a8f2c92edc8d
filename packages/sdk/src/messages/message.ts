/**
 * Messages as a service sees them: what comes, who sends it, what is done with it.
 *
 * @module
 */
import type { MessageDeclaration } from '@hydra-gateway/protocol'
import type { MessageSender, UmfMessage } from '@hydra-gateway/protocol/umf'
import type { AccessOptions } from '../identity/access.ts'
import type { FragmentUser } from '../identity/verified.ts'
import type { MessageFault } from './message-error.ts'

/** What a handler or a caller takes for granted unless it says more: as with JSON, nobody has looked. */
// biome-ignore lint/suspicious/noExplicitAny: a body is what both ends agreed on
export type AnyBody = any

export type { MessageSender } from '@hydra-gateway/protocol/umf'

/** A message as it came. `from` and `via` are its words; who sends it is in `MessageContext.sender`. */
export interface Message<Body = unknown> extends UmfMessage {
  readonly body: Body
}

/** What became of a message that was sent. */
export interface SentMessage {
  /** Its id: answers name it in `rmid`. */
  readonly mid: string
  /** `now`: whoever it is for has it. `later`: it is kept for a client that is away. */
  readonly when: 'now' | 'later'
}

/** What became of a message for many clients. */
export interface PushedToMany {
  /** How many have it. */
  readonly now: number
  /** For how many it is kept until they are back. */
  readonly later: number
  /** Whom it did not get to. */
  readonly failed: readonly {
    readonly client: string
    readonly fault: MessageFault
    readonly reason: string
  }[]
}

export interface MessageContext {
  readonly sender: MessageSender
  /** Answers the message. What the handler returns is sent as well only where this was not called. */
  reply(body: unknown, options?: { readonly type?: string }): Promise<SentMessage>
  /** Who is signed in at the client that sends; undefined for nobody. */
  user(): Promise<FragmentUser | undefined>
}

/**
 * Takes a message. What it returns, or resolves to, is the answer, unless it is undefined; an answer has to be an object, a
 * list, a text that is not empty, a number other than 0 or true. What it throws becomes an answer with `error: true`.
 */
export type MessageHandler<Body = AnyBody> = (
  message: Message<Body>,
  context: MessageContext,
) => unknown | Promise<unknown>

/** Which messages of a type a handler takes; the gateway refuses all others. */
export interface MessageOptions extends AccessOptions {
  /** `services`: those that hold the keys. @default all */
  readonly from?: NonNullable<MessageDeclaration['from']>
  /** JSON Schema of the body. Not understood: `pattern`, `patternProperties`, most of `format`, other documents. */
  readonly schema?: Readonly<Record<string, unknown>> | boolean
}

/** A handler, alone or with what its messages must be: the option `messages`. */
export type MessageOption = MessageHandler | (MessageOptions & { readonly handler: MessageHandler })

export interface SendOptions {
  /** What kind of message it is, for whoever gets it. @default msg */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  /**
   * How long it may take in all, ms; while there is no line to the gateway, one is waited for.
   *
   * @default 10000
   */
  readonly timeoutMs?: number
}

/** The answer to a call of an address with a method. */
export interface CalledOverHttp<Body = AnyBody> {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Parsed when it is JSON, otherwise text. */
  readonly body: Body
}

/** An address with a method: `orders:[get]/v1/orders/7`. */
export type HttpAddress = `${string}:[${string}]${string}`

/** An instance that serves under a name. */
export interface ServiceInstance {
  readonly instanceId: string
  readonly service: string
  readonly version: string | number
  /** How it reached the gateway: `rsocket`, `http`, `static`, `flywheel`. */
  readonly channel: string
  /** Whether messages can be sent to it. */
  readonly takesMessages: boolean
}

/** Messages between this service, others and clients. */
export interface Messages {
  /**
   * Takes messages of a type; `*` for all that have no handler of their own. Returns the function that ends it. Handlers
   * that are known when the service connects belong into the option `messages`: no message comes before they are there.
   *
   * @example
   * service.onMessage('order.created', async ({ body }, { sender }) => ({ seen: body.id }))
   * @throws TypeError when the type has a handler already, or the options mean nothing
   */
  onMessage<Body = AnyBody>(type: string, handler: MessageHandler<Body>): () => void
  onMessage<Body = AnyBody>(type: string, options: MessageOptions, handler: MessageHandler<Body>): () => void
  /**
   * Sends a message: to any instance of a service (`orders:/`), to one of them (`INSTANCE@orders:/`), or to a client
   * (`ID@client:/`). Resolves once whoever it is for has it, not when it was dealt with.
   *
   * @example
   * await service.send('orders:/', { id: 7 }, { type: 'order.paid' })
   * @throws MessageError whose `fault` tells why it went nowhere
   */
  send(to: string, body: unknown, options?: SendOptions): Promise<SentMessage>
  /**
   * Sends a message and resolves with the body of its answer. To an address with a method it is an HTTP request through the
   * gateway, and the answer has a status.
   *
   * @example
   * const { total } = await service.call('orders:/', { id: 7 }, { type: 'total' })
   * const { status, body } = await service.call('orders:[get]/v1/orders/7')
   * @throws MessageError; with `body` where the handler failed
   */
  call<Body = AnyBody>(to: HttpAddress, body?: unknown, options?: SendOptions): Promise<CalledOverHttp<Body>>
  call<Body = AnyBody>(to: string, body?: unknown, options?: SendOptions): Promise<Body>
  /**
   * Sends a message to a client, by the id a message of it was sent under (`sender.id`). Resolves with `now`, or with `later`
   * when it is kept until the client is back.
   *
   * @throws MessageError with the fault `unknown-client` when there is none, or it stayed away for too long
   */
  push(clientId: string, body: unknown, options?: SendOptions): Promise<'now' | 'later'>
  /**
   * Sends one message to many clients, each once, for a fraction of what as many pushes cost. What this service pushes to a
   * client arrives in the order in which it was pushed, alone or to many.
   *
   * @example
   * const { failed } = await service.push(listeners, { price: 12 }, { type: 'price' })
   * for (const { client, fault } of failed) if (fault === 'unknown-client') listeners.delete(client)
   * @throws MessageError when it could be asked for none of them
   */
  push(
    clientIds: readonly string[] | ReadonlySet<string>,
    body: unknown,
    options?: SendOptions,
  ): Promise<PushedToMany>
  /** The instances that serve under a name, whatever way they reached the gateway; none when nobody does. */
  find(name: string): Promise<readonly ServiceInstance[]>
}
