/**
 * Visitors: which version and which instance each of them gets, and how that is kept.
 *
 * Visitors draw a version when they open a page; everything that page asks for afterwards comes from the same
 * version, until it is gone or they open another page. Services that keep state in memory (`affinity`) keep them
 * on one instance. What must be remembered stands in their cookie and nowhere else, so every node knows it and
 * nothing here waits.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Balancer } from '../routing/balance.ts'
import { chooseSlice, draw } from '../routing/draw.ts'
import type { Route } from '../routing/route.ts'
import { type Slice, sliceKey, versionShares } from '../routing/share.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Exchange, HeaderLines } from './exchange.ts'
import { isNavigation, leavesPage } from './navigation.ts'
import { createVisitorCookies, isPubliclyCacheable, type Pin, type VisitorCookie } from './visitor-cookie.ts'

export interface Visitors {
  /**
   * The instance a request goes to, or none when every candidate rests or was tried. The candidates of one
   * route should be one array for as long as they are the same: their shares are kept by it.
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
}

interface VisitorsDeps {
  /** The first signs cookies, all verify them. */
  readonly privateKeys: readonly string[]
  readonly balancer: Balancer
  /** From 0 to below 1: draws for who has no cookie. */
  readonly random: () => number
  /** A new visitor id, 16 characters of base64url nobody can guess. */
  readonly newVisitor?: () => string
  readonly log: Log
  readonly metrics: Pick<Metrics, 'refused' | 'pinsDropped'>
}

/** What can be known of a list of candidates before a request comes. */
interface Choice {
  /** Newest first, those without a share last. */
  readonly slices: readonly Slice[]
  readonly hasAffinity: boolean
  /** Whether the draw has more than one outcome. */
  readonly isShared: boolean
}

