/**
 * Sessions of clients, as everything that carries messages sees them: a socket that speaks the classic protocol has one as
 * long as it is open (`classic-session.ts`), a client that resumes has one for longer than its socket (`resume/`).
 *
 * ```
 * socket ── ClientLine ──→ ClientSession ──→ LocalClients: who is at this node, by id
 *              frames ──→ first of type `session`: Resuming.begin makes another session for the same line
 * ```
 *
 * @module
 */
import type { UmfMessage } from '@hydra-gateway/protocol/umf'
import type { Caller } from '../identity/port.ts'
import type { ClientMail } from './port.ts'

/** Codes sockets are closed with. */
export const CLOSE_CODES = {
  normal: 1000,
  unsupported: 1003,
  invalidText: 1007,
  policy: 1008,
  tooLarge: 1009,
  internal: 1011,
  restart: 1012,
  tryLater: 1013,
  sessionEnded: 4401,
  tooSlow: 4408,
  replaced: 4409,
  throttled: 4429,
} as const

/** An open socket of a client, as its session sees it. */
export interface ClientLine {
  /** Of the visitor. */
  readonly address: string
  readonly isOpen: boolean
  /** Bytes that wait for the client to read. */
  readonly behindBytes: number
  /**
   * Sends a text frame; false when the line is closed. Who has let more than `messages.maxBehind` gather is cut (4408).
   * `onSettled` is called once the system has it, or the line broke before; not when this returns false.
   */
  send(text: string, onSettled?: (isSent: boolean) => void): boolean
  /** Says goodbye. Nothing is read from then on. */
  close(code: number, reason: string): void
}

/** What is known of a client when its socket opens. */
export interface ClientFacts {
  /** Who is signed in. */
  readonly caller: Caller | undefined
  readonly address: string
  /** Answer of the service that was asked about it (`requireWebsocketAuth`). */
  readonly authAnswer?: unknown
}

/** One client, as long as messages for it come here. */
export interface ClientSession {
  readonly id: string
  readonly kind: 'classic' | 'resuming'
  /** Who is signed in, as of now: a session that renews may know them longer. */
  readonly caller: Caller | undefined
  readonly address: string
  /** What was said of it when it came (`requireWebsocketAuth`): part of every body it sends. */
  readonly authAnswer?: unknown
  /** The socket it has now. */
  readonly line: ClientLine
  /**
   * Hands over a message that is for the client, in order. `now`: its line has it. `later`: it is kept. Rejects with a
   * MessageProblem when it is neither. `text`: the same, where it is written already.
   */
  deliver(message: UmfMessage, text?: string): Promise<'now' | 'later'>
  /** Of the classic protocol: gives it what is kept under its id, the oldest first; what comes meanwhile waits behind. */
  collect?(mail: Pick<ClientMail, 'give'>): Promise<number>
  /**
   * An answer about the line itself (pong, an error): it is of no use to anybody once the line is gone. `text`: the same,
   * where it is written already.
   */
  tell(message: UmfMessage, text?: string): void
  /** A message of the client to its router; true when it was one of this protocol (`ack`, `renew`, …) and is done with. */
  takes?(message: UmfMessage): boolean | Promise<boolean>
  /** It said something to others, who may know it by its id from then on. */
  spoke?(): void
  /** Its session at the gateway has ended, somebody took it over, or the node stops: says so, and closes the line. */
  end(code: number, reason: string): void
  /** The node will stop: the client may go elsewhere at a moment of its choice within this time. */
  drain?(withinMs: number): void
  /** The line has closed, for whatever reason. Called once, by whoever reads it. */
  gone(): void
}

/** Clients whose socket is at this node. */
export interface LocalClients {
  get(id: string): ClientSession | undefined
  /** Makes a session known here, and to other routers. One of the same id before it is ended with 4409. */
  add(session: ClientSession): void
  /** It is not here any more; nothing happens when another session took its id meanwhile. */
  remove(session: ClientSession): void
  /** How many. */
  readonly size: number
  all(): Iterable<ClientSession>
}

/** Clients that resume, as sockets and the messenger see them (`resume/`). */
export interface Resuming {
  /**
   * A client asked for a session with its first frame, of type `session`. Resolves with the session, which answered it and
   * is to be added to the clients of this node by the caller; with undefined when it was refused, and the line closed.
   * Frames that follow are held back meanwhile.
   */
  begin(line: ClientLine, frame: UmfMessage, facts: ClientFacts): Promise<ClientSession | undefined>
  /** A message for a client that resumes, wherever it is. Rejects with a MessageProblem. */
  deliver(id: string, message: UmfMessage, text?: string): Promise<'now' | 'later'>
}
