/**
 * The guard: finds out who a request comes from, by its login cookie, and whether they may go where they want to.
 *
 * It reads memory: a token that was seen lately, the list of what was revoked, the rules. A cookie that is worth nothing
 * counts as none, and is noted, so that the answer takes it from the browser.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { cookieValues } from '../proxy/cookies.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Access, Route } from '../routing/route.ts'
import { otherSitePath } from '../routing/site-route.ts'
import { isClosed, refusalOf } from './access.ts'
import type { AccessRuleFor } from './access-rules.ts'
import type { ForbiddenLog } from './forbidden-log.ts'
import { otherRoute, type RouteOf } from './other-route.ts'
import type { Caller, Refusal, Revocations, RouteGuard, TokenFault, Tokens } from './port.ts'
import { hasToRenew, mayRenew, nextRound } from './renewals.ts'
import { cookieNames } from './session-cookies.ts'

export interface RouteGuardDeps {
  readonly tokens: Pick<Tokens, 'verify'>
  readonly revocations: Pick<Revocations, 'isRevoked'>
  /** What operators say about a path of a service; undefined when there are no rules. */
  readonly ruleFor?: AccessRuleFor | undefined
  /** The route another path of the same request's host would have; for paths that can be read in two ways. */
  readonly routeOf?: RouteOf | undefined
  readonly roleMappings: (service: string) => Readonly<Record<string, string>>
  readonly settings: {
    /** The cookies' names have the prefix `__Host-` in browsers. No other name is read. */
    readonly host: boolean
    readonly maxTokenBytes: number
  }
  /** Told of everybody who is signed in and may not go on. */
  readonly onForbidden?: ForbiddenLog | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'debug'>
  readonly metrics: Pick<Metrics, 'refused'>
}

/** Why a login cookie is worth nothing. */
export type LoginFault = TokenFault | 'duplicate' | 'revoked'

type Known = Caller | LoginFault | undefined

/** Of these a renewal makes no better: what was revoked is over, and of two cookies it replaces one only. */
const FINAL: ReadonlySet<LoginFault> = new Set(['revoked', 'duplicate'])

/** Keys leave the ring long after their last token: to look again each second is soon enough. */
const KNOWN_MS = 1000