export function createVisitors({
  privateKeys,
  balancer,
  random,
  newVisitor = () => randomBytes(12).toString('base64url'),
  log,
  metrics,
}: VisitorsDeps): Visitors {
  const cookies = createVisitorCookies({
    privateKeys,
    onFault(reason) {
      metrics.refused('cookie', reason)
      log.debug({ reason }, 'route cookie ignored')
    },
  })
  const choices = new WeakMap<readonly Instance[], Choice>()
  const choiceOf = (candidates: readonly Instance[]): Choice => {
    const known = choices.get(candidates)
    if (known) return known
    const shares = versionShares(candidates)
    const visited = shares.filter(({ share }) => share > 0)
    const choice = {
      slices: [...visited, ...shares.filter(({ share }) => share === 0)],
      hasAffinity: candidates.some(({ affinity }) => affinity),
      isShared: visited.length > 1,
    }
    choices.set(candidates, choice)
    return choice
  }

  /** The instance whose memory holds this visitor's state, while it can serve. */
  const pinnedInstance = (
    { pins }: VisitorCookie,
    route: Route,
    candidates: readonly Instance[],
    tried: readonly Instance[],
  ): Instance | undefined => {
    const version = pinned(pins, 'version', pinName(route))
    for (const instance of candidates) {
      if (!instance.affinity || pinned(pins, 'instance', instance.service) !== instance.id) continue
      // Services of one group: the one that was drawn for these routes, not another they also know.
      if (version !== undefined && !version.startsWith(`${instance.service}@`)) continue
      if (balancer.isUsable(instance, tried)) return instance
    }
    return undefined
  }

  /** The version a visitor gets: kept within a page, drawn when one is opened. */
  const sliceFor = (exchange: Exchange, route: Route, choice: Choice, cookie: VisitorCookie | undefined) => {
    const navigates = isNavigation(exchange)
    if (cookie && !(navigates && leavesPage(exchange))) {
      const slice = pinnedSlice(cookie.pins, route, choice.slices)
      if (slice) return slice
    }
    if (!choice.isShared) return choice.slices[0]
    if (navigates) exchange.visitor ??= newVisitor()
    const at = exchange.visitor === undefined ? random() : draw(exchange.visitor, route.service)
    return chooseSlice(choice.slices, at)
  }

  /** An instance of the slice, or of the next ones when nobody there can serve. */
  const pickFrom = (slice: Slice | undefined, slices: readonly Slice[], tried: readonly Instance[]) => {
    let instance = slice && balancer.pick(slice.instances, tried)
    for (let i = 0; !instance && i < slices.length; i++) {
      if (slices[i] !== slice) instance = balancer.pick(slices[i]!.instances, tried)
    }
    return instance
  }

  return {
    select(exchange, route, candidates, tried) {
      const [first] = candidates
      if (!first) return undefined
      if (candidates.length === 1) return balancer.isUsable(first, tried) ? first : undefined
      const choice = choiceOf(candidates)
      const { slices, hasAffinity, isShared } = choice
      if (slices.length === 1 && !hasAffinity) return balancer.pick(slices[0]!.instances, tried)

      const cookie = cookies.read(exchange.headers.all('cookie'))
      if (cookie) exchange.visitor = cookie.visitor
      if (isShared && isNavigation(exchange)) exchange.isDrawn = true
      return (
        (cookie && hasAffinity ? pinnedInstance(cookie, route, candidates, tried) : undefined) ??
        pickFrom(sliceFor(exchange, route, choice, cookie), slices, tried)
      )
    },

    onHead(exchange, status, headers) {
      const { route, instance } = exchange
      // Asked for every answer: nearly always there is nothing to pin and nothing pinned.
      if (!instance?.affinity && !exchange.isDrawn && exchange.hasOurCookies === false) return
      // Nobody is tied to an instance by its failure.
      if (!route || !instance || status >= 500 || !isNavigation(exchange)) return
      const cookie = cookies.read(exchange.headers.all('cookie'))
      const before = cookie?.pins ?? []
      const name = pinName(route)
      let pins = before
      if (instance.affinity) pins = withPin(pins, 'instance', instance.service, instance.id)
      // A pin from before is moved even when one version is left: when another returns, it would bring it back
      // for what belongs to this page.
      if (exchange.isDrawn || pinned(before, 'version', name) !== undefined) {
        pins = withPin(pins, 'version', name, sliceKey(instance))
      }
      const isUnchanged = pins === before && (cookie?.isFresh ?? true)
      if (isUnchanged || isPubliclyCacheable(headers)) return
      exchange.visitor ??= cookie?.visitor ?? newVisitor()
      const { line, dropped } = cookies.write(exchange.visitor, pins, exchange.secure)
      if (dropped > 0) metrics.pinsDropped(dropped)
      exchange.addHeader('set-cookie', line)
    },
  }
}

/**
 * What the version of a route is pinned as. Routes several services of a group share have a name of their own
 * (no service has an `@`): pages that only one of them has say nothing about those.
 */
function pinName({ service, claims }: Route): string {
  const isShared = claims.length > 1 && claims.some((claim) => !claim.startsWith(`${service}\0`))
  return isShared ? `${service}@` : service
}

/** The version this visitor stays with: the one of these routes, or of others that know it. */
function pinnedSlice(pins: readonly Pin[], route: Route, slices: readonly Slice[]): Slice | undefined {
  const own = pinned(pins, 'version', pinName(route))
  const slice = own === undefined ? undefined : slices.find(({ key }) => key === own)
  if (slice) return slice
  const others = pins.filter(({ kind }) => kind === 'version').map(({ is }) => is)
  return slices.find(({ key }) => others.includes(key))
}

function isPin(pin: Pin, kind: Pin['kind'], of: string): boolean {
  return pin.kind === kind && pin.of === of
}

function pinned(pins: readonly Pin[], kind: Pin['kind'], of: string): string | undefined {
  for (const pin of pins) if (isPin(pin, kind, of)) return pin.is
  return undefined
}

/** The pins with this one as their newest; the same list when it is in there already. */
function withPin(pins: readonly Pin[], kind: Pin['kind'], of: string, is: string): readonly Pin[] {
  if (pinned(pins, kind, of) === is) return pins
  return [...pins.filter((pin) => !isPin(pin, kind, of)), { kind, of, is }]
}
