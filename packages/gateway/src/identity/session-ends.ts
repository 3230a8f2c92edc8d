/**
 * When sessions are over, for what stays open beyond a request, and who is seen at requests: the same in a gateway and in
 * its workers.
 *
 * A session may have been renewed where nobody here saw it. So what is over by its time alone, as far as is known here, is
 * asked for elsewhere before anything ends: in the background, never for a request. What was revoked ends at once.
 *
 * @module
 */

import { setNewest } from '../newest.ts'
import type { Clock } from '../observe/clock.ts'
import type { Caller, Revocations, RouteGuard } from './port.ts'
import type { SessionBook } from './session-book.ts'
import type { SessionLives } from './session-lives.ts'

/** As much of a caller as says how long their session lasts. */
export type Lasting = Pick<Caller, 'sid' | 'startedAt' | 'sessionEndsAt' | 'revocableAs'>

export interface SessionEndsDeps {
  readonly revocations: Pick<Revocations, 'isRevoked' | 'onRevoked'>
  readonly book: Pick<SessionBook, 'endsAt'>
  /** What others know; undefined where there are none. */
  readonly lives: SessionLives | undefined
  readonly settings: {
    /** The longest a session lasts, however often it is renewed. */
    readonly absoluteMs: number
  }
  readonly clock: Pick<Clock, 'now' | 'every'>
}

export interface SessionEnds {
  /**
   * Whether somebody's session has ended, by a revocation or by its time. Where others may have renewed it, it has not
   * until they were asked: which this starts. While nobody can say it goes on, as long as a session can last.
   */
  isOver(caller: Lasting): boolean
  /** The same, once others have answered. Never rejects. */
  hasEnded(caller: Lasting): Promise<boolean>
  /** Until when a session lasts, as far as is known here; undefined when nothing is. */
  endsAt(sid: string): number | undefined
  /** The same with what others know; 0 when nobody knows anything. Rejects while nobody can say. */
  lastsUntil(sid: string): Promise<number>
  /** Calls back when sessions may have ended: what belongs to a caller that `isOver` has to be closed. */
  onEnds(listener: () => void): void
  stop(): void
}

/** How often what is open is looked through for sessions whose time is over. */
const OVER_EVERY_MS = 5000
/** Questions to others at a time; and sessions that are to be asked for, and answers that are remembered, at most. */
const AT_ONCE = 64
const MOST = 50_000
/** Whoever could not be reached, and can be now, may not have heard yet what happened meanwhile. */
const SETTLE_MS = 3000

export function createSessionEnds({
  revocations,
  book,
  lives,
  settings,
  clock,
}: SessionEndsDeps): SessionEnds {
  const listeners: (() => void)[] = []
  /** What others said, and when they were asked. */
  const answers = new Map<string, { readonly endsAt: number; readonly at: number }>()
  const asking = new Map<string, Promise<number>>()
  let due = new Set<string>()
  let isAsking = false
  let isAway = false
  /** What was said before does not say that a session is over. */
  let settledAt = 0
  let isStopped = false

  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  const verdictOf = (caller: Lasting): 'lasts' | 'over' | 'unknown' => {
    if (revocations.isRevoked(caller)) return 'over'
    const { sid, startedAt, sessionEndsAt } = caller
    const now = clock.now()
    const own = Math.max(sessionEndsAt, book.endsAt(sid) ?? 0)
    if (now < own) return 'lasts'
    if (!lives || now >= startedAt + settings.absoluteMs) return 'over'
    const answer = answers.get(sid)
    if (!answer) return 'unknown'
    if (now < answer.endsAt) return 'lasts'
    // What was said before its time was over may not hold any more.
    return answer.at >= Math.max(own, answer.endsAt, settledAt) ? 'over' : 'unknown'
  }
  /** Whoever wants to know of one session asks once. */
  function ask(sid: string): Promise<number> {
    const before = asking.get(sid)
    if (before) return before
    const at = clock.now()
    const question = lives!
      .endsAt(sid)
      .then((said) => {
        if (isAway) settledAt = clock.now() + SETTLE_MS
        isAway = false
        const endsAt = Math.max(said, answers.get(sid)?.endsAt ?? 0)
        setNewest(answers, sid, { endsAt, at }, MOST)
        return endsAt
      })
      .catch((error: unknown) => {
        isAway = true
        throw error
      })
      .finally(() => asking.delete(sid))
    asking.set(sid, question)
    return question
  }
  /** Whether somebody answered. Those nobody can say anything of are asked for again at the next look. */
  async function askForDue(): Promise<boolean> {
    const sids = [...due]
    due = new Set()
    let hasAnswers = false
    for (let i = 0; i < sids.length; i += AT_ONCE) {
      const said = await Promise.allSettled(sids.slice(i, i + AT_ONCE).map(ask))
      if (!said.some(({ status }) => status === 'fulfilled')) break
      hasAnswers = true
    }
    return hasAnswers
  }
  const stopLooking = clock.every(OVER_EVERY_MS, () => {
    tell()
    if (isAsking || due.size === 0) return
    isAsking = true
    void askForDue().then((hasAnswers) => {
      isAsking = false
      if (hasAnswers && !isStopped) tell()
    })
  })
  revocations.onRevoked(tell)

  return {
    isOver(caller) {
      const verdict = verdictOf(caller)
      if (verdict === 'unknown' && due.size < MOST) due.add(caller.sid)
      return verdict === 'over'
    },
    async hasEnded(caller) {
      if (verdictOf(caller) === 'unknown') await ask(caller.sid).catch(() => {})
      return verdictOf(caller) === 'over'
    },
    endsAt(sid) {
      const [own, said] = [book.endsAt(sid), answers.get(sid)?.endsAt]
      return own === undefined || said === undefined ? (own ?? said) : Math.max(own, said)
    },
    async lastsUntil(sid) {
      const said = lives ? await ask(sid) : 0
      return Math.max(said, book.endsAt(sid) ?? 0)
    },
    onEnds: (listener) => void listeners.push(listener),
    stop() {
      isStopped = true
      stopLooking()
    },
  }
}

/**
 * The guard's check that notes whom it met. Of sessions that began elsewhere, or before a restart, a token is new here:
 * that is when the guard has to wait.
 */
export function noticing(
  { check }: Pick<RouteGuard, 'check'>,
  book: Pick<SessionBook, 'seen'>,
): RouteGuard['check'] {
  return (exchange, route) => {
    const refusal = check(exchange, route)
    if (!(refusal instanceof Promise)) return refusal
    return refusal.then((said) => {
      if (exchange.caller) book.seen(exchange.caller, exchange.client)
      return said
    })
  }
}
