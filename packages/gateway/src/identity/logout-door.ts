/**
 * `/logout`: ends the session of a browser, everywhere, and leads to the provider's own sign-out where there is one.
 *
 * Pages of services post a plain form, so there is no token to ask for: where the form comes from is what counts.
 * `Clear-Site-Data` is not sent: it would take the files of every service from the browser's cache, and keep the
 * visitor waiting until it is done.
 *
 * @module
 */
import type { Metrics } from '../observe/metrics.ts'
import { logoutPage } from '../pages/logout.ts'
import type { Exchange } from '../proxy/exchange.ts'
import {
  emptyAnswer,
  isForPerson,
  methodAnswer,
  pageAnswer,
  problemAnswer,
  redirectAnswer,
} from './local-answer.ts'
import type { Providers, Session, Sessions } from './port.ts'
import { isSameOrigin } from './same-origin.ts'
import { LOGIN_PATH } from './session-cookies.ts'

export interface LogoutDoorDeps {
  readonly sessions: Pick<Sessions, 'current' | 'end'>
  readonly providers: Pick<Providers, 'logoutUrl'>
  readonly settings: { readonly siteTitle: string; readonly publicUrl?: string | undefined }
  readonly metrics: Pick<Metrics, 'refused'>
}

/** Sites a sign-out leads to: a form's policy has to name them, since it covers what the answer redirects to. */
export function signOutLeadsTo(
  session: Session | undefined,
  providers: Pick<Providers, 'logoutUrl'>,
): string[] {
  const url = session && providers.logoutUrl(session)
  return url === undefined ? [] : [new URL(url).origin]
}

export function createLogoutDoor({ sessions, providers, settings, metrics }: LogoutDoorDeps) {
  const page = async (exchange: Exchange, isForeign: boolean): Promise<Response> => {
    const leadsTo = signOutLeadsTo(await sessions.current(exchange), providers)
    const shown = logoutPage({ siteTitle: settings.siteTitle, exchange: exchange.id, isForeign, leadsTo })
    return pageAnswer(exchange, shown, isForeign ? { code: 'HYDRA_FORBIDDEN' } : {})
  }
  return async (exchange: Exchange): Promise<Response> => {
    const { method } = exchange
    if (method === 'GET' || method === 'HEAD') return page(exchange, false)
    if (method !== 'POST') return methodAnswer(exchange, 'GET, HEAD, POST')
    if (!isSameOrigin(exchange, settings.publicUrl)) {
      metrics.refused('login', 'logout-foreign')
      if (isForPerson(exchange)) return page(exchange, true)
      return problemAnswer(exchange, 'HYDRA_FORBIDDEN', 'signing out is asked for by pages of this site only')
    }
    const { session, cookies } = await sessions.end(exchange)
    if (!isForPerson(exchange)) return emptyAnswer(cookies)
    const elsewhere = session && providers.logoutUrl(session)
    return redirectAnswer(elsewhere ?? `${LOGIN_PATH}?logout`, { cookies })
  }
}
