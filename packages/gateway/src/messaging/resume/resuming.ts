/**
 * Clients that resume: each has a mailbox in the store, so that any node can go on where another ended, and knows for
 * certain whether something is missing.
 *
 * Whatever is for such a client is appended to its mailbox, at whatever node it arrives. The mailbox knows which node has
 * its socket: the store tells that node (`lookout.ts`), which reads and hands over (`resumed-session.ts`).
 *
 * A session belongs to who began it. Of somebody who is signed in it goes on for the same sign-in only, and ends with it:
 * whoever notices removes the mailbox, be it the node that had the client, the one it comes back to, or the one that
 * appends.
 *
 * @module
 */
import {
  formatAt,
  formatUmf,
  parseAt,
  SESSION_TYPES,
  type SessionAsk,
  type SessionOpened,
  type SessionRefusal,
  type UmfMessage,
} from '@hydra-gateway/protocol/umf'
import type { Caller } from '../../identity/port.ts'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import { createSeldom } from '../../observe/seldom.ts'
import type { Bus } from '../../store/bus/port.ts'
import type { Appended, MailboxStore, MailPlace } from '../../store/mailboxes/port.ts'
import type { Reach } from '../../store/reach.ts'
import { StoreAway } from '../../store/redis/port.ts'
import type { ClientIds } from '../client-ids.ts'
import { CLOSE_CODES, type ClientFacts, type ClientLine } from '../client-session.ts'
import { createLeftBehind, type Owner, readOwner, writeOwner } from '../owner.ts'
import { MessageProblem } from '../port.ts'
import { clientAddress, type RouterWords } from '../router-words.ts'
import type { SessionRate } from '../session-rate.ts'
import { createLookout } from './lookout.ts'
import type { ResumeEvent, ResumeIdentity, ResumeSettings, ResumingClients, TokenSealer } from './port.ts'
import { createResumedSession, type ResumedSession, type Settled } from './resumed-session.ts'
import { createResumeTokens } from './token.ts'

export interface ResumingDeps {
  /** Of this process: what it was told before a restart is none of its own. */
  readonly node: string
  readonly mailboxes: MailboxStore
  readonly bus: Pick<Bus, 'listen'>
  readonly reach: Reach
  readonly ids: Pick<ClientIds, 'mint'>
  readonly words: RouterWords
  readonly sealer: TokenSealer
  readonly identity: ResumeIdentity
  /** Read where they are used. */
  readonly settings: ResumeSettings
  readonly clock: Clock
  /** Takes a place for a session that begins, or says after how many ms there is one. @default as many as want to */
  readonly mayBegin?: SessionRate | undefined
  readonly newId: () => string
  readonly log: Pick<Log, 'warn' | 'info'>
  readonly count?: (event: ResumeEvent, by?: number) => void
}

/** Most bytes that wait in the system for one client; more stays in its mailbox. */
const MOST_WINDOW = 262_144

