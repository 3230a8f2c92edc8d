/**
 * Mailboxes: messages for clients that are away, or that have not said yet that they got them. In order, bounded by
 * count, bytes and age; what had to be dropped is known.
 *
 * A mailbox may have a reader: the node that has the client's socket, which is told over the bus when another node
 * appended, or another reader came (`hints.ts`). A hint may be lost; `told` says whether one was.
 *
 * @module
 */

/** What one mailbox may hold. */
export interface MailboxLimits {
  readonly most: number
  readonly mostBytes: number
  /** Messages older than this are gone; and the mailbox, when for so long nothing was appended and nobody opened it. */
  readonly keepMs: number
}

/**
 * A place in a mailbox: a message, and that everything up to it is known. A client keeps the place of the last message it
 * got, and asks for what came after it.
 */
export interface MailPlace {
  /** Another one means that the mailbox began anew: places of the old one mean nothing. */
  readonly epoch: string
  /** Of the message: 1, 2, 3, … within an epoch, without a gap. 0: before the first. */
  readonly offset: number
  /**
   * Tells the message from another one at the same offset: a store that falls back to an older copy of itself gives
   * offsets again. Empty before the first.
   */
  readonly mark: string
}

/** Who reads a mailbox now: `NODE ID`, both without spaces. Empty: nobody. */
export type MailReader = string

/** What is known of a mailbox beside its messages. */
export interface MailboxFacts {
  /** What was said of it when it was opened: whose it is, in words of whoever opened it. Empty when nothing was. */
  readonly about: string
  readonly reader: MailReader
}

export interface Mail extends Omit<MailPlace, 'epoch'> {
  readonly text: string
}

/** What a mailbox says from a place on. */
export interface MailboxReading extends MailboxFacts {
  /** Empty: there is no mailbox. */
  readonly epoch: string
  /** Offset of the newest message that was ever appended; 0 before the first. */
  readonly newest: number
  /** The place the mail begins behind: the one that was asked for where it is known, otherwise that before all there is. */
  readonly from: Omit<MailPlace, 'epoch'>
  /** In order, the oldest first. */
  readonly mail: readonly Mail[]
  /** False when messages after the place that was asked for are not there any more, or the place is none of this mailbox. */
  readonly isComplete: boolean
}

/** The place of a message that was appended. An empty epoch: there is no such mailbox, and none was made. */
export interface Appended extends MailPlace, MailboxFacts {
  /** How many were dropped to make room, because of their number or size. */
  readonly dropped: number
}

export interface OpenedMailbox extends MailPlace, MailboxFacts {}

export interface OpenOptions {
  /** Takes the place of what was said before; absent: that stays. At most 16 KiB. */
  readonly about?: string
  /** Reads it from now on; who did before is told, when it is at another node. Absent: who reads it goes on. */
  readonly reader?: MailReader
}

export interface AppendOptions {
  /**
   * Made anew for each message; whoever tries one again, because it isn't known whether it was appended, gives the same:
   * while it is among the newest 16 it is not appended twice.
   */
  readonly mark?: string
  /** Appends only where somebody has opened the mailbox, or appended to it before. */
  readonly isForKnown?: boolean
  /** Node that appends: when the reader is at it, no hint is needed. */
  readonly by?: string
}

/** All mailboxes of a store together. */
export interface MailboxUsage {
  readonly boxes: number
  readonly messages: number
  readonly bytes: number
}

export interface MailboxStore {
  /**
   * Makes a mailbox when there is none, and keeps it for `keepMs` from now. Resolves with the place of its newest message
   * (what a client that begins now asks from later), and with who read it before.
   */
  open(box: string, keepMs: number, options?: OpenOptions): Promise<OpenedMailbox>
  /**
   * Appends; the oldest go where it would be too much. A message larger than `mostBytes` alone rejects with a RangeError.
   */
  append(box: string, text: string, limits: MailboxLimits, options?: AppendOptions): Promise<Appended>
  /** What came after a place; all there is when `after` is absent. At most `most` messages. */
  read(box: string, after: MailPlace | undefined, most: number): Promise<MailboxReading>
  /** Drops what was read, up to and with a place. When it is none of this mailbox nothing happens. */
  acknowledge(box: string, upTo: MailPlace): Promise<void>
  /** Nobody reads it any more; nothing happens when another does. */
  leave(box: string, reader: MailReader): Promise<void>
  /** Ends a mailbox and all that is in it. Its reader is told. */
  remove(box: string): Promise<void>
  /**
   * How many hints a node was given, by group: whoever heard of fewer, or of others, has lost some and looks at all it reads.
   * A store that lost what it knew says others than before. Empty where no hint can be lost.
   */
  told(node: string): Promise<readonly number[]>
  /** Absent where nobody can know, as they lie in many places. */
  usage?(): MailboxUsage
  close(): Promise<void>
}
