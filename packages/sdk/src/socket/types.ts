/**
 * What an application says to its socket and hears of it. Types only.
 *
 * @module
 */
import type { MessageFault } from '@hydra-gateway/protocol/umf'

/**
 * `connecting`: for the first time. `open`: messages go and come. `away`: the line broke, and is tried again. `ended`: it is
 * over for a reason that trying again would not change. `closed`: by `close()`.
 */
export type SocketState = 'connecting' | 'open' | 'away' | 'ended' | 'closed'

/** Why it is over. `session`: they signed out. `login`: they have to sign in. `replaced`: it was opened elsewhere. */
export type EndReason = 'session' | 'login' | 'replaced'

/**
 * Why a call came to nothing: the words of services with the SDK, such as `no-instance`, `schema`, `timeout`. `broken`: its
 * handler failed, or the line broke. `closed`: the socket is. `refused`: by a router that says no word for it.
 */
export type CallFault = MessageFault | 'closed' | 'refused'

export interface SocketMessage {
  /** `msg` when it says none. */
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever was sent
  readonly body: any
  /** Address of the sender. */
  readonly from: string
  readonly mid: string
  readonly rmid?: string
}

export interface SocketEvents {
  state: SocketState
  /**
   * The line is back. True: nothing is missing. False: something is, see `lost`. `unknown`: an original hydra-router, which
   * can't know.
   */
  recovered: boolean | 'unknown'
  /** Messages are gone for ever: how many, where that is known. */
  lost: number | undefined
  ended: EndReason
  /** A router or a handler of the application found something wrong that belongs to no call. */
  error: Error
}

export interface SendOptions {
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
}

export interface CallOptions extends SendOptions {
  /** @default 10000 */
  readonly timeoutMs?: number
}

/** What a WebSocket has to have: that of browsers, of Node 22, or of `ws`. */
export interface WebSocketLike {
  readonly readyState: number
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
  send(text: string): void
  close(code?: number, reason?: string): void
}

export interface SocketOptions {
  /** @default the global one */
  readonly WebSocket?: new (
    url: string,
  ) => WebSocketLike
  /** Token of a gateway, of clients that have no cookies: asked for whenever the line opens. */
  readonly login?: () => string | Promise<string>
  /**
   * Renews the sign-in, when the gateway asks for it; false: it can't be renewed.
   *
   * @default POST /_hydra/session in browsers, where `login` is not given
   */
  readonly renewLogin?: () => boolean | Promise<boolean>
  /** `sessionStorage`: a page that is loaded again goes on where it was. */
  readonly storage?: {
    getItem(name: string): string | null
    setItem(name: string, text: string): void
    removeItem(name: string): void
  }
  /** @default 'hydra-socket' */
  readonly storageName?: string
  /** Messages that wait while the line is away; more are refused. @default 100 */
  readonly maxQueued?: number
  /** Of the first attempt to come back, a random part of it; doubled with each. @default 500 */
  readonly firstRetryMs?: number
  /** @default 30000 */
  readonly maxRetryMs?: number
  /** Messages after which the gateway is told that they came. @default 32 */
  readonly ackEvery?: number
  /** The latest after which it is told. @default 5000 */
  readonly ackAfterMs?: number
  /** A line that is silent for so long is asked whether it is there; silent again, it is given up. @default 30000 */
  readonly heartbeatMs?: number
}

export interface HydraSocket {
  /** What others send to: `ID@client:/`. Undefined before it was open for the first time. */
  readonly id: string | undefined
  readonly state: SocketState
  /** Resolves with its id once it has left; rejects when it can't. */
  send(to: string, body: unknown, options?: SendOptions): Promise<string>
  /**
   * Sends, and resolves with the body of the answer. Rejects with a CallError after its time, with what the router or a handler
   * that failed says of it, and when the line breaks meanwhile: then nobody knows whether it was done (`CallError.isUnknown`).
   */
  // biome-ignore lint/suspicious/noExplicitAny: whatever is answered
  call(to: string, body: unknown, options?: CallOptions): Promise<any>
  /** Calls back with messages of a type; `*`: with all. Returns the function that ends it. */
  onMessage(type: string, handler: (message: SocketMessage) => void): () => void
  on<Name extends keyof SocketEvents>(name: Name, listener: (value: SocketEvents[Name]) => void): () => void
  /** Tells the gateway of a renewed sign-in; resolves with when it ends, epoch ms. `login`: of clients without cookies. */
  renew(login?: string): Promise<number>
  /** Ends it: messages that come from now on are not kept. */
  close(): void
}
