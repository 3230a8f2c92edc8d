/**
 * Visitors: which version and which instance each of them gets, and how that is kept.
 *
 * Visitors draw a version when they open a page; everything that page asks for afterwards comes from the same
 * version, until it is gone or they open another page. Services that keep state in memory (`affinity`) keep them
 * on one instance. What must be remembered stands in their cookie and nowhere else, so every node knows it and
 * nothing here waits.
 *
 * A page with fragments shows several services: their versions are drawn with its own (`visitor-context.ts`), before
 * it is asked for when the service that makes it asks for fragments itself, at the head of its answer when the gateway
 * puts them in. The cookie is set by navigations only, and never on what a cache may give to others.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Balancer } from '../routing/balance.ts'
import { chooseSlice, draw } from '../routing/draw.ts'
import type { Route } from '../routing/route.ts'
import { type Slice, sliceKey } from '../routing/share.ts'
import { emptyTable, type RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Exchange, HeaderLines } from './exchange.ts'
import { isNavigation, leavesPage } from './navigation.ts'
import { createVisits } from './visit.ts'
import { type Choice, createChooser } from './visitor-choice.ts'
import { createVisitorContexts, type VisitorContext } from './visitor-context.ts'
import { createVisitorTokens } from './visitor-context-token.ts'
import { createVisitorCookies, isPubliclyCacheable, type VisitorCookie } from './visitor-cookie.ts'
import { NO_PINS, openedPins, pinName, pinnedSlice } from './visitor-pins.ts'

export interface Visitors {
  /**
   * The instance a request goes to, or none when every candidate rests or was tried. The candidates of one
   * route should be one array for as long as they are the same: their shares are kept by it. When the instance asks
   * for fragments, `exchange.context` is what it is told.
   */
  select(
    exchange: Exchange,
    route: Route,
    candidates: readonly Instance[],
    tried: readonly Instance[],
  ): Instance | undefined
  /**
   * Sets the cookie when it must change. Called before the head of a service's answer is sent, with
   * `exchange.route` and `exchange.instance` set.
   */
  onHead(exchange: Exchange, status: number, headers: HeaderLines): void
  /**
   * Whom a page is for that the gateway puts fragments into. Called at the head of its answer, before `onHead`, with
   * `exchange.route` and `exchange.instance` set. `isPrivate` false: the composed page stays as cacheable as it came.
   */
  contextOf(exchange: Exchange, options?: { readonly isPrivate?: boolean }): PageVisitor
  /** Whom a page of a service is for: `route` is the `hydra-context` it got, sent back. Without one it is for nobody. */
  contextFrom(route: string | undefined): PageVisitor
}

/** The visitor of a page, as the resolver needs them. */
export interface PageVisitor {
  readonly visitor: VisitorContext
  /** What services that render its fragments send back in their turn; undefined for nobody. */
  readonly route: string | undefined
  /** A developer looks at the page. */
  readonly isXray: boolean
}

interface VisitorsDeps {
  /** The first signs cookies, all verify them. */
  readonly privateKeys: readonly string[]
  readonly balancer: Balancer
  /** The table as it is now: whose fragments a page may show. @default no services */
  readonly table?: () => RoutingTable
  /** Whether a request comes from a developer who may look behind the page. @default false */
  readonly isXray?: (exchange: Exchange) => boolean
  /** From 0 to below 1: draws for who has no cookie. */
  readonly random: () => number
  /** A new visitor id, 16 characters of base64url nobody can guess. */
  readonly newVisitor?: () => string
  readonly log: Log
  readonly metrics: Pick<Metrics, 'refused' | 'pinsDropped'>
}

/** A service that asks for fragments keeps things by the visitor's id. */
const TOLD = Object.freeze({ isTold: true, isPrivate: false })

