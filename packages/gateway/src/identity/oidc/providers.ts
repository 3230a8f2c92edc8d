/**
 * OpenID Connect providers: other systems that know people. Any number of them, each found in the background.
 *
 * ```
 * /_hydra/login/<name>            the way there       `sign-in`, `flows` (what is under way)
 * /_hydra/login/<name>/callback   the way back        `sign-in`, `claims` (who it is here)
 * /_hydra/logout/<name>           signed out there    `back-channel`
 * ```
 *
 * `response_mode=form_post` is not spoken: a form that another site posts comes without our cookies.
 *
 * @module
 */
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { DEFAULT_SITE_TITLE } from '../../pages/layout.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { LinkStore } from '../../store/identity/port.ts'
import type { LocalUsers, Providers, Revocations, Sessions } from '../port.ts'
import { sessionNameOf } from '../provider-session.ts'
import type { Sealer } from '../sealing.ts'
import { createBackChannel, LOGOUT_TOKEN_MS } from './back-channel.ts'
import { createConnection } from './connection.ts'
import { createFlows, FLOW_MS } from './flows.ts'
import { createRefusals } from './refusals.ts'
import type { OidcSettings } from './settings.ts'
import { createSignIn, type Provider } from './sign-in.ts'
import { createUsedUp } from './used-up.ts'

export interface ProvidersDeps {
  readonly settings: {
    /** In the order of the configuration. */
    readonly providers: OidcSettings
    /** Brand text on the pages. */
    readonly siteTitle?: string | undefined
  }
  readonly sealer: Pick<Sealer, 'seal' | 'open'>
  readonly sessions: Pick<Sessions, 'begin' | 'link' | 'current'>
  readonly users: Pick<LocalUsers, 'has'>
  readonly revocations: Pick<Revocations, 'revoke'>
  /** Who is one person already: a user name that is taken here stays theirs when they come by a provider. */
  readonly links?: Pick<LinkStore, 'linked'> | undefined
  /** How browsers reach us: providers know this site by it. */
  readonly publicUrl: string | URL
  /** `host`: cookies that no other host of the domain can set. */
  readonly cookies: { readonly host: boolean }
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'refused'>
  readonly random?: ((bytes: number) => string) | undefined
}

/** Ends its timers; nothing that is under way. */
export interface ClosableProviders extends Providers {
  close(): void
}

const PATH = /^\/_hydra\/(login|logout)\/([a-z0-9-]+)(\/callback)?$/

export function createProviders(deps: ProvidersDeps): ClosableProviders {
  const { settings, sealer, revocations, cookies, clock, log, metrics } = deps
  const publicUrl = new URL(deps.publicUrl)
  const providers = new Map<string, Provider>()
  for (const [name, one] of Object.entries(settings.providers)) {
    const connection = createConnection({ name, settings: one, clock, log })
    const label = one.label ?? name.charAt(0).toUpperCase() + name.slice(1)
    providers.set(name, { name, label, settings: one, connection })
  }
  const refusals = createRefusals({
    siteTitle: settings.siteTitle ?? DEFAULT_SITE_TITLE,
    clock,
    log,
    metrics,
  })
  const flows = createFlows({
    sealer,
    used: createUsedUp({ keepMs: FLOW_MS, clock }),
    isSecure: cookies.host || publicUrl.protocol === 'https:',
    isHost: cookies.host,
    clock,
  })
  const signIn = createSignIn({ ...deps, publicUrl, flows, refusals })
  const backChannel = createBackChannel({
    revocations,
    used: createUsedUp({ keepMs: LOGOUT_TOKEN_MS, clock }),
    refusals,
    clock,
    log,
  })

  function handle(request: Request, exchange: Exchange): Promise<Response> | undefined {
    const [, what, name = '', callback] = PATH.exec(exchange.path) ?? []
    const provider = providers.get(name)
    if (!provider) return undefined
    const { method } = exchange
    if (what === 'logout') {
      if (callback) return undefined
      return method === 'POST' ? backChannel(request, exchange, provider) : notAllowed(exchange, 'POST')
    }
    if (method !== 'GET') return notAllowed(exchange, 'GET')
    return callback ? signIn.finish(exchange, provider) : signIn.start(exchange, provider)
  }

  async function notAllowed(exchange: Exchange, allow: string): Promise<Response> {
    const detail = allow === 'GET' ? 'response_mode=form_post is not spoken here' : undefined
    return refusals.answer(exchange, 'HYDRA_METHOD_NOT_ALLOWED', detail, { headers: { allow } })
  }

  return {
    list: () =>
      [...providers.values()].map(({ name, label, connection }) => {
        // Whoever looks at the login page may be about to sign in there.
        connection.nudge()
        const state = connection.isUp ? 'available' : 'down'
        return { name, label, path: `/_hydra/login/${name}`, state }
      }),
    handle: async (request, exchange) => handle(request, exchange),
    logoutUrl(session) {
      // Whoever they signed in as comes first.
      const [identity] = session.identities
      const provider = identity && providers.get(identity.provider)
      const end = provider?.connection.known?.metadata.end_session_endpoint
      if (!identity || !provider?.settings.logout || end === undefined) return undefined
      const url = new URL(end)
      url.searchParams.set('client_id', provider.settings.clientId)
      url.searchParams.set('post_logout_redirect_uri', new URL('/login?logout', publicUrl).href)
      // Some providers say by this claim what they want to be told (Entra ID); others know their session by its name.
      const { login_hint: told = sessionNameOf(identity) } = identity.claims
      if (typeof told === 'string') url.searchParams.set('logout_hint', told)
      return url.href
    },
    current: (identity) => (providers.has(identity.provider) ? identity : undefined),
    close() {
      for (const { connection } of providers.values()) connection.close()
    },
  }
}
