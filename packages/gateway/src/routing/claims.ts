/**
 * Claims: who may serve one shape of path, when several services or several versions of one declare it.
 *
 * The claim with the lowest rank serves. A claim of another service that overlaps with it (same shape, both
 * for upgrades or both not, a method in common) loses as a whole and is listed as a conflict, until whatever
 * stands in its way is gone. Versions of one service, and services of one rollout group, share instead.
 *
 * What is shared is for whom all of them allow it: a request is never sent to an instance by the word of another that
 * asks for less. Where nobody could be allowed, because they ask for different roles or providers, the later claim
 * loses, also against another version of its own service.
 *
 * @module
 */
import { bothOf, FOR_EVERYBODY } from './access.ts'
import type { Access, Conflict, Route, RouteSpec } from './route.ts'

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

/** A route of a leaf for requests, whatever methods it has: first those by the rules of hydra-router. Sites are none. */
export function chooseLeniently(leaf: Leaf): Route | undefined {
  const routes = routesOf(leaf).filter(({ flywheel, kind }) => flywheel !== 'site' && kind !== 'socket')
  return routes.find(({ flywheel }) => flywheel === 'route') ?? routes[0]
}

/** The route of a leaf that stands for the site of a service. */
export function chooseSite(leaf: Leaf): Route | undefined {
  return routesOf(leaf).find(({ flywheel }) => flywheel === 'site')
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
  return isRoute(spec) ? spec : routeOf(spec, service, keys, spec.methods, spec)
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
  { auth, roles, providers }: Access,
): Route {
  const { pattern, kind, host, to, otherwise, fallback, maxBodyBytes, timeoutMs, encodedSlash } = spec
  const { compose, hold, flywheel, composedCache } = spec
  return Object.freeze({
    service,
    claims,
    sharedWith: claims.length === 1 ? undefined : othersOf(service, claims),
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
    flywheel,
    composedCache,
    auth,
    roles,
    providers,
  }) as Route
}

function othersOf(service: string, claims: readonly string[]): readonly string[] | undefined {
  const others = new Set(claims.map((key) => key.slice(0, key.indexOf('\0'))))
  others.delete(service)
  return others.size === 0 ? undefined : Object.freeze([...others])
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
  const note = (conflict: Conflict): void =>
    void conflicts.set(`${conflict.newcomer}\0${conflict.methods?.join()}`, conflict)
  for (const claim of claims) {
    const { group } = standingOf(claim.service)
    const unit = group === undefined ? `service ${claim.service}` : `group ${group}`
    const isSocket = claim.spec.kind === 'socket'
    const incumbent = (isSocket ? sockets : pages).enter(unit, claim)
    if (incumbent !== undefined) {
      const conflict = conflictOf(claim, incumbent)
      note(conflict)
      continue
    }
    const key = `${isSocket}${unit}`
    const grant = grants.get(key)
    if (grant) grant.claims.push(claim)
    else grants.set(key, { unit, isSocket, claims: [claim] })
  }
  const routes = [...grants.values()].flatMap((grant) => routesOfGrant(grant, note))
  return new Contested(claims, routes, [...conflicts.values()])
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
 * A route for each set of methods that the same manifests serve for the same people: when the new version adds POST,
 * GET still goes to both and POST to the new one only.
 */
function routesOfGrant({ claims }: Grant, onConflict: (conflict: Conflict) => void): readonly Route[] {
  const order = new Map<string, number>()
  const open: Sayings = new Map()
  const byMethod = new Map<string, Sayings>()
  for (const claim of claims) {
    const key = claim.keys[0]!
    if (!order.has(key)) order.set(key, order.size)
    const methods = effective(claim.spec.methods)
    if (methods === undefined) say(open, key, claim)
    for (const method of methods ?? []) {
      let said = byMethod.get(method)
      if (!said) {
        said = new Map()
        byMethod.set(method, said)
      }
      say(said, key, claim)
    }
  }
  const shareOf = (said: Sayings): Share => {
    const keys = [...said.keys()].sort((a, b) => order.get(a)! - order.get(b)!)
    return together(keys, said, onConflict)
  }

  const sets = new Map<string, Share & { readonly methods: string[] }>()
  for (const [method, said] of byMethod) {
    // What a manifest says of this very method counts before what it says of all methods.
    const share = shareOf(open.size === 0 ? said : new Map([...open, ...said]))
    const { keys, access } = share
    const id = `${keys.join('\n')}\n${accessKey(access)}`
    const set = sets.get(id)
    if (set) set.methods.push(method)
    else sets.set(id, { ...share, methods: [method] })
  }
  const routes = [...sets.values()].map(({ claim, keys, access, methods }) => {
    const shown = methods.includes('GET') ? methods.filter((method) => method !== 'HEAD') : methods
    return routeOf(claim.spec, claim.service, keys, Object.freeze(shown), access)
  })
  if (open.size > 0) {
    const { claim, keys, access } = shareOf(open)
    routes.push(routeOf(claim.spec, claim.service, keys, undefined, access))
  }
  return routes
}

/** What manifests say of a method, or of all: the first claim of each, and whom all of its claims allow. */
type Sayings = Map<string, { readonly claim: Claim; readonly access: Access }>

function say(sayings: Sayings, key: string, claim: Claim): void {
  const before = sayings.get(key)
  if (!before) sayings.set(key, { claim, access: claim.spec })
  else {
    // Who says two things that nobody fits is held to the first of them: closed, it would leave the path to wider routes.
    const access = bothOf(before.access, claim.spec) ?? before.access
    sayings.set(key, { claim: before.claim, access })
  }
}

/** Who serves something together, and for whom. */
interface Share {
  /** The first to claim it speaks for it. */
  readonly claim: Claim
  readonly keys: readonly string[]
  readonly access: Access
}

/** Lets in, in their order, all that somebody could be allowed by: the first in any case. */
function together(
  ordered: readonly string[],
  said: Sayings,
  onConflict: (conflict: Conflict) => void,
): Share {
  let first: Claim | undefined
  let sum: Access = FOR_EVERYBODY
  const keys: string[] = []
  for (const key of ordered) {
    const { claim, access } = said.get(key)!
    const both = bothOf(sum, access)
    if (both) {
      first ??= claim
      sum = both
      keys.push(key)
    } else onConflict(disagreementOf(claim, first!))
  }
  return { claim: first!, keys: Object.freeze(keys), access: sum }
}

function accessKey({ auth, roles, providers }: Access): string {
  return auth === 'required' ? JSON.stringify([roles, providers]) : ''
}

function disagreementOf({ service, spec }: Claim, { service: other }: Claim): Conflict {
  const reason =
    other === service
      ? `another version of "${service}" asks for other roles or providers: nobody could have both; this one follows when that one is gone`
      : `"${other}" was first and asks for other roles or providers than "${service}": nobody could have both; "${service}" follows when it is gone`
  return Object.freeze({ ...placeOf(spec), incumbent: other, newcomer: service, reason })
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
    ...placeOf(spec),
    incumbent,
    newcomer: service,
    reason: `"${incumbent}" was first and keeps serving it; "${service}" (${what}) follows when it is gone`,
  })
}

function placeOf({ pattern, host, methods }: RouteSpec): Pick<Conflict, 'pattern' | 'host' | 'methods'> {
  return {
    pattern: pattern.text,
    ...(host === undefined ? {} : { host }),
    ...(methods === undefined ? {} : { methods }),
  }
}
