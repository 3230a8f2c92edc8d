/**
 * The state of a routing table, and how one change makes the next. Everything is persistent: what a change
 * doesn't touch is shared, and the state before it stays as it was.
 *
 * @module
 */
import { type Claim, conflictsOf, countRoutes, type Leaf, routeOfClaim, settle } from './claims.ts'
import { type Change, edit, noPaths, type Paths } from './paths.ts'
import { get, type Owner, type PersistentMap, remove, set, update } from './persistent-map.ts'
import type { Conflict, RouteSpec } from './route.ts'
import type { ServiceChange } from './table.ts'
import type { Instance } from './upstream.ts'

export interface State {
  readonly revision: number
  readonly size: number
  readonly services: PersistentMap<ServiceChange>
  /** Instances by claim, `service NUL manifest`; never an empty list. */
  readonly pools: PersistentMap<readonly Instance[]>
  readonly anyHost: Paths
  readonly hosts: PersistentMap<Paths>
  /** Conflicts by place. */
  readonly disputes: PersistentMap<readonly Conflict[]>
}

/** The state with a service as `change` says, or without it. Costs what differs, not what is there. */
export function nextState(state: State, name: string, change: ServiceChange | undefined): State {
  const owner: Owner = {}
  const before = get(state.services, name)
  const services = change ? set(state.services, name, change, owner) : remove(state.services, name, owner)
  const pools = replacePools(state.pools, name, before, change, owner)
  const draft: Draft = { ...state, revision: state.revision + 1, services, pools }

  const stays = new Set(change?.manifests.map(({ hash }) => hash))
  const isReordered = before?.rank !== change?.rank || before?.group !== change?.group
  const places: Places = new Map()
  const dropped = new Set<string>()
  for (const { hash, routes } of before?.manifests ?? []) {
    if (!stays.has(hash)) dropped.add(claimKey(name, hash))
    if (!stays.has(hash) || isReordered) for (const spec of routes) placeOf(places, spec)
  }
  const isOnlyMore = places.size === 0
  const known = new Set(before?.manifests.map(({ hash }) => hash))
  for (const { hash, routes } of change?.manifests ?? []) {
    if (known.has(hash)) continue
    known.add(hash)
    const keys = Object.freeze([claimKey(name, hash)])
    if (isOnlyMore) enterAll(draft, name, keys, routes, places, owner)
    else for (const spec of routes) placeOf(places, spec).added.push({ service: name, keys, spec })
  }
  settleAll(draft, places, dropped, owner)
  return draft
}

type Draft = { -readonly [Key in keyof State]: State[Key] }

/**
 * One shape at one host where claims meet or leave. Each is settled once, whatever happens there, so that a
 * service that declares one shape thousands of times costs no more than another.
 */
interface Place {
  /** Says where it is. */
  readonly spec: RouteSpec
  readonly added: Claim[]
}

type Places = Map<string, Place>

function placeOf(places: Places, spec: RouteSpec): Place {
  const { shape } = spec.pattern
  const key = spec.host === undefined ? shape : `${spec.host}\0${shape}`
  let place = places.get(key)
  if (!place) {
    place = { spec, added: [] }
    places.set(key, place)
  }
  return place
}

/** Takes in the routes nobody else has, nearly always all of them; the others go to `places`. */
function enterAll(
  draft: Draft,
  service: string,
  keys: readonly string[],
  specs: readonly RouteSpec[],
  places: Places,
  owner: Owner,
): void {
  let spec: RouteSpec
  const enter: Change = (leaf) => {
    const claim = { service, keys, spec }
    if (leaf === undefined) {
      draft.size++
      return routeOfClaim(claim)
    }
    placeOf(places, spec).added.push(claim)
    return leaf
  }
  for (spec of specs) editDraft(draft, spec, enter, owner)
}

function settleAll(draft: Draft, places: Places, dropped: ReadonlySet<string>, owner: Owner): void {
  // Every service with a claim is known, the changed one when it stays.
  const standingOf = (service: string): ServiceChange => get(draft.services, service)!
  for (const [key, { spec, added }] of places) {
    const settleHere = (leaf: Leaf | undefined): Leaf | undefined => {
      const settled = settle(leaf, dropped, added, standingOf)
      draft.size += countRoutes(settled) - countRoutes(leaf)
      const conflicts = conflictsOf(settled)
      if (conflicts.length > 0) draft.disputes = set(draft.disputes, key, conflicts, owner)
      else if (conflictsOf(leaf).length > 0) draft.disputes = remove(draft.disputes, key, owner)
      return settled
    }
    editDraft(draft, spec, settleHere, owner)
  }
}

function editDraft(draft: Draft, { host, pattern }: RouteSpec, change: Change, owner: Owner): void {
  if (host === undefined) {
    draft.anyHost = edit(draft.anyHost, pattern, change, owner)
    return
  }
  const editHost = (paths: Paths = noPaths): Paths | undefined => {
    const edited = edit(paths, pattern, change, owner)
    return edited.places === undefined ? undefined : edited
  }
  draft.hosts = update(draft.hosts, host, editHost, owner)
}

function replacePools(
  pools: State['pools'],
  name: string,
  before: ServiceChange | undefined,
  change: ServiceChange | undefined,
  owner: Owner,
): State['pools'] {
  const byManifest = Map.groupBy(change?.instances ?? [], ({ manifest }) => manifest)
  let result = pools
  for (const { manifest } of before?.instances ?? []) {
    if (!byManifest.has(manifest)) result = remove(result, claimKey(name, manifest), owner)
  }
  for (const [manifest, instances] of byManifest) {
    result = set(result, claimKey(name, manifest), Object.freeze(instances), owner)
  }
  return result
}

function claimKey(service: string, manifest: string): string {
  return `${service}\0${manifest}`
}
