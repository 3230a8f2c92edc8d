/**
 * Clients that resume: what they need of others, and what others may know of them.
 *
 * @module
 */
import type { Caller } from '../../identity/port.ts'
import type { MailboxUsage } from '../../store/mailboxes/port.ts'
import type { Resuming } from '../client-session.ts'
import type { Owner } from '../owner.ts'
import type { MessageSettings } from '../settings.ts'

/** What is to be known of identity. */
export interface ResumeIdentity {
  /** Whether the session of an owner has ended, as far as is known without waiting. */
  isOver(owner: Owner): boolean
  /** The same, once others have said whether they renewed it. */
  hasEnded(owner: Owner): Promise<boolean>
  isRevoked(owner: Pick<Owner, 'revocableAs' | 'startedAt'>): boolean
  /** Until when a session lasts as far as this node knows. */
  endsAt(sid: string): number | undefined
  /** Who a token of the gateway says, of clients that have no cookies; undefined when it says nothing that holds. */
  verify(login: string): Caller | undefined | Promise<Caller | undefined>
  /** Calls back when sessions may have ended. */
  onEnds(listener: () => void): void
}

/** Data only a gateway with the same private key can read (`identity/sealing.ts`). */
export interface TokenSealer {
  seal(data: unknown): Promise<string>
  /** Undefined for anything that was not sealed so. Never throws. */
  open(text: string): Promise<unknown>
}

export type ResumeSettings = Pick<
  MessageSettings,
  'keepMessages' | 'keepBytes' | 'keepMs' | 'keepUnusedMs' | 'maxBehindBytes'
> & {
  /** How often it is looked whether a hint was lost. @default 1000 */
  readonly lookEveryMs?: number
  /** A client that reads nothing for so long is cut (4408). @default 30000 */
  readonly stallMs?: number
}

/** What is counted. */
export type ResumeEvent =
  | 'appended'
  /** Dropped to make room, before its client had it. */
  | 'dropped'
  | 'begun'
  | 'recovered'
  | 'not-recovered'
  /** Said to a client while it was connected. */
  | 'lost'
  | 'taken-over'
  | 'too-slow'
  | 'ended'
  | 'refused'
  /** Too many began from one network. */
  | 'busy'
  /** All of a node were looked at, as a hint was lost or the store came back. */
  | 'sweep'

export interface ResumeUsage {
  /** Sessions with a socket at this node. */
  readonly here: number
  /** Messages they have not confirmed. */
  readonly unconfirmed: number
  /** Most of one of them. */
  readonly mostUnconfirmed: number
  /** All mailboxes of the store, those of others among them; absent where nobody can know. */
  readonly mailboxes?: MailboxUsage
}

export interface ResumingClients extends Resuming {
  usage(): ResumeUsage
  close(): Promise<void>
}