export function createResuming(deps: ResumingDeps): ResumingClients {
  const { node, mailboxes, bus, reach, ids, words, identity, settings, clock, newId, log } = deps
  const count = deps.count ?? (() => {})
  const tokens = createResumeTokens(deps.sealer)
  /** By mailbox. */
  const here = new Map<string, ResumedSession>()
  const boxOf = (id: string): string => `client ${id}`
  const limits = () => ({
    most: settings.keepMessages,
    mostBytes: settings.keepBytes,
    keepMs: settings.keepMs,
  })

  const isDue = createSeldom({ clock })
  const onFailed = (error: unknown): void => {
    if (isDue()) log.warn({ err: error }, 'a client that resumes could not be served as it should')
  }
  /** Of what is nobody's problem when the store is away: it goes by its age. */
  const quietly = (work: Promise<unknown>): void => {
    work.catch((error: Error) => {
      if (!(error instanceof StoreAway)) onFailed(error)
    })
  }
  const isOver = (owner: Owner): boolean => identity.isOver(owner)
  const hasEnded = (owner: Owner): Promise<boolean> => identity.hasEnded(owner)
  const away = createLeftBehind({ isOver, settings, clock })
  const removeBox = (box: string): void => {
    away.delete(box)
    quietly(mailboxes.remove(box))
  }

  const lookout = createLookout({
    ...{ node, mailboxes, bus, reach, clock, watched: here },
    everyMs: settings.lookEveryMs ?? 1000,
    onSweep: () => count('sweep'),
  })
  identity.onEnds(() => {
    for (const session of [...here.values()]) if (session.owner && isOver(session.owner)) endOver(session)
    for (const box of away.ended()) quietly(endAway(box))
  })
  function endOver(session: ResumedSession): void {
    count('ended')
    session.end(CLOSE_CODES.sessionEnded, 'the session has ended')
  }
  /** Its time is over as far as is known here; its client may have come back to another node, renewed. */
  async function endAway(box: string): Promise<void> {
    const owner = away.ownerOf(box)!
    if (!identity.isRevoked(owner)) {
      const { about, reader } = await mailboxes.read(box, undefined, 1)
      const known = readOwner(about) ?? owner
      if (!(await isForgotten(known, reader !== ''))) {
        if (reader === '') away.add(box, known)
        else away.delete(box)
        return
      }
    }
    count('ended')
    removeBox(box)
  }

  const onEnd = (reader: string) => (session: ResumedSession, isForEver: boolean) => {
    const { box, owner } = session
    if (here.get(box) === session) here.delete(box)
    if (isForEver) return removeBox(box)
    quietly(mailboxes.leave(box, reader))
    if (owner && !here.has(box)) away.add(box, owner)
  }

  async function append(id: string, text: string): Promise<Appended> {
    try {
      return await mailboxes.append(boxOf(id), text, limits(), { isForKnown: true, by: node })
    } catch (error) {
      // It may be there all the same.
      void here.get(boxOf(id))?.look()
      if (error instanceof RangeError) throw new MessageProblem('too-large', error.message)
      if (error instanceof StoreAway)
        throw new MessageProblem(
          'store-away',
          'the store with messages for this client can not be reached now',
        )
      throw error
    }
  }
  async function deliver(
    id: string,
    message: UmfMessage,
    text = formatUmf(message),
  ): Promise<'now' | 'later'> {
    const box = boxOf(id)
    let appended = await append(id, text)
    if (appended.epoch === '') {
      // It was removed for want of room, or the store has lost it: whoever is here gets a new one, and is told.
      const session = here.get(box)
      await session?.look()
      if (session) appended = await append(id, text)
    }
    if (appended.epoch === '') throw new MessageProblem('unknown-client', `client ${id} is not known`)
    const { about, reader, dropped, ...place } = appended
    count('appended')
    if (dropped > 0) count('dropped', dropped)
    const session = here.get(box)
    if (session) session.appended(place, text)
    else if (about !== '' && (await isForgotten(readOwner(about)!, reader !== ''))) {
      count('ended')
      removeBox(box)
      throw new MessageProblem('unknown-client', 'the session of this client has ended')
    }
    return reader === '' ? 'later' : 'now'
  }
  /** Where the client is connected, that node knows better when its time is over: it may have been renewed there. */
  const isForgotten = async (owner: Owner, isRead: boolean): Promise<boolean> =>
    isRead ? identity.isRevoked(owner) : hasEnded(owner)

  const ownerOf = (caller: Caller | undefined): Owner | undefined => {
    if (!caller) return undefined
    const { sid, startedAt, revocableAs } = caller
    return { sid, startedAt, revocableAs, sessionEndsAt: endOf(caller) }
  }
  const endOf = ({ sid, sessionEndsAt }: Owner): number => Math.max(sessionEndsAt, identity.endsAt(sid) ?? 0)

  return {
    async begin(line, frame, facts) {
      const ask = frame.body as SessionAsk
      const refuse = (error: SessionRefusal, code: number, reason: string, more?: object): undefined => {
        count(error === 'busy' ? 'busy' : 'refused')
        const body = { error, ...more }
        line.send(formatUmf(words.answer(frame, { type: SESSION_TYPES.session, body })))
        line.close(code, reason)
      }
      try {
        const caller =
          facts.caller ?? (typeof ask.login === 'string' ? await identity.verify(ask.login) : undefined)
        const token = await tokens.read(ask.token)
        const known = token && (await mailboxes.read(boxOf(token.id), undefined, 1))
        // What stands with the mailbox is newer; where that is gone, the token knows.
        const owner = (known && readOwner(known.about)) || token?.owner
        if (owner && (await hasEnded(caller?.sid === owner.sid ? caller : owner))) {
          removeBox(boxOf(token!.id))
          return refuse('ended', CLOSE_CODES.sessionEnded, 'the session has ended')
        }
        if (owner && !caller) return refuse('login', CLOSE_CODES.sessionEnded, 'sign in to go on')
        const isHis = token !== undefined && (!owner || owner.sid === caller?.sid)
        // Who comes back makes no mailbox: it is nobody's to be refused for what others begin.
        const retryMs = isHis ? undefined : deps.mayBegin?.(line.address)
        if (retryMs !== undefined)
          return refuse('busy', CLOSE_CODES.throttled, 'too many sessions began from this network', {
            retryMs,
          })
        return await open(line, frame, facts, caller, isHis ? token.id : undefined, ask)
      } catch (error) {
        if (!(error instanceof StoreAway)) onFailed(error)
        return refuse(
          'store-away',
          CLOSE_CODES.tryLater,
          'messages can not be kept now: come back a moment later',
        )
      }
    },
    deliver,
    usage() {
      let unconfirmed = 0
      let mostUnconfirmed = 0
      for (const session of here.values()) {
        unconfirmed += session.unconfirmed
        mostUnconfirmed = Math.max(mostUnconfirmed, session.unconfirmed)
      }
      const all = mailboxes.usage?.()
      return { here: here.size, unconfirmed, mostUnconfirmed, ...(all && { mailboxes: all }) }
    },
    async close() {
      lookout.close()
      for (const session of [...here.values()]) session.end(CLOSE_CODES.restart, 'the gateway stops')
    },
  }

  async function open(
    line: ClientLine,
    frame: UmfMessage,
    facts: ClientFacts,
    caller: Caller | undefined,
    before: string | undefined,
    ask: SessionAsk,
  ): Promise<ResumedSession | undefined> {
    const id = before ?? ids.mint('resuming', caller?.sid)
    const box = boxOf(id)
    const reader = `${node} ${selfOf(ask)}${newId()}`
    const owner = ownerOf(caller)
    const { keepMs, keepUnusedMs, keepMessages, keepBytes, maxBehindBytes } = settings
    const unusedMs = before === undefined ? Math.min(keepMs, keepUnusedMs) : keepMs
    const wanted = before === undefined ? undefined : placeOf(ask)
    const session = createResumedSession({
      ...{
        id,
        box,
        reader,
        line,
        mailboxes,
        keepMs,
        unusedMs,
        clock,
        caller,
        owner,
        isOver,
        onFailed,
        count,
      },
      authAnswer: facts.authAnswer,
      onEnd: onEnd(reader),
      windowBytes: Math.min(MOST_WINDOW, maxBehindBytes / 2),
      stallMs: settings.stallMs ?? 30_000,
      word: (type, body, rmid) =>
        words.message({
          ...{ to: clientAddress(id), from: words.address, type, body },
          ...(rmid === undefined ? {} : { rmid }),
        }),
      deliver: (message, text) => deliver(id, message, text),
      renew: (login) => renew(session, login),
    })
    here.get(box)?.displaced(reader)
    away.delete(box)
    here.set(box, session)
    try {
      const opened = await mailboxes.open(box, unusedMs, { about: writeOwner(owner), reader })
      const newest: MailPlace = { epoch: opened.epoch, offset: opened.offset, mark: opened.mark }
      const answer = async ({ place, isWhole, lost }: Settled): Promise<void> => {
        // A client that has never heard a place can't know what it missed.
        const recovered = isWhole && (before === undefined ? ask.token === undefined : wanted !== undefined)
        const body: SessionOpened = {
          ...{ id, token: await tokens.write({ id, owner: session.owner }) },
          ...{ epoch: place.epoch, at: formatAt(place), recovered },
          ...(lost === undefined ? {} : { lost }),
          ...(before === undefined ? { isNew: true } : {}),
          limits: { messages: keepMessages, bytes: keepBytes, keepMs },
          ...(caller ? { endsAt: endOf(caller) } : {}),
        }
        if (ask.token === undefined) count('begun')
        else count(recovered ? 'recovered' : 'not-recovered')
        line.send(formatUmf(words.answer(frame, { type: SESSION_TYPES.session, body })))
        // What the client names it has.
        if (before !== undefined && isWhole && wanted) quietly(mailboxes.acknowledge(box, wanted))
      }
      await session.start(wanted ?? newest, answer)
    } catch (error) {
      session.gone()
      throw error
    }
    if (line.isOpen) return session
    // Nobody will say that it has gone.
    session.gone()
    return undefined
  }

  async function renew(
    { caller }: ResumedSession,
    login: string | undefined,
  ): Promise<{ caller: Caller; endsAt: number } | undefined> {
    const fresh = login === undefined ? caller : await identity.verify(login)
    // Nobody else may go on with what belongs to somebody.
    if (!fresh || (caller && fresh.sid !== caller.sid) || (await hasEnded(fresh))) return undefined
    return { caller: fresh, endsAt: endOf(fresh) }
  }
}

/** Of a client that says that all its lines are its own; part of who reads a mailbox. */
function selfOf({ self }: SessionAsk): string {
  return typeof self === 'string' && SELF.test(self) ? `${self}.` : ''
}

const SELF = /^[0-9a-z]{16,64}$/

function placeOf({ epoch, at }: SessionAsk): MailPlace | undefined {
  const place = parseAt(at)
  return place && typeof epoch === 'string' ? { epoch, ...place } : undefined
}
