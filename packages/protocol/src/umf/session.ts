/**
 * The words of sockets that resume: messages between a client and its router, beside those of the original. A router that
 * knows them says `resume: 1` in its connection message; a client that wants them asks with its first frame.
 *
 * ```
 * client → session {token?, epoch?, at?, login?}        router → session {id, token, epoch, at, recovered, …}
 *        → ack {at} · renew {login?} · end {}                   → renewed {endsAt} · lost {epoch, at, lost?} · drain {withinMs}
 * ```
 *
 * @module
 */

/** `typ` of these messages. */
export const SESSION_TYPES = {
  session: 'session',
  ack: 'ack',
  renew: 'renew',
  renewed: 'renewed',
  /** From then on: what came between is not there any more. */
  lost: 'lost',
  /** The node stops: come back at a random moment within this time. */
  drain: 'drain',
  /** The client does not come back. */
  end: 'end',
} as const

/** What a client asks with. Without a token it begins. */
export interface SessionAsk {
  /** Made once by each client, for all its lines: one that was taken over by another of its own comes back. */
  readonly self?: string
  readonly token?: string
  readonly epoch?: string
  readonly at?: string
  /** A JWT of the gateway, of clients that have no cookies. */
  readonly login?: string
}

export interface SessionOpened {
  readonly id: string
  /** Secret: whoever has it, and is who began, goes on where this ended, at any node. */
  readonly token: string
  readonly epoch: string
  /** The place messages follow from now on. */
  readonly at: string
  /** Everything after the place the client named follows. Also true of one that begins. */
  readonly recovered: boolean
  /** How many are gone, where that is known. */
  readonly lost?: number
  /** It begins, whatever was asked for: messages of another session don't come here. */
  readonly isNew?: true
  readonly limits: { readonly messages: number; readonly bytes: number; readonly keepMs: number }
  /** Epoch ms; when the sign-in ends unless it is renewed. Absent: nobody signed in. */
  readonly endsAt?: number
}

/**
 * Why there is no session, and the socket is closed. `login`: sign in again, what waits is kept. `ended`: who began has
 * signed out, and nothing is left. `store-away`: come back a moment later. `busy`: too many began from there; `retryMs`
 * stands beside it.
 */
export type SessionRefusal = 'login' | 'ended' | 'store-away' | 'busy'

/** Messages between what was handed over last and `at` are gone for ever. */
export interface SessionLost {
  readonly epoch: string
  readonly at: string
  /** How many, where that is known. */
  readonly lost?: number
}

/** A place among the messages of a client: opaque to it, but that it grows within an epoch. */
export interface SessionPlace {
  readonly offset: number
  readonly mark: string
}

const AT = /^(\d{1,15})\.([\w-]{0,64})$/

export const formatAt = ({ offset, mark }: SessionPlace): string => `${offset}.${mark}`

/** Undefined for what is none. */
export function parseAt(text: unknown): SessionPlace | undefined {
  const [, offset, mark] = typeof text === 'string' ? (AT.exec(text) ?? []) : []
  return mark === undefined ? undefined : { offset: Number(offset), mark }
}
