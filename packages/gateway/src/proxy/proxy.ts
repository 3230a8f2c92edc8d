/**
 * Serves one request: finds its route, chooses an instance, sends it there, and elsewhere when that is allowed.
 *
 * @module
 */
import type { RouteGuard, ServiceTokens, SignInAnswers } from '../identity/port.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Live } from '../routing/live.ts'
import type { Route } from '../routing/route.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Answers } from './answers.ts'
import type { Exchange, ExchangeHandler, Forward, ForwardFailure } from './exchange.ts'
import { type FlywheelRules, isOutOfPatience, noFlywheelRules } from './flywheel-rules.ts'
import { isIdempotent } from './methods.ts'
import { isAllowedOrigin } from './origin.ts'
import type { Passes } from './passes.ts'
import type { ProxySettings } from './settings.ts'

export interface ProxyDeps {
  readonly live: Live
  /** Chooses among candidates, leaving out those that rest or were tried; `undefined` when none is left. */
  readonly select: (
    exchange: Exchange,
    route: Route,
    candidates: readonly Instance[],
    tried: readonly Instance[],
  ) => Instance | undefined
  readonly forward: Forward
  readonly answers: Answers
  /** Who may go where, and what services are told of them. @default nobody can sign in: what needs it is refused */
  readonly identity?: ProxyIdentity | undefined
  /** Serves what is the gateway's own. */
  readonly local: ExchangeHandler
  readonly isLocal: (path: string) => boolean
  /** Serves `/` while no service offers it. @default 404, as everywhere */
  readonly welcome?: ExchangeHandler
  /** Routes by the rules of hydra-router, and who gets requests nobody has a route for. @default there are none */
  readonly flywheel?: FlywheelRules | undefined
  /** Takes WebSockets nobody declared. @default nobody does */
  readonly sockets?: OpenSockets | undefined
  /** Finds requests that come round. @default they go on until their time is over */
  readonly passes?: Pick<Passes, 'allow'> | undefined
  /** False while services that are connected elsewhere may be unknown. @default true */
  readonly knowsAll?: () => boolean
  readonly settings: Pick<ProxySettings, 'maxAttempts' | 'allowedOrigins' | 'publicUrl'>
  readonly metrics: Pick<Metrics, 'refused' | 'retried'>
  readonly log: Log
}

/** Who takes WebSockets that are for no service: messages of clients. */
export interface OpenSockets {
  /** Whether it takes one at this path, now. */
  takes(path: string): boolean
  /** Answers the handshake; it judges the origin itself. */
  accept(exchange: Exchange): void | Promise<void>
}

/** What the proxy asks of identity. */
export interface ProxyIdentity {
  readonly guard: Pick<RouteGuard, 'check'>
  readonly tokens: Pick<ServiceTokens, 'prepare'>
  readonly refuse: SignInAnswers['refuse']
}

const NONE: readonly Instance[] = []

