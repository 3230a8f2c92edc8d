/**
 * `/_hydra/session`: renews the session of a browser, and says who is signed in.
 *
 * ```
 * POST                  renews: 200 with who it is and the cookies, or 401 and the cookies taken away
 * GET  ?ref=/page       renews on the way to a page, and leads there whether that was possible or not
 * GET  without ref      who am I; renews nothing
 * ```
 *
 * @module
 */
import { HydraError } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { isForPerson, jsonAnswer, methodAnswer, problemAnswer, redirectAnswer } from './local-answer.ts'
import type { OpenedSession, Session, Sessions } from './port.ts'
import { readReturn } from './return-to.ts'
import { isSameOrigin } from './same-origin.ts'
import type { SessionCookies } from './session-cookies.ts'

export interface SessionDoorDeps {
  readonly sessions: Pick<Sessions, 'current' | 'renew'>
  readonly cookies: Pick<SessionCookies, 'clear'>
  readonly settings: { readonly publicUrl?: string | undefined }
  readonly log: Log
  readonly metrics: Pick<Metrics, 'refused'>
}

/** Who is signed in, as pages and programs are told. */
export function userInfo({ identities }: Pick<Session, 'identities'>) {
  const { username, userId, roles, claims } = identities[0]!
  return {
    username,
    userId,
    roles,
    claims,
    providers: [...new Set(identities.map(({ provider }) => provider))],
  }
}

/** What somebody is told whose session was opened. Times are epoch ms. */
export function openedInfo({ session, token }: OpenedSession) {
  return {
    user: userInfo(session),
    expiresAt: token.expiresAt,
    renewAt: token.renewAt,
    sessionEndsAt: session.endsAt,
  }
}

export function createSessionDoor({ sessions, cookies, settings, log, metrics }: SessionDoorDeps) {
  const renew = async (exchange: Exchange): Promise<Response> => {
    if (!isSameOrigin(exchange, settings.publicUrl)) {
      metrics.refused('login', 'renewal-foreign')
      return problemAnswer(exchange, 'HYDRA_FORBIDDEN', 'a session is renewed by pages of this site only')
    }
    const opened = await sessions.renew(exchange)
    if (opened) return jsonAnswer(exchange, openedInfo(opened), { cookies: opened.cookies })
    return problemAnswer(exchange, 'HYDRA_LOGIN_REQUIRED', 'there is no session to renew', {
      cookies: cookies.clear(exchange),
    })
  }

  const passThrough = async (exchange: Exchange, ref: string): Promise<Response> => {
    let opened: OpenedSession | undefined
    try {
      opened = await sessions.renew(exchange)
    } catch (error) {
      const isKnown = error instanceof HydraError
      log[isKnown ? 'warn' : 'error']({ err: error, exchange: exchange.id }, 'a session could not be renewed')
      // The session may be as good as before, so it stays; the guard counts how often somebody goes round.
      if (!isKnown) return redirectAnswer(ref)
    }
    // What can't be renewed is taken away, or the page would send its visitor here again at once.
    return redirectAnswer(ref, { cookies: opened?.cookies ?? cookies.clear(exchange) })
  }

  const whoAmI = async (exchange: Exchange): Promise<Response> => {
    const session = await sessions.current(exchange)
    return jsonAnswer(exchange, { user: session ? userInfo(session) : null })
  }

  return async (exchange: Exchange): Promise<Response> => {
    switch (exchange.method) {
      case 'POST':
        return renew(exchange)
      case 'GET':
      case 'HEAD': {
        const ref = new URLSearchParams(exchange.query).get('ref')
        if (ref !== null || isForPerson(exchange)) return passThrough(exchange, readReturn(ref) ?? '/')
        return whoAmI(exchange)
      }
      default:
        return methodAnswer(exchange, 'GET, HEAD, POST')
    }
  }
}
