/**
 * Messaging: what its parts ask of each other. Everything that carries messages (sockets of clients, channels of
 * services, Redis, the router API) knows these seams and nothing of the others.
 *
 * ```
 * client sockets ─┐                       ┌─→ InstanceCarrier: a service's line here, at another node, or its Redis channel
 * services ───────┼─→ Messenger ──────────┼─→ OwnCalls: HTTP, for addresses with a method
 * router API ─────┘      │                └─→ sockets here ─ Peers: at other nodes ─ ClientMail: for those away
 *                        └─ Permits: who may send what to whom
 * ```
 *
 * @module
 */
import type { Registration } from '@hydra-gateway/protocol'
import type { MessageFault, MessageSender, UmfAddress, UmfMessage } from '@hydra-gateway/protocol/umf'
import type { Caller } from '../identity/port.ts'
import type { Instance } from '../routing/upstream.ts'

export type { MessageFault } from '@hydra-gateway/protocol/umf'

/** Who sends. What a message says of its sender is never believed; this is. */
export type Sender =
  | {
      readonly kind: 'client'
      /** Id of its session. */
      readonly id: string
      readonly caller: Caller | undefined
      /** Address of the visitor. */
      readonly address: string
    }
  | {
      readonly kind: 'service'
      readonly service: string
      readonly instance: string
      /** It came through the Redis of older systems, where anybody who may write can say anything. */
      readonly isHearsay?: true
    }
  /** A request to `/v1/router/…`. */
  | { readonly kind: 'door'; readonly caller: Caller | undefined; readonly address: string }

/** What became of a message. */
export type Sent =
  /** `now`: whoever it is for has it, or their node does. `later`: it waits for a client that is away. */
  | { readonly ok: true; readonly when: 'now' | 'later'; readonly mid: string }
  | {
      readonly ok: false
      readonly fault: MessageFault
      /** A sentence; of the originals where they have one: `No orders instances available`. */
      readonly reason: string
      readonly mid: string
    }

/** What became of a message for many clients: how many have it, for how many it waits, and whom it did not get to. */
export interface Pushed {
  readonly now: number
  readonly later: number
  readonly failed: readonly {
    readonly client: string
    readonly fault: MessageFault
    readonly reason: string
  }[]
}

/** What a call over HTTP came to. */
export interface Called {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Parsed when its type is JSON, otherwise text. */
  readonly body: unknown
  readonly isJson: boolean
}

/** The middle of it all: decides where a message goes. */
export interface Messenger {
  /** To a service (any instance, or the one it names), to a client (`forward`, or `ID@client:/`), or back by `via`. */
  send(message: UmfMessage, sender: Sender): Promise<Sent>
  /** To an address with a method: an HTTP request to the service. Rejects with a MessageProblem. */
  call(message: UmfMessage, sender: Sender): Promise<Called>
}

/** What services have of it beside. */
export interface ServiceMessenger extends Messenger {
  /**
   * To clients, by their ids; whatever the message says of `to`, each gets it as if it had been sent to it alone. `onBegun` is
   * called when what is sent from then on comes behind it, at each of them.
   */
  push(
    message: UmfMessage,
    clients: ReadonlySet<string>,
    sender: Sender,
    onBegun: () => void,
  ): Promise<Pushed>
}

/** A message that could not be brought where it was to go. */
export class MessageProblem extends Error {
  override readonly name = 'MessageProblem'
  readonly fault: MessageFault

  constructor(fault: MessageFault, reason: string) {
    super(reason)
    this.fault = fault
  }
}

/** One way to bring messages to instances. */
export interface InstanceCarrier {
  /** Whether it goes to this instance. */
  carries(instance: Instance): boolean
  /**
   * Hands a message over. Resolves when it has left for the instance, or its application has it, as far as the way can
   * tell. Rejects with a MessageProblem. `sender` is what services with an SDK are told of who sends, and who is signed in
   * there; without it they take it for somebody who said so himself.
   */
  deliver(instance: Instance, message: UmfMessage, sender?: Sender): Promise<void>
}

/** What an instance is told of who sends: unlike what stands in a message, it is so. */
export interface SenderFacts extends MessageSender {
  /** Of who is signed in, made for the service. */
  readonly token?: string
}

/** An instance as services are told of it. */
export interface FoundInstance {
  readonly instanceId: string
  readonly service: string
  readonly version: string | number
  readonly channel: Instance['channel']
  /** Messages can be brought to it. */
  readonly takesMessages: boolean
}

/** What services may ask by their lines. */
export interface ServiceDesk {
  readonly messenger: ServiceMessenger
  /** Those that serve under a name, in an order that stays. */
  find(service: string): readonly FoundInstance[]
  /** Types of messages a registration declares and that can't be taken as it says, each with its reason. */
  refusedOf(registration: Registration): readonly { readonly path: string; readonly reason: string }[]
}

/** Mail for clients that are away and speak the classic protocol; clients that resume have a mailbox of their own. */
export interface ClientMail {
  /** Rejects with a MessageProblem when it can't be kept. */
  put(client: string, text: string): Promise<void>
  /**
   * Gives all there is, the oldest first, one at a time; a message is gone once `take` resolved for it. Resolves with how
   * many were given. What was given and not taken before a node died is given again.
   */
  give(client: string, take: (text: string) => Promise<void>): Promise<number>
  remove(client: string): Promise<void>
  /** Whether something is kept for a client, of whose id nothing else is known. @default no */
  has?(client: string): Promise<boolean>
}

/** Other routers: nodes of this cluster, and originals that share the Redis. */
export interface Peers {
  /** A client came to this router, or left it. */
  here(client: string): void
  gone(client: string): void
  /** Id of the router a client is at, when it is another one. */
  whereIs(client: string): string | undefined
  /** Gives another router a message for one of its clients: `forward` names it. Rejects with a MessageProblem. */
  deliver(router: string, message: UmfMessage): Promise<void>
  /**
   * Gives another router a message for many of its clients at once; undefined where it takes one at a time. It rejects for all
   * of them.
   */
  manyAt?(router: string): ((clients: readonly string[], message: UmfMessage) => Promise<void>) | undefined
  /** All that is known: clients by router, this one included. */
  directory(): Readonly<Record<string, readonly string[]>>
  /** Something was put into the mail of a client that may have come to another router a moment ago. */
  mailed?(client: string): void
  /** Calls back when such a client is here: it collects its mail. */
  onMailed?(listener: (client: string) => void): void
  /** Calls back when a client that is here came to another router: it has its id there from then on. */
  onTaken?(listener: (client: string) => void): void
}

/** Whether somebody may send a message to a service; undefined when they may. */
export type Permit = (
  message: UmfMessage,
  to: UmfAddress,
  sender: Sender,
) => { readonly fault: MessageFault; readonly reason: string } | undefined

/** Requests of the gateway's own to services over HTTP, for addresses with a method. */
export interface OwnCalls {
  /**
   * Sends a request to an instance of a service (the one that is named, when it serves). The body is sent as JSON. Follows the
   * rules visitors' requests follow: routes, who may, timeouts, one more instance when nothing was sent. Rejects with a
   * MessageProblem.
   */
  call(request: {
    readonly service: string
    readonly instance?: string | undefined
    readonly method: string
    /** With query. */
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly body: unknown
    readonly caller: Caller | undefined
    /** Of the visitor; absent for services. */
    readonly address?: string | undefined
    /** In all. */
    readonly timeoutMs: number
  }): Promise<Called>
}