/** Makes the handler of the public port. Only memory is consulted before `forward`. */
export function createProxy(deps: ProxyDeps): ExchangeHandler {
  const { live, select, forward, answers, local, isLocal, welcome, knowsAll, settings, metrics } = deps
  const { flywheel = noFlywheelRules, sockets, passes } = deps
  const { guard, tokens, refuse: refuseCaller } = deps.identity ?? closedIdentity(answers)

  return (exchange) => {
    try {
      if (isLocal(exchange.path)) return local(exchange)?.catch((error) => answers.failure(exchange, error))

      const { table } = live
      const route = table.match(exchange.host, exchange.path, exchange.method, exchange.isUpgrade)
      if (route !== undefined && route.flywheel === undefined) take(exchange, route)
      else byRules(exchange, table, route)
    } catch (error) {
      answers.failure(exchange, error)
    }
  }

  /** No route has it, or one by the rules of hydra-router. */
  function byRules(exchange: Exchange, table: RoutingTable, found: Route | undefined): void {
    const route = flywheel.routeOf(exchange, table, found)
    if (!route) refuse(exchange, table)
    else if (route.flywheel === undefined) take(exchange, route)
    else {
      exchange.route = route
      if (!flywheel.begin(exchange)) take(exchange, route)
    }
  }

  /** It has a route: asks whether the request may go there. */
  function take(exchange: Exchange, route: Route): void {
    exchange.route = route
    if (exchange.hasEncodedSlash && route.encodedSlash !== 'keep') {
      metrics.refused('request', 'encoded-slash')
      answers.problem(exchange, 'HYDRA_BAD_PATH', 'An encoded slash may not stand in this path.')
    } else if (
      exchange.isUpgrade &&
      !isAllowedOrigin(exchange.headers.get('origin'), exchange.authority, settings)
    ) {
      metrics.refused('upgrade', 'origin')
      answers.problem(exchange, 'HYDRA_FORBIDDEN_ORIGIN')
    } else if (passes !== undefined && !passes.allow(exchange, route.service)) {
      metrics.refused('request', 'loop')
      answers.problem(exchange, 'HYDRA_LOOP')
    } else ask(exchange, route, serve)
  }

  /** Goes on when the caller may have it, nearly always at once; answers when they may not. */
  function ask(exchange: Exchange, route: Route, go: (exchange: Exchange, route: Route) => void): void {
    const refusal = guard.check(exchange, route)
    if (refusal === undefined) go(exchange, route)
    else if (typeof refusal === 'string') refuseCaller(exchange, route, refusal)
    else
      later(exchange, refusal, (said) => {
        if (said) refuseCaller(exchange, route, said)
        else go(exchange, route)
      })
  }

  /** The caller may have it: looks for an instance. */
  function serve(exchange: Exchange, route: Route): void {
    const instance = select(exchange, route, live.table.candidates(route), NONE)
    if (instance) {
      exchange.attempts = 1
      send(exchange, route, instance)
    } else answers.unavailable(exchange, route)
  }

  /** Nearly always at once: only a token for one service alone may have to be signed first. */
  function send(exchange: Exchange, route: Route, instance: Instance): void {
    const signing = exchange.caller === undefined ? undefined : tokens.prepare(exchange, instance)
    if (signing === undefined) forward(exchange, route, instance, onFailure)
    else later(exchange, signing, () => forward(exchange, route, instance, onFailure))
  }

  /** Goes on when something is settled, unless the visitor left meanwhile. */
  function later<Value>(exchange: Exchange, waiting: Promise<Value>, go: (value: Value) => void): void {
    waiting
      .then((value) => {
        if (!exchange.ended) go(value)
      })
      .catch((error) => answers.failure(exchange, error))
  }

  /** An instance failed: asks another one, or answers. */
  function onFailure(exchange: Exchange, failure: ForwardFailure): void {
    try {
      // A refused connection costs next to nothing and happens once per instance: only others are bounded.
      if (!failure.refused) exchange.failures++
      if (exchange.failures >= settings.maxAttempts || !mayRepeat(exchange, failure)) {
        answers.problem(exchange, failure.code)
        return
      }
      // There is no time to ask anybody else.
      if (isOutOfPatience(exchange)) {
        if (failure.code === 'HYDRA_UPSTREAM_TIMEOUT') answers.problem(exchange, failure.code)
        else answers.unavailable(exchange, exchange.route!)
        return
      }
      exchange.tried ??= []
      exchange.tried.push(exchange.instance!)
      // Who is left is a matter of now: what just failed may have changed the table.
      const before = exchange.route!
      const { host, path, method, isUpgrade } = exchange
      const found = live.table.match(host, path, method, isUpgrade)
      const route = (exchange.flywheel ? flywheel.routeOf(exchange, live.table, found) : found) ?? before
      exchange.route = route
      if (route === before) retry(exchange, route, failure)
      else ask(exchange, route, () => retry(exchange, route, failure))
    } catch (error) {
      answers.failure(exchange, error)
    }
  }

  /** Sends it to whoever is left, or answers. */
  function retry(exchange: Exchange, route: Route, failure: ForwardFailure): void {
    const instance = chooseNext(exchange, route, failure)
    if (!instance) return
    metrics.retried(route.service)
    exchange.attempts++
    send(exchange, route, instance)
  }

  /** The instance a failed request goes to next; none when it was answered instead. */
  function chooseNext(exchange: Exchange, route: Route, failure: ForwardFailure): Instance | undefined {
    const candidates = live.table.candidates(route)
    const instance = select(exchange, route, candidates, exchange.tried!)
    if (instance) return instance
    const anyone = select(exchange, route, candidates, NONE)
    // Whoever broke off may have been dying; asked again it refuses, and then we know that nobody is there.
    if (anyone && failure.reason === 'reset') return anyone
    exchange.instance = undefined
    if (anyone) answers.problem(exchange, failure.code)
    else answers.unavailable(exchange, route)
    return undefined
  }

  /** Nothing is served here in this way; says which way there would be. */
  function refuse(exchange: Exchange, table: RoutingTable): void {
    const { host, path, method, isUpgrade } = exchange
    const allowed = isUpgrade ? NONE : table.allowed(host, path)
    if (isUpgrade && sockets?.takes(path)) {
      sockets.accept(exchange)?.catch((error) => answers.failure(exchange, error))
    } else if (isUpgrade) {
      flywheel.unmatched(exchange)
      metrics.refused('upgrade', 'no-socket-route')
      answers.problem(exchange, 'HYDRA_NO_ROUTE', NO_SOCKET)
    } else if (allowed.length > 0) {
      answers.problem(exchange, 'HYDRA_METHOD_NOT_ALLOWED', undefined, { Allow: allowed.join(', ') })
    } else if (method === 'GET' && table.match(host, path, method, true)) {
      answers.problem(exchange, 'HYDRA_NOT_UPGRADABLE', ONLY_SOCKET, UPGRADE_HEADERS)
    } else if (knowsAll && !knowsAll()) {
      flywheel.unmatched(exchange)
      answers.problem(exchange, 'HYDRA_STARTING')
    } else if (welcome && path === '/' && (method === 'GET' || method === 'HEAD')) {
      flywheel.unmatched(exchange)
      welcome(exchange)?.catch((error) => answers.failure(exchange, error))
    } else {
      flywheel.unmatched(exchange)
      answers.problem(exchange, 'HYDRA_NO_ROUTE')
    }
  }
}

