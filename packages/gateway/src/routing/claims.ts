/**
 * Claims: who may serve one shape of path, when several services or several versions of one declare it.
 *
 * The claim with the lowest rank serves. A claim of another service that overlaps with it (same shape, both
 * for upgrades or both not, a method in common) loses as a whole and is listed as a conflict, until whatever
 * stands in its way is gone. Versions of one service, and services of one rollout group, share instead.
 *
 * @module
 */
import type { Conflict, Route, RouteSpec } from './route.ts'

/** What one manifest of one service declared at this place. */
export interface Claim {
  readonly service: string
  /** The only element is `service NUL manifest`; one array for all routes of the manifest. */
  readonly keys: readonly string[]
  readonly spec: RouteSpec
}

/** What decides between services. */
export interface Standing {
  readonly rank: number
  readonly group?: string
}

/** Everything that is known about one shape at one host. An undisputed claim, nearly always, is just its route. */
export type Leaf = Route | Contested

class Contested {
  readonly claims: readonly Claim[]
  readonly routes: readonly Route[]
  readonly conflicts: readonly Conflict[]

  constructor(claims: readonly Claim[], routes: readonly Route[], conflicts: readonly Conflict[]) {
    this.claims = claims
    this.routes = routes
    this.conflicts = conflicts
  }
}

/** A leaf without the claims of dropped manifests and with new ones; undefined when no claim is left. */
export function settle(
  leaf: Leaf | undefined,
  dropped: ReadonlySet<string>,
  added: readonly Claim[],
  standingOf: (service: string) => Standing,
): Leaf | undefined {
  const left =
    dropped.size === 0 ? claimsOf(leaf) : claimsOf(leaf).filter(({ keys }) => !dropped.has(keys[0]!))
  const claims = [...left, ...added]
  const [only] = claims
  if (only === undefined) return undefined
  if (claims.length === 1) return routeOfClaim(only)
  return judge(claims, standingOf)
}

/** The route of a leaf that takes this request. */
export function choose(leaf: Leaf, method: string, isUpgrade: boolean): Route | undefined {
  if (!(leaf instanceof Contested)) return accepts(leaf, method, isUpgrade) ? leaf : undefined
  for (const route of leaf.routes) if (accepts(route, method, isUpgrade)) return route
  return undefined
}

export function routesOf(leaf: Leaf | undefined): readonly Route[] {
  if (leaf === undefined) return []
  return leaf instanceof Contested ? leaf.routes : [leaf]
}

export function countRoutes(leaf: Leaf | undefined): number {
  if (leaf === undefined) return 0
  return leaf instanceof Contested ? leaf.routes.length : 1
}

const PEACE: readonly Conflict[] = Object.freeze([])

export function conflictsOf(leaf: Leaf | undefined): readonly Conflict[] {
  return leaf instanceof Contested ? leaf.conflicts : PEACE
}

function accepts({ kind, methods }: Route, method: string, isUpgrade: boolean): boolean {
  if ((kind === 'socket') !== isUpgrade) return false
  return methods === undefined || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
}

function claimsOf(leaf: Leaf | undefined): readonly Claim[] {
  if (leaf === undefined) return []
  return leaf instanceof Contested ? leaf.claims : [{ service: leaf.service, keys: leaf.claims, spec: leaf }]
}

/** The route of a claim nobody disputes. A claim that came from a route is that route again. */
export function routeOfClaim({ spec, service, keys }: Claim): Route {
  return isRoute(spec) ? spec : routeOf(spec, service, keys, spec.methods)
}

function isRoute(spec: RouteSpec): spec is Route {
  return 'claims' in spec
}

/** Every field is named, so that all routes have one layout and reading them stays fast. */
function routeOf(
  spec: RouteSpec,
  service: string,
  claims: readonly string[],
  methods: RouteSpec['methods'],
): Route {
  const { pattern, kind, host, to, otherwise, fallback, maxBodyBytes, timeoutMs, encodedSlash } = spec
  const { compose, hold, composedCache } = spec
  return Object.freeze({
    service,
    claims,
    pattern,
    kind,
    methods,
    host,
    to,
    otherwise,
    fallback,
    maxBodyBytes,
    timeoutMs,
    encodedSlash,
    compose,
    hold,
    composedCache,
  }) as Route
}

/** What one service, or one rollout group, has been granted at a leaf: for upgrades, or for everything else. */
interface Grant {
  readonly unit: string
  readonly isSocket: boolean
  readonly claims: Claim[]
}

