/**
 * One client that resumes, as long as its socket is at this node: hands over what stands in its mailbox, in order, each
 * once, and says when something is missing.
 *
 * A message that was appended here, and is the next one, goes out without being read again. For everything else the mailbox
 * is read from the last place on: then the order is that of the mailbox, whoever appended.
 *
 * @module
 */
import {
  formatAt,
  formatUmf,
  parseAt,
  SESSION_TYPES,
  type SessionLost,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'
import type { Caller } from '../../identity/port.ts'
import type { Clock } from '../../observe/clock.ts'
import type { MailboxReading, MailboxStore, MailPlace } from '../../store/mailboxes/port.ts'
import { StoreAway } from '../../store/redis/port.ts'
import { CLOSE_CODES, type ClientLine, type ClientSession } from '../client-session.ts'
import { type Owner, writeOwner } from '../owner.ts'
import type { ResumeEvent } from './port.ts'

/** What a session is told of itself when it settled on a place. */
export interface Settled {
  readonly place: MailPlace
  /** Everything after the place it asked from follows. */
  readonly isWhole: boolean
  readonly lost: number | undefined
}

export interface ResumedSession extends ClientSession {
  readonly kind: 'resuming'
  readonly box: string
  readonly owner: Owner | undefined
  /** Offset of the message that went out last. */
  readonly offset: number
  readonly unconfirmed: number
  /** Begins to hand over what follows a place. Resolves when the client was told where it stands. */
  start(place: MailPlace, settled: (facts: Settled) => Promise<void>): Promise<void>
  /** A message of its mailbox was appended here. */
  appended(place: MailPlace, text: string): void
  /** Another connection has the session now. */
  displaced(by: string): void
  /** Reads what there may be. Resolves when nothing more was there; never rejects. */
  look(): Promise<void>
  /** Some time passed: cuts who doesn't read, keeps the mailbox of who does. */
  tick(): void
}

export interface ResumedSessionDeps {
  readonly id: string
  readonly box: string
  readonly reader: string
  readonly line: ClientLine
  readonly authAnswer: unknown
  readonly mailboxes: MailboxStore
  readonly keepMs: number
  /** How long until it said something to others, or got a message: so long nobody knows of it. As `keepMs`, of one that came back. */
  readonly unusedMs: number
  readonly windowBytes: number
  readonly stallMs: number
  readonly clock: Pick<Clock, 'monotonic'>
  /** A message of the router to the client. */
  readonly word: (type: string, body: unknown, rmid?: string) => UmfMessage
  /** Appends to its mailbox. */
  readonly deliver: (message: UmfMessage, text?: string) => Promise<'now' | 'later'>
  /** Says until when the sign-in lasts now, and whose it is; undefined: it can't be renewed with this. */
  readonly renew: (
    login: string | undefined,
  ) => Promise<{ readonly caller: Caller; readonly endsAt: number } | undefined>
  readonly caller: Caller | undefined
  readonly owner: Owner | undefined
  readonly isOver: (owner: Owner) => boolean
  readonly onEnd: (session: ResumedSession, isForEver: boolean) => void
  /** Something went wrong that is no absence of the store. */
  readonly onFailed: (error: unknown) => void
  readonly count: (event: ResumeEvent, by?: number) => void
}

/** Messages that are read at a time. */
const READ = 64

export function createResumedSession(deps: ResumedSessionDeps): ResumedSession {
  const { id, box, reader, line, mailboxes, keepMs, unusedMs, windowBytes, stallMs, clock, word, count } =
    deps
  let { caller, owner } = deps
  /** Of the message that went out last. */
  let place: MailPlace = { epoch: '', offset: 0, mark: '' }
  /** Up to here nothing goes out: it may have before, in a store that has lost what it knew. */
  let skipUpTo = 0
  let confirmed = 0
  let confirming = false
  let toConfirm: MailPlace | undefined
  /** Bytes the system has not taken. */
  let outstanding = 0
  let progressAt = clock.monotonic()
  let keptAt = progressAt
  /** Until it has a place nothing is read. */
  let isStarted = false
  let isOpen = true
  let isEnded = false
  let isBlocked = false
  /** What is to be said before the next message. */
  let pending: { readonly isWhole: boolean; readonly lost: number | undefined } | undefined
  let settled: ((facts: Settled) => Promise<void>) | undefined
  let reading: Promise<void> | undefined
  let again = false
  let isBehind = false
  /** Others may know of it, whatever it gets. */
  let isKnown = unusedMs === keepMs

  /** How long the mailbox is kept from now on, ms. */
  const keepNow = (): number => (isKnown || place.offset > 0 ? keepMs : unusedMs)
  const failed = (error: Error): void => {
    if (!(error instanceof StoreAway) && isOpen) deps.onFailed(error)
  }
  const roomFor = (text: string): boolean => outstanding === 0 || outstanding + text.length <= windowBytes
  const hand = (next: MailPlace, text: string): void => {
    const bytes = text.length
    if (outstanding === 0) progressAt = clock.monotonic()
    outstanding += bytes
    place = next
    const withPlace = `${text.slice(0, -1)},"at":"${formatAt(next)}"}`
    const isTaken = line.send(withPlace, () => {
      outstanding -= bytes
      progressAt = clock.monotonic()
      if (!isBlocked || outstanding > windowBytes / 2) return
      isBlocked = false
      void look()
    })
    if (!isTaken) isOpen = false
  }
  /** Says what is to be said before messages of this place. */
  const announce = async (): Promise<void> => {
    if (!pending) return
    const { isWhole, lost } = pending
    pending = undefined
    const first = settled
    settled = undefined
    if (first) return first({ place, isWhole, lost })
    count('lost')
    const body: SessionLost = {
      epoch: place.epoch,
      at: formatAt(place),
      ...(lost === undefined ? {} : { lost }),
    }
    line.send(formatUmf(word(SESSION_TYPES.lost, body)))
  }
  /** Where to go on when what follows our place is not all there. */
  const takePlace = (read: MailboxReading): void => {
    const isSame = read.epoch === place.epoch
    const lost = isSame && read.from.offset > place.offset ? read.from.offset - place.offset : undefined
    skipUpTo = isSame ? Math.min(place.offset, read.newest) : 0
    place = { epoch: read.epoch, ...read.from }
    confirmed = place.offset
    pending = { isWhole: false, lost }
  }
  const reopen = async (): Promise<void> => {
    const opened = await mailboxes.open(box, keepNow(), { about: writeOwner(owner), reader })
    skipUpTo = 0
    place = { epoch: opened.epoch, offset: opened.offset, mark: opened.mark }
    confirmed = place.offset
    pending = { isWhole: false, lost: undefined }
  }

  async function readOnce(): Promise<void> {
    const read = await mailboxes.read(box, place, READ)
    if (!isOpen) return
    if (read.epoch === '') {
      if (owner && deps.isOver(owner)) return end(CLOSE_CODES.sessionEnded, 'the session has ended')
      await reopen()
      again = true
      return announce()
    }
    if (read.reader !== reader) {
      if (read.reader !== '') return displaced(read.reader)
      await mailboxes.open(box, keepNow(), { reader })
    }
    if (!read.isComplete) takePlace(read)
    for (const { offset, mark, text } of read.mail) {
      const next = { epoch: read.epoch, offset, mark }
      if (offset <= skipUpTo) {
        place = next
        continue
      }
      await announce()
      if (!isOpen) return
      if (!roomFor(text)) {
        isBlocked = true
        return
      }
      hand(next, text)
      if (!isOpen) return
    }
    if (read.mail.length === READ) again = true
    // Not before: a place among those that are skipped would let them in when the client comes back to it.
    else await announce()
  }
  /** Reads until nothing is left. Rejects when it can't be read, and is tried again with the next tick. */
  async function readAll(): Promise<void> {
    try {
      while (again && isOpen && !isBlocked) {
        again = false
        await readOnce()
      }
      isBehind = false
    } catch (error) {
      isBehind = true
      throw error
    } finally {
      reading = undefined
    }
  }
  async function look(): Promise<void> {
    again = true
    if (!isStarted || isBlocked || !isOpen) return
    reading ??= readAll()
    await reading.catch(failed)
  }

  async function confirm(at: unknown): Promise<void> {
    const said = parseAt(at)
    if (!said || said.offset > place.offset || said.offset <= confirmed) return
    toConfirm = { epoch: place.epoch, ...said }
    if (confirming) return
    confirming = true
    try {
      while (toConfirm) {
        const now: MailPlace = toConfirm
        toConfirm = undefined
        await mailboxes.acknowledge(box, now)
        if (now.epoch === place.epoch) confirmed = Math.max(confirmed, now.offset)
      }
    } catch (error) {
      // They are confirmed by the next, or dropped by their age.
      failed(error as Error)
    } finally {
      confirming = false
    }
  }
  async function renew(message: UmfMessage): Promise<void> {
    const { login } = message.body as { readonly login?: unknown }
    const renewed = await deps.renew(typeof login === 'string' ? login : undefined)
    if (renewed) {
      caller = renewed.caller
      const { sid, startedAt, revocableAs } = renewed.caller
      owner = { sid, startedAt, revocableAs, sessionEndsAt: renewed.endsAt }
      // Whoever appends elsewhere is to know it too.
      await mailboxes.open(box, keepNow(), { about: writeOwner(owner) }).catch(() => {})
    }
    const body = renewed ? { endsAt: renewed.endsAt } : { error: 'login' }
    line.send(formatUmf(word(SESSION_TYPES.renewed, body, message.mid)))
  }
  function leave(isForEver: boolean): void {
    if (isEnded) return
    isEnded = true
    isOpen = false
    deps.onEnd(session, isForEver)
  }
  function end(code: number, reason: string): void {
    if ((code === CLOSE_CODES.replaced || code === CLOSE_CODES.tryLater) && !isEnded) count('taken-over')
    leave(code === CLOSE_CODES.sessionEnded)
    line.close(code, reason)
  }

  /**
   * A connection of the same client, when it is not the newest one, was held up by a node or a store that stood still: then
   * the newest is closed here, and comes back.
   */
  function displaced(by: string): void {
    const self = selfOf(reader)
    if (self !== undefined && self === selfOf(by))
      end(CLOSE_CODES.tryLater, 'a former connection of this client took its session over: come back')
    else end(CLOSE_CODES.replaced, 'another connection took this session over')
  }

  const session: ResumedSession = {
    id,
    kind: 'resuming',
    box,
    line,
    address: line.address,
    authAnswer: deps.authAnswer,
    get caller() {
      return caller
    },
    get owner() {
      return owner
    },
    get offset() {
      return place.offset
    },
    get unconfirmed() {
      return Math.max(0, place.offset - confirmed)
    },
    async start(from, told) {
      place = from
      confirmed = from.offset
      pending = { isWhole: true, lost: undefined }
      settled = told
      isStarted = true
      again = true
      reading = readAll()
      await reading
    },
    appended(next, text) {
      if (!isStarted) return
      const isNext = next.epoch === place.epoch && next.offset === place.offset + 1
      if (isNext && !reading && !isBlocked && !pending && isOpen && next.offset > skipUpTo && roomFor(text))
        hand(next, text)
      else if (next.epoch !== place.epoch || next.offset > place.offset) {
        if (isNext && !reading && !roomFor(text)) isBlocked = true
        void look()
      }
    },
    look,
    displaced,
    tick() {
      const now = clock.monotonic()
      if (outstanding > 0 && now - progressAt > stallMs) {
        count('too-slow')
        return end(CLOSE_CODES.tooSlow, 'too slow: nothing was read for too long')
      }
      if (isBehind) void look()
      if (now - keptAt < keepNow() / 3) return
      keptAt = now
      mailboxes.open(box, keepNow()).then(
        ({ epoch }) => void (epoch !== place.epoch && look()),
        () => {},
      )
    },
    deliver: deps.deliver,
    tell: (message, text = formatUmf(message)) => void line.send(text),
    spoke() {
      if (isKnown) return
      isKnown = true
      mailboxes.open(box, keepMs).catch(failed)
    },
    takes(message) {
      const { type, body } = message
      if (type === SESSION_TYPES.ack) {
        void confirm((body as { readonly at?: unknown }).at)
        return true
      }
      if (type === SESSION_TYPES.renew) return renew(message).then(() => true)
      if (type !== SESSION_TYPES.end) return false
      leave(true)
      line.close(CLOSE_CODES.normal, 'ended by the client')
      return true
    },
    end,
    drain: (withinMs) => void line.send(formatUmf(word(SESSION_TYPES.drain, { withinMs }))),
    gone: () => leave(false),
  }
  return session
}

/** What a client says of all its connections: `NODE SELF.ID`. */
function selfOf(reader: string): string | undefined {
  return / (\w+)\./.exec(reader)?.[1]
}
