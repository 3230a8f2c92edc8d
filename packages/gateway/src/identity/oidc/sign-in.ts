/**
 * Signing in at a provider: the way there, and the way back. Code flow with PKCE, state and nonce.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { LOCAL_PROVIDER } from '@hydra-gateway/protocol'
import {
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  fetchUserInfo,
} from 'openid-client'
import { HydraError } from '../../errors.ts'
import type { Log } from '../../observe/log.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { LinkStore } from '../../store/identity/port.ts'
import { identityKey } from '../identities.ts'
import { redirectAnswer } from '../local-answer.ts'
import type { Identity, LocalUsers, OpenedSession, Session, Sessions } from '../port.ts'
import { readReturn } from '../return-to.ts'
import { LOGIN_PATH } from '../session-cookies.ts'
import { type Claims, identityOf, sayEnough } from './claims.ts'
import type { Connection, Known } from './connection.ts'
import { faultOf } from './faults.ts'
import type { Flow, Flows } from './flows.ts'
import { NO_REFERRER, type Refusals } from './refusals.ts'
import type { OidcProviderSettings } from './settings.ts'

/** A provider of the configuration. */
export interface Provider {
  readonly name: string
  readonly label: string
  readonly settings: OidcProviderSettings
  readonly connection: Connection
}

export interface SignIn {
  /** Sends the browser to the provider. */
  start(exchange: Exchange, provider: Provider): Promise<Response>
  /** The browser came back from there. */
  finish(exchange: Exchange, provider: Provider): Promise<Response>
}

export interface SignInDeps {
  readonly flows: Flows
  readonly sessions: Pick<Sessions, 'begin' | 'link' | 'current'>
  readonly users: Pick<LocalUsers, 'has'>
  /** Who is one person already. */
  readonly links?: Pick<LinkStore, 'linked'> | undefined
  readonly refusals: Refusals
  /** How browsers reach us. */
  readonly publicUrl: URL
  readonly log: Pick<Log, 'warn'>
  readonly random?: ((bytes: number) => string) | undefined
}

/** Calls at one provider at once: one that hangs holds no more than these. */
const MAX_UNDER_WAY = 100

/** What the visitor is told. */
const SAID = {
  stale: 'This sign-in was begun too long ago, or in another browser, or it is finished already.',
  foreign: 'What the sign-in provider answered does not belong to this sign-in, or can’t be relied on.',
  link: 'Another account is added from the sign-in page, while you are signed in.',
} as const

