/**
 * Sessions: how they begin, go on and end. Nothing of them is kept here but the renewals of the last seconds, so that
 * tabs that renew at once, or one after another with the cookie of before, get the same.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { LOCAL_PROVIDER } from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { LinkStore } from '../store/identity/port.ts'
import { StoreAway } from '../store/redis/port.ts'
import { identityKey } from './identities.ts'
import type {
  Identity,
  LocalUsers,
  OpenedSession,
  Providers,
  Revocations,
  Session,
  Sessions,
  SignedToken,
  Tokens,
} from './port.ts'
import { linkable, readLinked, readSealed, revocableAs, sealable } from './sealed-session.ts'
import { MOST_COOKIE_BYTES, SESSION_COOKIE, type SessionCookies } from './session-cookies.ts'
import { newSessionId } from './session-id.ts'

export interface SessionSettings {
  /** A session ends when it was not renewed that long. */
  readonly idleMs: number
  /** And at the latest that long after the sign-in. */
  readonly absoluteMs: number
}

export interface SessionsDeps {
  readonly tokens: Pick<Tokens, 'sign' | 'verify' | 'sessionOf'>
  readonly sealer: { seal(data: unknown): Promise<string>; open(text: string): Promise<unknown> }
  readonly cookies: SessionCookies
  readonly users: Pick<LocalUsers, 'current'>
  /** They sign people in through sessions, so they come after them. */
  readonly providers: () => Pick<Providers, 'current'>
  readonly links: LinkStore
  readonly revocations: Pick<Revocations, 'isRevoked' | 'revoke'>
  readonly settings: SessionSettings
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'refused'>
  /** Called with every session a browser is given: when it begins, gets a link, or is renewed. */
  readonly onOpened?: (exchange: Exchange, session: Session) => void
  /** @default crypto.randomBytes */
  readonly random?: (bytes: number) => Buffer
}

/** What a session was given, whoever asks: its cookies depend on the request. */
interface Packed {
  readonly session: Session
  readonly token: SignedToken
  readonly sealed: string
}

/** So long a renewal is answered with the one before: a page's requests and tabs need no more. */
const SAME_FOR_MS = 30_000
/** Renewals that are remembered: of more in so short a time, a second tab renews once more. */
const MOST_RENEWALS = 10_000