export function createVisitors({
  privateKeys,
  balancer,
  table = emptyTable,
  isXray = () => false,
  random,
  newVisitor = () => randomBytes(12).toString('base64url'),
  log,
  metrics,
}: VisitorsDeps): Visitors {
  const refused = (what: 'cookie' | 'context') => (reason: string) => {
    metrics.refused(what, reason)
    log.debug({ reason }, `route ${what} ignored`)
  }
  const cookies = createVisitorCookies({ privateKeys, onFault: refused('cookie') })
  const tokens = createVisitorTokens({ privateKeys, onFault: refused('context') })
  const chooser = createChooser(balancer)
  const contexts = createVisitorContexts({ table, balancer, chooser, newVisitor })
  const cookieOf = (exchange: Exchange): VisitorCookie | undefined =>
    exchange.hasRouteCookie === false ? undefined : cookies.read(exchange.headers.all('cookie'))
  const visits = createVisits({ tokens, contexts, cookieOf, isXray, newVisitor })

  /** The version a visitor gets: kept within a page, drawn when one is opened. */
  const sliceFor = (exchange: Exchange, route: Route, choice: Choice, cookie: VisitorCookie | undefined) => {
    const navigates = isNavigation(exchange)
    if (cookie && !(navigates && leavesPage(exchange))) {
      const slice = pinnedSlice(cookie.pins, pinName(route), choice.slices)
      if (slice) return slice
    }
    if (!choice.isShared) return choice.slices[0]
    if (navigates) exchange.visitor ??= newVisitor()
    const at = exchange.visitor === undefined ? random() : draw(exchange.visitor, route.service)
    return chooseSlice(choice.slices, at)
  }

  const choose = (
    exchange: Exchange,
    route: Route,
    candidates: readonly Instance[],
    tried: readonly Instance[],
  ): Instance | undefined => {
    const [first] = candidates
    if (!first) return undefined
    if (candidates.length === 1) return balancer.isUsable(first, tried) ? first : undefined
    const choice = chooser.choiceOf(candidates)
    const { slices, hasAffinity, isShared } = choice
    if (slices.length === 1 && !hasAffinity) return balancer.pick(slices[0]!.instances, tried)

    const cookie = cookieOf(exchange)
    if (cookie) exchange.visitor = cookie.visitor
    if (isShared && isNavigation(exchange)) exchange.isDrawn = true
    const asked =
      slices.length > 1 && route.kind === 'static' ? askedSlice(exchange, route, slices) : undefined
    return (
      (asked && balancer.pick(asked.instances, tried)) ??
      (cookie && hasAffinity
        ? chooser.pinnedInstance(cookie.pins, pinName(route), candidates, tried)
        : undefined) ??
      chooser.pickFrom(sliceFor(exchange, route, choice, cookie), slices, tried, exchange.visitor)
    )
  }

  return {
    select(exchange, route, candidates, tried) {
      const chosen = choose(exchange, route, candidates, tried)
      if (chosen?.asksFragments === true) {
        const visit = visits.of(exchange, route, chosen, TOLD)
        exchange.visit = visit
        exchange.context = visit && visits.textOf(exchange, visit)
      }
      return chosen
    },

    onHead(exchange, status, headers) {
      const { route, instance, visit } = exchange
      // Asked for every answer: nearly always there is nothing to pin and nothing pinned.
      if (!instance?.affinity && !exchange.isDrawn && !visit && exchange.hasRouteCookie === false) return
      // Nobody is tied to an instance by its failure.
      if (!route || !instance || status >= 500 || !isNavigation(exchange)) return
      const cookie = cookieOf(exchange)
      const before = cookie?.pins ?? NO_PINS
      const page = visit?.instance === instance ? visit : undefined
      const pins = page?.pins ?? openedPins(before, route, instance, exchange.isDrawn)
      // A new visitor whom a service was told of must come back as the same.
      const isUnchanged = pins === before && (cookie ? cookie.isFresh : !page)
      if (isUnchanged || (page?.isPrivate !== true && isPubliclyCacheable(headers))) return
      exchange.visitor ??= cookie?.visitor ?? newVisitor()
      const { line, dropped } = cookies.write(exchange.visitor, pins, exchange.secure)
      const lost = dropped + (page?.dropped ?? 0)
      if (lost > 0) metrics.pinsDropped(lost)
      exchange.addHeader('set-cookie', line)
    },

    contextOf(exchange, { isPrivate = true } = {}) {
      const { route, instance } = exchange
      if (!route || !instance) throw new Error('a page has a context once its answer began')
      const visit = visits.of(exchange, route, instance, { isTold: false, isPrivate })
      exchange.visit = visit
      return {
        visitor: contexts.of({ id: visit?.id, pins: visit?.pins ?? NO_PINS, own: instance }),
        route: visit && visits.textOf(exchange, visit),
        isXray: visit?.isXray ?? isXray(exchange),
      }
    },

    contextFrom(route) {
      const token = route === undefined ? undefined : tokens.read(route)
      return {
        visitor: contexts.of({ id: token?.visitor, pins: token?.pins ?? NO_PINS }),
        route: token && route,
        isXray: token?.isXray ?? false,
      }
    },
  }
}

/** Files are asked for with `?v=` by pages that know of which version they are: those with fragments. */
function askedSlice(exchange: Exchange, { service }: Route, slices: readonly Slice[]): Slice | undefined {
  const [, written] = /^\?v=([^&]+)/.exec(exchange.query) ?? []
  if (written === undefined) return undefined
  try {
    const key = sliceKey({ service, version: decodeURIComponent(written) })
    return slices.find((slice) => slice.key === key)
  } catch {
    return undefined
  }
}