const NO_SOCKET =
  'No WebSocket is served at this address. A service that serves one names its path in `sockets` when it registers.'
const ONLY_SOCKET = 'A service named this address in `sockets`: it takes WebSockets and nothing else.'
const UPGRADE_HEADERS = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13' }

/**
 * A request may be sent elsewhere when nothing of it can have arrived, or when its method may be repeated and
 * its body is still whole. A service that is slow is not asked for the same again somewhere else.
 */
function mayRepeat({ method }: Exchange, failure: ForwardFailure): boolean {
  if (failure.code === 'HYDRA_TOO_LARGE' || failure.code === 'HYDRA_REQUEST_TIMEOUT') return false
  if (failure.bodyConsumed) return false
  if (failure.nothingSent) return true
  return failure.code !== 'HYDRA_UPSTREAM_TIMEOUT' && isIdempotent(method)
}

/** Without identity nobody is anybody: what is for some is for none. */
export function closedIdentity(answers: Pick<Answers, 'problem'>): ProxyIdentity {
  return {
    guard: { check: (_, { auth }) => (auth === 'required' ? 'login' : undefined) },
    tokens: { prepare() {} },
    refuse: (exchange) => answers.problem(exchange, 'HYDRA_LOGIN_REQUIRED', NO_IDENTITY),
  }
}

const NO_IDENTITY = 'This address is for people who signed in, and nobody can sign in at this gateway yet.'