export function createSignIn(deps: SignInDeps): SignIn {
  const { flows, sessions, users, links, refusals, publicUrl, log } = deps
  const random = deps.random ?? ((bytes) => randomBytes(bytes).toString('base64url'))
  const underWay = new Map<string, number>()

  async function start(exchange: Exchange, provider: Provider): Promise<Response> {
    const { name, settings, connection } = provider
    const query = new URLSearchParams(exchange.query)
    const ref = readReturn(query.get('ref')) ?? '/'
    const elsewhere = movedHere(exchange, query)
    if (elsewhere) return redirect(elsewhere)

    let session: Session | undefined
    if (query.get('link') === '1') {
      // Otherwise any page could add the account its owner left at the provider to the person who looks at it.
      if (!isOwnPage(exchange)) {
        refusals.note(exchange, name, 'link-foreign')
        return refusals.answer(exchange, 'HYDRA_LOGIN_FAILED', SAID.link)
      }
      session = await sessions.current(exchange)
      if (!session) return redirect(loginPath(ref))
    }

    const known = await connection.find()
    if (!known) {
      refusals.note(exchange, name, 'down')
      return refusals.answer(exchange, 'HYDRA_PROVIDER_DOWN')
    }
    const [state, nonce, verifier] = [random(24), random(24), random(32)]
    const location = buildAuthorizationUrl(known.config, {
      redirect_uri: callbackOf(provider).href,
      response_type: 'code',
      scope: [...new Set(['openid', ...settings.scopes])].join(' '),
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const link = session === undefined ? {} : { link: session.sid }
    return redirect(
      location.href,
      await flows.keep(exchange, { provider: name, state, nonce, verifier, ref, ...link }),
    )
  }

  async function finish(exchange: Exchange, provider: Provider): Promise<Response> {
    const { name, connection } = provider
    const query = new URLSearchParams(exchange.query)
    const { flow, cookies } = await flows.take(exchange, name, query.getAll('state'))
    if (typeof flow === 'string') {
      refusals.note(exchange, name, flow)
      return refusals.answer(exchange, 'HYDRA_LOGIN_FAILED', SAID.stale, { cookies })
    }
    const known = connection.known ?? (await connection.find())
    const calls = underWay.get(name) ?? 0
    if (!known || calls >= MAX_UNDER_WAY) {
      refusals.note(exchange, name, known ? 'busy' : 'down')
      return refusals.answer(exchange, 'HYDRA_PROVIDER_DOWN', undefined, { cookies })
    }
    underWay.set(name, calls + 1)
    try {
      const said = await claimsOf(known, provider, query, flow)
      const identity = await identify(provider, said)
      if (!identity) throw new HydraError('HYDRA_LOGIN_FAILED', 'The provider does not say who you are.')
      const opened = await open(exchange, flow, identity)
      return redirect(flow.ref, [...cookies, ...opened.cookies])
    } catch (error) {
      return failed(exchange, provider, flow, cookies, error)
    } finally {
      underWay.set(name, underWay.get(name)! - 1)
    }
  }

  /** Everything the provider says about them: of the ID token, and of its UserInfo endpoint what is missing there. */
  async function claimsOf(
    { config, metadata }: Known,
    provider: Provider,
    query: URLSearchParams,
    { state, nonce, verifier }: Flow,
  ): Promise<Claims> {
    const here = callbackOf(provider)
    here.search = query.toString()
    const tokens = await authorizationCodeGrant(config, here, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: verifier,
      idTokenExpected: true,
    })
    const proved = tokens.claims()!
    if (sayEnough(provider.settings, proved) || !metadata.userinfo_endpoint) return proved
    return { ...(await fetchUserInfo(config, tokens.access_token, proved.sub)), ...proved }
  }

  async function identify({ name, settings }: Provider, said: Claims): Promise<Identity | undefined> {
    const linked = await linkedWith(`${name}:${String(said.sub)}`)
    return identityOf(name, settings, said, {
      isTaken: (username) => users.has(username) && !linked.includes(`${LOCAL_PROVIDER}:${username}`),
    })
  }

  async function open(exchange: Exchange, flow: Flow, identity: Identity): Promise<OpenedSession> {
    if (flow.link === undefined) return sessions.begin(exchange, identity)
    const session = await sessions.current(exchange)
    if (session?.sid !== flow.link) throw new HydraError('HYDRA_LOGIN_FAILED', SAID.link)
    const key = identityKey(identity)
    const others = session.identities.map(identityKey)
    const linked = await linkedWith(key)
    const opened = await sessions.link(exchange, session, identity)
    const isLinked = opened.session.sid === session.sid
    // Both were proved in this browser, which is all one can ask; but an operator may want to know.
    if (isLinked && linked.length > 1 && !linked.some((one) => others.includes(one))) {
      log.warn({ exchange: exchange.id, identity: key, with: others, linked }, 'two persons became one')
    }
    return opened
  }

  async function linkedWith(key: string): Promise<readonly string[]> {
    return ((await links?.linked(key)) ?? []).map((one) => one.key)
  }

  function failed(
    exchange: Exchange,
    { name, connection }: Provider,
    flow: Flow,
    cookies: readonly string[],
    error: unknown,
  ): Response {
    if (error instanceof HydraError) {
      refusals.note(exchange, name, error.code === 'HYDRA_FORBIDDEN' ? 'forbidden' : 'no-session')
      return refusals.answer(exchange, error.code, error.detail, { cookies })
    }
    const { reason, kind, claim } = faultOf(error)
    refusals.note(exchange, name, reason, claim === undefined ? {} : { claim })
    switch (kind) {
      case 'refused':
        return redirect(loginPath(flow.ref, name), cookies)
      case 'busy':
      case 'down':
        // What stands in the address is the visitor's word: it tells nothing about the provider.
        if (kind === 'down') connection.lost()
        return refusals.answer(exchange, 'HYDRA_PROVIDER_DOWN', undefined, { cookies })
      case 'failed':
        return refusals.answer(exchange, 'HYDRA_LOGIN_FAILED', SAID.foreign, { cookies })
    }
  }

  function callbackOf({ name }: Provider): URL {
    return new URL(`/_hydra/login/${name}/callback`, publicUrl)
  }

  /** Under another name of this site, the cookie would not be there when the browser comes back: it goes on under ours. */
  function movedHere(exchange: Exchange, query: URLSearchParams): string | undefined {
    if (exchange.authority.toLowerCase() === publicUrl.host || query.has('moved')) return undefined
    const url = new URL(exchange.path, publicUrl)
    // A proxy before us may have changed the name: then this leads here again, but once only.
    url.search = new URLSearchParams([...query, ['moved', '1']]).toString()
    return url.href
  }

  function isOwnPage(exchange: Exchange): boolean {
    const site = exchange.headers.get('sec-fetch-site')
    if (site !== undefined) return site === 'same-origin'
    // Browsers say nothing of the kind where there is no TLS.
    const referer = exchange.headers.get('referer') ?? ''
    return URL.canParse(referer) && new URL(referer).origin === publicUrl.origin
  }

  return { start, finish }
}

/** The login page; `refusedBy` has it say that somebody said no at a provider. */
function loginPath(ref: string, refusedBy?: string): string {
  const query = new URLSearchParams({ ref })
  if (refusedBy !== undefined) query.set('error', refusedBy)
  return `${LOGIN_PATH}?${query}`
}

function redirect(location: string, cookies: readonly string[] = []): Response {
  return redirectAnswer(location, { cookies, headers: NO_REFERRER })
}