export function createSessions(deps: SessionsDeps): Sessions {
  const { tokens, sealer, cookies, users, providers, links, revocations, settings, clock, log, metrics } =
    deps
  const { onOpened, random = randomBytes } = deps
  /** By session, the latest last. */
  const renewals = new Map<string, { readonly at: number; readonly packed: Promise<Packed | undefined> }>()

  const isLive = (session: Session): boolean => {
    const now = clock.now()
    const { startedAt, seenAt, endsAt } = session
    if (now >= Math.min(endsAt, startedAt + settings.absoluteMs, seenAt + settings.idleMs)) return false
    return !revocations.isRevoked({ startedAt, revocableAs: revocableAs(session) })
  }
  /** Somebody as they are now; undefined when they may not go on. */
  const refreshed = async (identity: Identity): Promise<Identity | undefined> =>
    identity.provider === LOCAL_PROVIDER ? users.current(identity.subject) : providers().current(identity)

  /** The same; as they were, while nobody can say how they are: who was to lose something would have lost it at the store. */
  const refreshedOrKept = (identity: Identity): Promise<Identity | undefined> =>
    refreshed(identity).catch((error: unknown) => {
      if (error instanceof StoreAway) return identity
      throw error
    })

  /** The session in the refresh cookie. */
  const opened = async (exchange: Exchange): Promise<Session | undefined> => {
    const sealed = cookies.sealed(exchange)
    if (sealed === undefined) return undefined
    const session = sealed.length > MOST_COOKIE_BYTES ? undefined : readSealed(await sealer.open(sealed))
    if (!session) metrics.refused('cookie', 'session-forged')
    else if (!cookies.owns(exchange, session.sid)) metrics.refused('cookie', 'session-tossed')
    else if (isLive(session)) return session
    return undefined
  }
  const current = async (exchange: Exchange): Promise<Session | undefined> => {
    const session = await opened(exchange)
    if (session) return session
    const token = cookies.token(exchange)
    const caller = token === undefined ? undefined : await tokens.verify(token)
    if (typeof caller !== 'object' || revocations.isRevoked(caller)) return undefined
    return tokens.sessionOf(caller)
  }

  /** Everybody linked with somebody, as they are now. */
  const linkedWith = async (identity: Identity): Promise<Identity[]> => {
    const found: Identity[] = []
    const linked = await links.linked(identityKey(identity)).catch((error: unknown) => {
      // Somebody with less than usual is better than nobody, and has the rest at the next sign-in.
      if (error instanceof StoreAway) return []
      throw error
    })
    for (const { key, data } of linked) {
      if (key === identityKey(identity)) continue
      const known = readLinked(data)
      const other = known && identityKey(known) === key ? await refreshed(known) : undefined
      if (other) found.push(other)
    }
    return found
  }

  /** Makes a token and a sealed session. Identities beyond `least` are left out from the end until both fit a cookie. */
  const pack = async (session: Session, least = 1): Promise<Packed> => {
    for (let count = session.identities.length; count >= least; count--) {
      const part = { ...session, identities: session.identities.slice(0, count) }
      const [token, sealed] = await Promise.all([signed(part), sealer.seal(sealable(part))])
      if (token && fits(cookies.loginName, token.token) && fits(SESSION_COOKIE, sealed)) {
        const dropped = session.identities.slice(count).map(identityKey)
        if (dropped.length > 0)
          log.warn(
            { user: identityKey(part.identities[0]!), dropped },
            'linked identities have no room in a cookie',
          )
        return { session: part, token, sealed }
      }
    }
    metrics.refused('login', 'too-large')
    throw new HydraError('HYDRA_LOGIN_FAILED', 'what is known of this person does not fit into a cookie')
  }
  const signed = async (session: Session): Promise<SignedToken | undefined> => {
    try {
      return await tokens.sign(session)
    } catch (error) {
      if (error instanceof HydraError && error.code === 'HYDRA_LOGIN_FAILED') return undefined
      throw error
    }
  }
  const given = (exchange: Exchange, { session, token, sealed }: Packed): OpenedSession => {
    const at = clock.now()
    const sessionMs = Math.min(session.seenAt + settings.idleMs, session.endsAt) - at
    onOpened?.(exchange, session)
    const parts = { sid: session.sid, token: token.token, tokenMs: token.expiresAt - at, sealed, sessionMs }
    return { session, token, cookies: cookies.set(exchange, parts) }
  }
  const remember = (sid: string, packed: Promise<Packed | undefined>): void => {
    const at = clock.monotonic()
    renewals.delete(sid)
    renewals.set(sid, { at, packed })
    for (const [oldest, { at: then }] of renewals) {
      if (renewals.size <= MOST_RENEWALS && at - then < SAME_FOR_MS) break
      renewals.delete(oldest)
    }
  }

  const begin = async (exchange: Exchange, identity: Identity): Promise<OpenedSession> => {
    if (!(await refreshed(identity))) {
      metrics.refused('login', 'disabled')
      throw new HydraError('HYDRA_FORBIDDEN', 'this account may not sign in')
    }
    const others = await linkedWith(identity)
    // What is kept of somebody is what was said last.
    if (others.length > 0) await links.link([linkable(identity)])
    const at = clock.now()
    const packed = await pack({
      sid: newSessionId(at, random),
      startedAt: at,
      seenAt: at,
      endsAt: at + settings.absoluteMs,
      identities: [identity, ...others],
    })
    const before = (await current(exchange))?.sid ?? cookies.sid(exchange)
    if (before !== undefined)
      await revocations.revoke('session', before, 'another sign-in in the same browser')
    log.info(
      {
        exchange: exchange.id,
        client: exchange.client,
        user: identityKey(identity),
        linked: others.map(identityKey),
      },
      'signed in',
    )
    return given(exchange, packed)
  }

  /** A session as it goes on: with people as they are now, or not at all. */
  const renewed = async (session: Session): Promise<Packed | undefined> => {
    const people = await Promise.all(session.identities.map(refreshedOrKept))
    if (!people[0]) {
      log.info({ user: identityKey(session.identities[0]!) }, 'a session ends: its user may not go on')
      await revocations.revoke('session', session.sid, 'the user may not go on')
      return undefined
    }
    const identities = people.filter((person) => person !== undefined)
    const endsAt = Math.min(session.endsAt, session.startedAt + settings.absoluteMs)
    return pack({ ...session, identities, seenAt: clock.now(), endsAt })
  }

  return {
    begin,
    current,

    async link(exchange, session, identity) {
      const isOther = session.identities.some(
        ({ provider, subject }) => provider === identity.provider && subject !== identity.subject,
      )
      // Services get the token too, and must not make its owner one person with somebody of theirs.
      const isBrowser = cookies.sid(exchange) === session.sid
      // Another account of the same provider is another person, whoever sits there.
      if (isOther || !isBrowser || !isLive(session)) return begin(exchange, identity)
      if (!(await refreshed(identity))) {
        metrics.refused('login', 'disabled')
        throw new HydraError('HYDRA_FORBIDDEN', 'this account may not sign in')
      }
      const rest = session.identities.filter((each) => identityKey(each) !== identityKey(identity))
      const isFirst = identityKey(session.identities[0]!) === identityKey(identity)
      const proved = isFirst ? [identity, ...rest] : [rest[0]!, identity, ...rest.slice(1)]
      // Both must have room before they are made one for ever.
      const endsAt = session.startedAt + settings.absoluteMs
      const next = { ...session, seenAt: clock.now(), endsAt }
      await pack({ ...next, identities: proved }, Math.min(2, proved.length))
      await links.link(proved.map(linkable))
      const keys = new Set(proved.map(identityKey))
      const others = (await linkedWith(identity)).filter((other) => !keys.has(identityKey(other)))
      const packed = await pack({ ...next, identities: [...proved, ...others] }, Math.min(2, proved.length))
      remember(session.sid, Promise.resolve(packed))
      log.info(
        { exchange: exchange.id, client: exchange.client, linked: [...keys] },
        'identities were linked',
      )
      return given(exchange, packed)
    },

    async renew(exchange) {
      const session = await opened(exchange)
      if (!session) return undefined
      const before = renewals.get(session.sid)
      if (before !== undefined && clock.monotonic() - before.at < SAME_FOR_MS) {
        const packed = await before.packed
        // Lives may be so short that it is old already.
        if (packed === undefined || clock.now() < packed.token.renewAt)
          return packed && given(exchange, packed)
      }
      const known = renewals.get(session.sid)
      const isUnderWay = known !== undefined && known !== before
      const renewal = isUnderWay ? known.packed : renewed(session)
      if (!isUnderWay) {
        remember(session.sid, renewal)
        // One that broke says nothing about the next.
        renewal.catch(() => renewals.delete(session.sid))
      }
      const packed = await renewal
      return packed && given(exchange, packed)
    },

    async end(exchange) {
      const session = await current(exchange)
      const sid = session?.sid ?? cookies.sid(exchange)
      if (sid !== undefined) {
        await revocations.revoke('session', sid, 'signed out')
        const user = session?.identities[0]
        log.info(
          { exchange: exchange.id, client: exchange.client, ...(user ? { user: identityKey(user) } : {}) },
          'signed out',
        )
      }
      return { session, cookies: cookies.clear(exchange) }
    },
  }
}

function fits(name: string, value: string): boolean {
  return name.length + 1 + value.length <= MOST_COOKIE_BYTES
}