/** Makes the guard of one gateway. */
export function createRouteGuard(deps: RouteGuardDeps): RouteGuard {
  const { tokens, revocations, ruleFor, routeOf, roleMappings, settings, onForbidden, clock, log, metrics } =
    deps
  const { host, maxTokenBytes } = settings
  const { loginName, renewName } = cookieNames(host)

  function check(exchange: Exchange, route: Route): Refusal | undefined | Promise<Refusal | undefined> {
    if (!exchange.hasOurCookies) return decide(exchange, route, undefined)
    const cookies = exchange.cookieLines
    // Nearly every request of a connection has the cookies of the one before it, and the very same array of them.
    const last = exchange.peer.login
    if (last !== undefined && last.cookies === cookies && clock.now() < last.until) {
      if (!revocations.isRevoked(last.caller)) {
        exchange.caller = last.caller
        return decide(exchange, route, last.caller)
      }
    }
    const found = read(exchange, cookies)
    if (found instanceof Promise) return found.then((said) => settle(exchange, route, cookies, said))
    return settle(exchange, route, cookies, found)
  }

  function identify(exchange: Exchange): void | Promise<void> {
    if (!exchange.hasOurCookies) return undefined
    const cookies = exchange.cookieLines
    const last = exchange.peer.login
    if (last !== undefined && last.cookies === cookies && clock.now() < last.until) {
      if (!revocations.isRevoked(last.caller)) {
        exchange.caller = last.caller
        return undefined
      }
    }
    const found = read(exchange, cookies)
    if (found instanceof Promise) return found.then((said) => recognise(exchange, '-', cookies, said))
    return recognise(exchange, '-', cookies, found)
  }

  /** Whose login cookie it is, or why it is worth nothing; undefined when there is none. */
  function read(exchange: Exchange, cookies: readonly string[]): ReturnType<Tokens['verify']> | Known {
    // Asked again, for another route: who it was is known, and that the cookie was faulty has been said.
    if (exchange.caller !== undefined) return tokens.verify(exchange.caller.token)
    if (exchange.isLoginFaulty) return undefined
    const values = cookieValues(cookies, loginName)
    const [token] = values
    if (token === undefined) return undefined
    // Somebody who may set cookies for a parent domain has put another beside ours: either may be his.
    if (values.length > 1) return 'duplicate'
    return token.length > maxTokenBytes ? 'oversize' : tokens.verify(token)
  }

  /** Keeps who it is, if they are somebody. */
  function recognise(exchange: Exchange, service: string, cookies: readonly string[], said: Known): void {
    if (typeof said !== 'object') lose(exchange, service, cookies, said)
    else if (revocations.isRevoked(said)) lose(exchange, service, cookies, 'revoked')
    else {
      exchange.caller = said
      keep(exchange, cookies, said)
    }
  }

  /** Keeps who it is, and says whether they may. */
  function settle(
    exchange: Exchange,
    route: Route,
    cookies: readonly string[],
    said: Known,
  ): Refusal | undefined {
    recognise(exchange, route.service, cookies, said)
    const { caller } = exchange
    const isDue = caller
      ? clock.now() >= caller.renewAt
      : said === undefined || (typeof said === 'string' && !FINAL.has(said))
    if (isDue && mayRenew(exchange, cookies, renewName)) return 'renew'
    return decide(exchange, route, caller)
  }

  /** Remembers who has these cookies, until there is something to be done about them, and for a second at most. */
  function keep({ peer }: Exchange, cookies: readonly string[], caller: Caller): void {
    const until = Math.min(clock.now() + KNOWN_MS, caller.expiresAt, caller.renewAt)
    peer.login = { cookies, caller, until }
  }

  /** Nobody, from here on. */
  function lose(
    exchange: Exchange,
    service: string,
    cookies: readonly string[],
    fault: LoginFault | undefined,
  ): void {
    exchange.caller = undefined
    exchange.loginCookie = undefined
    exchange.loginHeader = undefined
    if (fault === undefined) return
    exchange.isLoginFaulty = isToBeTaken(fault, cookies)
    metrics.refused('login', fault)
    log.debug({ exchange: exchange.id, service, reason: fault }, 'login cookie refused')
  }

  /**
   * Of two cookies we could take but our own, and the other would be left alone with everything. One that a renewal
   * replaces stays: word to take it, sent with an answer that is late, would take the new one.
   */
  function isToBeTaken(fault: LoginFault, cookies: readonly string[]): boolean {
    if (fault === 'duplicate') return false
    return FINAL.has(fault) || cookieValues(cookies, renewName).length === 0
  }

  function decide(exchange: Exchange, route: Route, caller: Caller | undefined): Refusal | undefined {
    const refusal = judge(exchange, route.service, exchange.path, route, caller)
    if (refusal !== undefined) return refusal
    const { sharedWith } = route
    return (
      (route.flywheel === undefined ? undefined : closedAtSite(exchange, route, caller)) ??
      (sharedWith && closedByOthers(exchange, route, sharedWith, caller)) ??
      (routeOf && otherwiseClosed(exchange, route, caller))
    )
  }

  /** Whether somebody may have a path of a service: by what the operator says of it, or else by what the service does. */
  function judge(
    exchange: Exchange,
    service: string,
    path: string,
    declared: Access,
    caller: Caller | undefined,
  ): Refusal | undefined {
    const rule = ruleFor?.(service, path)
    const access = rule ?? declared
    const refusal = refusalOf(caller, access, () => roleMappings(service))
    if (refusal === 'forbidden')
      onForbidden?.(exchange, caller!, { service, access, isByRule: rule !== undefined })
    if (caller !== undefined && isClosed(access)) exchange.isForSome = true
    return refusal
  }

  /** The service is asked for another path than visitors are, here or where they have the same: rules may be about either. */
  function closedAtSite(exchange: Exchange, route: Route, caller: Caller | undefined): Refusal | undefined {
    const other = otherSitePath(route, exchange.path)
    return other === undefined ? undefined : judge(exchange, route.service, other, route, caller)
  }

  /** Services of one rollout group serve it: whoever is sent to any of them may have it of each, as roles are called there. */
  function closedByOthers(
    exchange: Exchange,
    route: Route,
    services: readonly string[],
    caller: Caller | undefined,
  ): Refusal | undefined {
    for (const service of services) {
      const refusal = judge(exchange, service, exchange.path, route, caller)
      if (refusal !== undefined) return refusal
    }
    return undefined
  }

  /** The service may read the path as one it wanted closed. Routes for exactly this path are meant as they stand. */
  function otherwiseClosed(
    exchange: Exchange,
    route: Route,
    caller: Caller | undefined,
  ): Refusal | undefined {
    const other = otherRoute(exchange, route, routeOf!)
    return other && judge(exchange, other.route.service, other.path, other.route, caller)
  }

  function renewal(exchange: Exchange): string | undefined {
    if (exchange.caller !== undefined || exchange.isLoginFaulty || !exchange.hasOurCookies) return undefined
    const cookies = exchange.cookieLines
    // Of two login cookies a renewal replaces one only.
    if (cookieValues(cookies, loginName).length > 1) return undefined
    return hasToRenew(cookies, renewName) ? nextRound(exchange) : undefined
  }

  return {
    check,
    identify,
    renewal,
    admits(caller, service, access) {
      const who = caller !== undefined && revocations.isRevoked(caller) ? undefined : caller
      return refusalOf(who, ruleFor?.(service) ?? access, () => roleMappings(service))
    },
  }
}