function judge(unsorted: readonly Claim[], standingOf: (service: string) => Standing): Contested {
  const claims = unsorted.toSorted(
    (a, b) =>
      standingOf(a.service).rank - standingOf(b.service).rank ||
      (a.service < b.service ? -1 : a.service > b.service ? 1 : 0) ||
      (a.keys[0]! < b.keys[0]! ? -1 : a.keys[0]! > b.keys[0]! ? 1 : 0),
  )
  const grants = new Map<string, Grant>()
  const pages = createLedger()
  const sockets = createLedger()
  const conflicts = new Map<string, Conflict>()
  for (const claim of claims) {
    const { group } = standingOf(claim.service)
    const unit = group === undefined ? `service ${claim.service}` : `group ${group}`
    const isSocket = claim.spec.kind === 'socket'
    const incumbent = (isSocket ? sockets : pages).enter(unit, claim)
    if (incumbent !== undefined) {
      const conflict = conflictOf(claim, incumbent)
      conflicts.set(`${claim.service}\0${conflict.methods?.join()}`, conflict)
      continue
    }
    const key = `${isSocket}${unit}`
    const grant = grants.get(key)
    if (grant) grant.claims.push(claim)
    else grants.set(key, { unit, isSocket, claims: [claim] })
  }
  return new Contested(claims, [...grants.values()].flatMap(routesOfGrant), [...conflicts.values()])
}

/** Who has which method. `enter` notes a claim, or names the service that stands in its way. */
function createLedger(): { enter(unit: string, claim: Claim): string | undefined } {
  const holders = new Map<string, { unit: string; service: string }>()
  let everything: { unit: string; service: string } | undefined
  const entered: { unit: string; service: string }[] = []
  return {
    enter(unit, { service, spec }) {
      const methods = effective(spec.methods)
      const rival =
        everything && everything.unit !== unit
          ? everything
          : methods
            ? methods.map((method) => holders.get(method)).find((holder) => holder && holder.unit !== unit)
            : entered.find((holder) => holder.unit !== unit)
      if (rival) return rival.service
      const holder = { unit, service }
      if (entered.at(-1)?.unit !== unit) entered.push(holder)
      if (methods === undefined) everything ??= holder
      else for (const method of methods) if (!holders.has(method)) holders.set(method, holder)
      return undefined
    },
  }
}

/**
 * A route for each set of methods that the same manifests serve: when the new version adds POST, GET still goes
 * to both and POST to the new one only.
 */
function routesOfGrant({ claims }: Grant): readonly Route[] {
  // Keys in the order of their claims, and for each method the first claim and all keys that have it.
  const order = new Map<string, number>()
  const holders = new Map<string, Holders>()
  const open: Holders = { first: undefined, keys: new Set() }
  for (const claim of claims) {
    const key = claim.keys[0]!
    if (!order.has(key)) order.set(key, order.size)
    const methods = effective(claim.spec.methods)
    if (methods === undefined) note(open, claim)
    for (const method of methods ?? []) {
      let held = holders.get(method)
      if (!held) {
        held = { first: undefined, keys: new Set() }
        holders.set(method, held)
      }
      note(held, claim)
    }
  }
  const sorted = (keys: ReadonlySet<string>): string[] =>
    [...keys].sort((a, b) => order.get(a)! - order.get(b)!)

  const sets = new Map<string, { claim: Claim; keys: readonly string[]; methods: string[] }>()
  for (const [method, { first, keys }] of holders) {
    const all = sorted(open.first ? new Set([...keys, ...open.keys]) : keys)
    const id = all.join('\n')
    const set = sets.get(id)
    if (set) set.methods.push(method)
    else {
      // What a manifest says of this very method counts before what it says of all methods.
      const claim = all[0] === first!.keys[0] ? first! : open.first!
      sets.set(id, { claim, keys: Object.freeze(all), methods: [method] })
    }
  }
  const routes = [...sets.values()].map(({ claim, keys, methods }) => {
    const shown = methods.includes('GET') ? methods.filter((method) => method !== 'HEAD') : methods
    return routeOf(claim.spec, claim.service, keys, Object.freeze(shown))
  })
  if (open.first) {
    routes.push(routeOf(open.first.spec, open.first.service, Object.freeze(sorted(open.keys)), undefined))
  }
  return routes
}

interface Holders {
  first: Claim | undefined
  readonly keys: Set<string>
}

function note(holders: Holders, claim: Claim): void {
  holders.first ??= claim
  holders.keys.add(claim.keys[0]!)
}

function effective(methods: readonly string[] | undefined): readonly string[] | undefined {
  return methods?.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods
}

function conflictOf({ service, spec }: Claim, incumbent: string): Conflict {
  const what =
    spec.kind === 'socket'
      ? 'upgrades'
      : spec.methods === undefined
        ? 'every method'
        : spec.methods.join(', ')
  return Object.freeze({
    pattern: spec.pattern.text,
    ...(spec.host === undefined ? {} : { host: spec.host }),
    ...(spec.methods === undefined ? {} : { methods: spec.methods }),
    incumbent,
    newcomer: service,
    reason: `"${incumbent}" was first and keeps serving it; "${service}" (${what}) follows when it is gone`,
  })
}
