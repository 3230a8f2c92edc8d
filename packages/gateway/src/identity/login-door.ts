/**
 * `/login`, and with it all doors of sessions: `/logout` and `/_hydra/session`.
 *
 * The page never leads on by itself, whoever is signed in: a page that sends its visitors here because of something the
 * session lacks would get them back for ever.
 *
 * @module
 */
import { LOCAL_PROVIDER } from '@hydra-gateway/protocol'
import { type ErrorCode, HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { type LoginFacts, loginPage } from '../pages/login.ts'
import type { LoginNotice } from '../pages/login-parts.ts'
import type { LoginTemplate } from '../pages/login-template.ts'
import { cookieValues } from '../proxy/cookies.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { StoreAway } from '../store/redis/port.ts'
import {
  isForPerson,
  isForProgram,
  jsonAnswer,
  methodAnswer,
  pageAnswer,
  problemAnswer,
  redirectAnswer,
} from './local-answer.ts'
import { MOST_NAME_CHARACTERS } from './local-users.ts'
import { loginChallenge } from './login-address.ts'
import { createLoginForm, type LoginFields } from './login-form.ts'
import { createLogoutDoor, signOutLeadsTo } from './logout-door.ts'
import type { Identity, LocalFault, LocalUsers, OpenedSession, Providers, Sessions } from './port.ts'
import { readReturn, returnFromReferer } from './return-to.ts'
import { isSameOrigin } from './same-origin.ts'
import { KNOWN_COOKIE, LOGIN_PATH, SESSION_PATH, type SessionCookies } from './session-cookies.ts'
import { createSessionDoor, openedInfo } from './session-door.ts'
import type { Throttle, Try } from './throttle.ts'

export interface LoginDoorDeps {
  readonly sessions: Sessions
  readonly users: Pick<LocalUsers, 'authenticate' | 'has' | 'isEmpty'>
  readonly providers: Pick<Providers, 'list' | 'logoutUrl'>
  readonly cookies: SessionCookies
  readonly throttle: Throttle
  readonly privateKeys: readonly string[]
  /** Which providers know people to a service; undefined: any. `local` is user name and password. */
  readonly acceptedProviders?: (service: string) => readonly string[] | undefined
  /** What visitors call a service. @default its name */
  readonly titleOf?: (service: string) => string | undefined
  /** In place of our own page; made by `compileLoginTemplate`. */
  readonly template?: LoginTemplate | undefined
  readonly settings: { readonly siteTitle: string; readonly publicUrl?: string | undefined }
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly log: Log
  readonly metrics: Pick<Metrics, 'refused'>
}

export interface LoginDoor {
  /** Answers `/login`, `/logout` and `/_hydra/session`; undefined for any other path. */
  handle(request: Request, exchange: Exchange): Promise<Response | undefined>
}

/** Cookie in which Medusa's applications keep the page somebody wanted to see (`medusa.md` 4.3). */
const REFERER_COOKIE = 'Referer'
const BUSY_SECONDS = 3

export function createLoginDoor(deps: LoginDoorDeps): LoginDoor {
  const { sessions, users, providers, cookies, throttle, template, settings, clock, log, metrics } = deps
  const { acceptedProviders = () => undefined, titleOf = () => undefined } = deps
  const { siteTitle, publicUrl } = settings
  const challenge = loginChallenge(siteTitle)
  const form = createLoginForm({ privateKeys: deps.privateKeys, cookies, clock })
  const session = createSessionDoor({ sessions, cookies, settings, log, metrics })
  const logout = createLogoutDoor({ sessions, providers, settings, metrics })

  /** Where somebody comes from who was sent here without `ref`: by Medusa's applications, or by a link. */
  const cameFrom = (exchange: Exchange): string | undefined => {
    const [wanted] = cookieValues(exchange.headers.all('cookie'), REFERER_COOKIE)
    return (
      readReturn(wanted) ?? returnFromReferer(exchange.headers.get('referer'), exchange.authority, publicUrl)
    )
  }
  const attemptOf = (exchange: Exchange, account: string): Try => {
    const known = cookieValues(exchange.headers.all('cookie'), KNOWN_COOKIE)
    return { account, address: exchange.client, known: known.length === 1 ? known[0] : undefined }
  }

  interface Asked {
    readonly ref: string | undefined
    readonly service: string | undefined
    readonly username: string
  }

  const show = async (
    exchange: Exchange,
    { ref, service, username }: Asked,
    notice: LoginNotice | undefined,
    { code, headers }: { code?: ErrorCode; headers?: Record<string, string> } = {},
  ): Promise<Response> => {
    const current = await sessions.current(exchange)
    const accepted = service === undefined ? undefined : acceptedProviders(service)
    // A session that is known to the service already needs no other login.
    const isKnown = current?.identities.some(({ provider }) => accepted?.includes(provider)) ?? false
    const wanted = isKnown ? undefined : accepted
    const ways = providers.list().filter(({ name }) => wanted?.includes(name) ?? true)
    const hasForm = !users.isEmpty && (wanted?.includes(LOCAL_PROVIDER) ?? true)
    const opened = form.open(exchange)
    const query = new URLSearchParams({
      ...(ref === undefined ? {} : { ref }),
      ...(wanted && current ? { link: '1' } : {}),
    }).toString()
    const facts: LoginFacts = {
      siteTitle,
      exchange: exchange.id,
      hidden: { csrf: opened.csrf, ref, service: wanted ? service : undefined },
      username,
      hasForm,
      providers: ways.map(({ label, path, state }) => ({
        label,
        href: state === 'down' ? undefined : `${path}${query && `?${query}`}`,
      })),
      notice,
      signedInAs: current?.identities[0]?.username,
      link: wanted && {
        title: titleOf(service!) ?? service!,
        knownBy: [...ways.map(({ label }) => label), ...(hasForm ? ['user name and password'] : [])],
      },
      leadsTo: signOutLeadsTo(current, providers),
    }
    const page = (template ?? loginPage)(facts)
    return pageAnswer(exchange, page, {
      ...(code === undefined ? {} : { code }),
      cookies: [opened.cookie],
      headers: headers ?? {},
    })
  }

  /** A sign-in that leads nowhere: the page again for people, a problem for programs. */
  const refuse = (
    exchange: Exchange,
    asked: Asked,
    code: ErrorCode,
    notice: LoginNotice,
    { detail, headers = {} }: { detail?: string; headers?: Record<string, string> } = {},
  ): Response | Promise<Response> =>
    isForPerson(exchange)
      ? show(exchange, asked, notice, { code, headers })
      : problemAnswer(exchange, code, detail, { headers })

  const note = (exchange: Exchange, reason: string, username: string, more: { hint?: string } = {}): void => {
    metrics.refused('login', reason)
    // What nobody is called may be a password in the wrong field.
    const user = users.has(username) ? { user: username } : {}
    log.warn({ exchange: exchange.id, client: exchange.client, reason, ...more, ...user }, 'sign-in refused')
  }

  const signIn = async (exchange: Exchange, fields: LoginFields): Promise<Response> => {
    const { username, password } = fields
    const asked: Asked = {
      ref: readReturn(fields.ref) ?? cameFrom(exchange),
      service: readService(fields.service),
      username: username.length <= MOST_NAME_CHARACTERS ? username : '',
    }
    if (!isSameOrigin(exchange, publicUrl)) {
      note(exchange, 'foreign', username)
      const detail = 'signing in is asked for by pages of this site only'
      return refuse(exchange, { ...asked, username: '' }, 'HYDRA_FORBIDDEN', { kind: 'expired' }, { detail })
    }
    // Programs send no form of ours; a browser never asks for a page in their way, and says where it comes from.
    const formFault = form.faultOf(exchange, fields.csrf)
    if (formFault !== undefined && (isForPerson(exchange) || fields.csrf !== undefined)) {
      // The cookie is `Secure` then, and browsers don't send it: for the operator to see, as nobody can sign in.
      const isOverHttp = formFault === 'form-cookie' && !exchange.secure && publicUrl?.startsWith('https:')
      const hint = 'the request came by http, and publicUrl is https'
      note(exchange, formFault, username, isOverHttp ? { hint } : {})
      const detail = 'the field _csrf does not belong to a cookie HYDRA-LOGIN-…'
      return refuse(exchange, asked, 'HYDRA_LOGIN_FAILED', { kind: 'expired' }, { detail })
    }
    const attempt = attemptOf(exchange, username)
    const { waitMs, triesLeft } = throttle.begin(attempt)
    if (waitMs !== undefined) {
      note(exchange, 'throttled', username)
      const headers = { 'retry-after': String(Math.ceil(waitMs / 1000)) }
      return refuse(
        exchange,
        asked,
        'HYDRA_THROTTLED',
        { kind: 'throttled', waitMs, now: clock.now() },
        { headers },
      )
    }
    let found: Identity | LocalFault
    try {
      // Whoever fills the line is not among those who signed in before: their owners get through.
      found = await users.authenticate(username, password, { isFirst: throttle.isKnown(attempt) })
    } catch (error) {
      throttle.takeBack(attempt)
      if (error instanceof StoreAway) {
        note(exchange, 'store-away', username)
        const headers = { 'retry-after': String(BUSY_SECONDS) }
        const detail = 'users can not be looked up just now'
        return refuse(exchange, asked, 'HYDRA_OVERLOADED', { kind: 'busy' }, { headers, detail })
      }
      if (!(error instanceof HydraError) || error.code !== 'HYDRA_OVERLOADED') throw error
      note(exchange, 'busy', username)
      const headers = { 'retry-after': String(BUSY_SECONDS) }
      return refuse(exchange, asked, 'HYDRA_OVERLOADED', { kind: 'busy' }, { headers, detail: error.detail! })
    }
    if (typeof found === 'string') {
      note(exchange, found, username)
      return refuse(
        exchange,
        asked,
        'HYDRA_BAD_LOGIN',
        { kind: 'wrong', triesLeft },
        { headers: { 'www-authenticate': challenge } },
      )
    }
    throttle.succeeded(attempt)
    const opened = await open(exchange, found, asked.service)
    const known = cookies.line(exchange, KNOWN_COOKIE, throttle.knownValue(username), {
      path: LOGIN_PATH,
      maxAgeSeconds: throttle.knownForMs / 1000,
    })
    const all = [...opened.cookies, known, ...clearedReferer(exchange)]
    const ref = asked.ref ?? '/'
    if (isForProgram(exchange)) return jsonAnswer(exchange, { ...openedInfo(opened), ref }, { cookies: all })
    return redirectAnswer(ref, { cookies: all })
  }

  /** Begins a session, or adds the login to the one there is when a service asked for it. */
  const open = async (
    exchange: Exchange,
    identity: Identity,
    service: string | undefined,
  ): Promise<OpenedSession> => {
    const accepts = service !== undefined && acceptedProviders(service)?.includes(identity.provider)
    const current = accepts ? await sessions.current(exchange) : undefined
    return current ? sessions.link(exchange, current, identity) : sessions.begin(exchange, identity)
  }

  const clearedReferer = (exchange: Exchange): string[] =>
    cookieValues(exchange.headers.all('cookie'), REFERER_COOKIE).length === 0
      ? []
      : [cookies.line(exchange, REFERER_COOKIE, '', { path: '/', maxAgeSeconds: 0 })]

  const get = (exchange: Exchange): Promise<Response> => {
    const query = new URLSearchParams(exchange.query)
    const asked: Asked = {
      ref: readReturn(query.get('ref')) ?? cameFrom(exchange),
      service: readService(query.get('for') ?? undefined),
      username: '',
    }
    return show(exchange, asked, stateOf(query))
  }

  const post = async (request: Request, exchange: Exchange): Promise<Response> => {
    const nobody: Asked = { ref: undefined, service: undefined, username: '' }
    let fields: LoginFields
    try {
      fields = await form.read(request)
    } catch (error) {
      if (!(error instanceof HydraError)) throw error
      metrics.refused('login', 'unreadable')
      return refuse(exchange, nobody, error.code, { kind: 'failed' }, { detail: error.detail! })
    }
    try {
      return await signIn(exchange, fields)
    } catch (error) {
      // The account lost its right meanwhile, or what is known of it is too much.
      if (!(error instanceof HydraError)) throw error
      note(exchange, 'not-opened', fields.username)
      return refuse(exchange, nobody, error.code, { kind: 'failed' }, { detail: error.detail! })
    }
  }

  return {
    async handle(request, exchange) {
      switch (exchange.path) {
        case SESSION_PATH:
          return session(exchange)
        case '/logout':
          return logout(exchange)
        case LOGIN_PATH:
          switch (exchange.method) {
            case 'GET':
            case 'HEAD':
              return get(exchange)
            case 'POST':
              return post(request, exchange)
            default:
              return methodAnswer(exchange, 'GET, HEAD, POST')
          }
        default:
          return undefined
      }
    },
  }
}

/** What the address says happened: our own sign-out, and what Medusa's gateway says. */
function stateOf(query: URLSearchParams): LoginNotice | undefined {
  if (query.has('logout')) return { kind: 'signed-out' }
  return query.has('error') ? { kind: 'failed' } : undefined
}

function readService(name: string | undefined): string | undefined {
  return name === undefined || name === '' || name.length > 256 ? undefined : name
}
