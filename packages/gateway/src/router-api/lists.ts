/**
 * The lists of the router API: every service of the gateway, whatever channel it came by, in the words of hydra-router
 * (`flywheel.md` 4). What Redis knows comes from there; everything else, and everything while Redis is away, from the registry.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { type Pattern, ROUTER_ROUTES, type Segment } from '@hydra-gateway/protocol'
import { ROUTER_SERVICE } from '@hydra-gateway/protocol/umf'
import type { FlywheelNetwork, InstanceReport, NodeEntry } from '../channels/flywheel/port.ts'
import { entryOf, healthOf, type RouterSelf } from '../channels/flywheel/self.ts'
import type { Peers } from '../messaging/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Entry, Member } from '../registry/member.ts'
import { memberState } from '../registry/overview.ts'
import type { Registry } from '../registry/registry.ts'
import type { Live } from '../routing/live.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { shortenedId } from './shown-ids.ts'

export interface ListsDeps {
  readonly self: RouterSelf
  /** Undefined without Redis. */
  readonly network: FlywheelNetwork | undefined
  readonly peers: Pick<Peers, 'directory'>
  readonly registry: Pick<Registry, 'entries' | 'silentForMs'>
  readonly live: Live
  readonly vitals: Pick<VitalsBook, 'of'>
  /** External routes, by the address of each. @default none */
  readonly externalRoutes?: (() => Readonly<Record<string, readonly string[]>>) | undefined
  /** How long what was read in Redis may be given to others who ask, ms. */
  readonly listForMs: () => number
  readonly clock: Pick<Clock, 'now' | 'monotonic'>
}

/** A service and its routes without their methods. */
export interface ListedRoutes {
  readonly serviceName: string
  readonly routes: readonly string[]
}

/** A live instance: what `nodes` says of it, overlaid by its health where there is one. */
export type ListedInstance = NodeEntry & { readonly updatedOnTS: number; readonly log: readonly unknown[] }

/** The same lists for all who ask within `listForMs`. */
export interface Lists {
  routes(): readonly ListedRoutes[]
  services(): Promise<readonly ListedInstance[]>
  nodes(): Promise<readonly (NodeEntry & { readonly elapsed: number })[]>
  /** Clients by router. `shortened`: enough of their ids to know them again, and not to be taken for them. */
  wsdir(ids: 'whole' | 'shortened'): Readonly<Record<string, Readonly<Record<string, 1>>>>
  ownHealth(): Readonly<Record<string, unknown>>
  /** What is listed may be other from now on: all are made anew. */
  changed(): void
}

export function createLists(deps: ListsDeps): Lists {
  const { self, network, peers, registry, live, vitals, clock, listForMs } = deps
  /** What Redis lists; nothing without one, undefined while it can't be read. */
  const readIn = <One>(read: Promise<readonly One[]> | undefined): Promise<readonly One[] | undefined> =>
    read?.catch(() => undefined) ?? Promise.resolve([])

  /** Members of the registry that Redis does not list, or all of them while it can't be asked. */
  const members = (isAsked: boolean): { entry: Entry; member: Member }[] =>
    [...registry.entries()].flatMap((entry) =>
      [...entry.members.values()]
        .filter(({ channel }) => !isAsked || channel !== 'flywheel')
        .map((member) => ({ entry, member })),
    )

  const memberEntry = (entry: Entry, { id, instance, registration }: Member): NodeEntry => {
    const { name } = entry
    const silentMs = registry.silentForMs(id) ?? 0
    return {
      serviceName: name,
      serviceDescription: live.table.service(name)?.title ?? name,
      version: versionText(instance.version),
      instanceID: instanceIdOf(name, id),
      updatedOn: new Date(clock.now() - silentMs).toISOString(),
      // Nobody said.
      processID: 0,
      ip: instance.address.host,
      port: instance.address.port,
      hostName: registration.host,
    }
  }

  const services = async (): Promise<readonly ListedInstance[]> => {
    const reports = await readIn(network?.instances())
    const mine: InstanceReport = {
      entry: entryOf(self, clock.now()),
      health: healthOf(self, clock.now()),
      log: [],
    }
    const others = members(reports !== undefined)
      .filter(({ member }) => ['available', 'draining'].includes(memberState(member, vitals)))
      .map(({ entry, member }): InstanceReport => {
        const { activeSince } = member.registration
        const health = activeSince > 0 ? { uptimeSeconds: Math.max(0, clock.now() - activeSince) / 1000 } : {}
        return { entry: memberEntry(entry, member), health, log: [] }
      })
    return byName([mine, ...(reports ?? []), ...others].map(listedInstance))
  }
  const nodes = async (): Promise<readonly (NodeEntry & { readonly elapsed: number })[]> => {
    const known = await readIn(network?.nodes())
    const others = members(known !== undefined).map(({ entry, member }) => memberEntry(entry, member))
    // What is known here of this node is newer than what stands there.
    const now = clock.now()
    const all = new Map([...(known ?? []), ...others, entryOf(self, now)].map((one) => [one.instanceID, one]))
    return byName([...all.values()].map((entry) => ({ ...entry, elapsed: elapsedOf(entry, now) })))
  }

  const routes = (): readonly ListedRoutes[] => {
    const listed = new Map<string, readonly string[]>()
    for (const { name, members: of, orphans } of registry.entries()) {
      const manifests = [...of.values(), ...orphans.values()].map(({ manifest }) => manifest)
      const patterns = manifests.flatMap(({ routes }) => routes.map(({ pattern }) => foreignText(pattern)))
      listed.set(name, patterns)
    }
    for (const [name, routes] of network?.routes() ?? []) listed.set(name, routes.map(withoutMethod))
    for (const [url, routes] of Object.entries(deps.externalRoutes?.() ?? {}))
      listed.set(url.replace(/\/$/, '').toLowerCase(), routes.map(withoutMethod))
    // As it stands in Redis, where there is one: routers beside us list the same.
    const own = listed.get(ROUTER_SERVICE) ?? ROUTER_ROUTES.map(withoutMethod)
    listed.delete(ROUTER_SERVICE)
    const others = [...listed].sort(([a], [b]) => (a < b ? -1 : 1))
    return [[ROUTER_SERVICE, own] as const, ...others].map(([serviceName, routes]) => ({
      serviceName,
      routes: [...new Set(routes)],
    }))
  }
  const wsdir = (shown: (id: string) => string): Readonly<Record<string, Readonly<Record<string, 1>>>> =>
    Object.fromEntries(
      Object.entries(peers.directory()).map(([router, clients]) => [
        router,
        Object.fromEntries(clients.map((client) => [shown(client), 1 as const])),
      ]),
    )

  const make = () => {
    const same = <Value>(list: () => Value) => shared(clock, listForMs, list)
    const whole = (id: string): string => id
    const wsdirs = { whole: same(() => wsdir(whole)), shortened: same(() => wsdir(shortenedId)) }
    return { routes: same(routes), services: same(services), nodes: same(nodes), wsdirs }
  }
  let lists = make()
  return {
    routes: () => lists.routes(),
    services: () => lists.services(),
    nodes: () => lists.nodes(),
    wsdir: (ids) => lists.wsdirs[ids](),
    ownHealth: () => healthOf(self, clock.now()),
    changed() {
      lists = make()
    },
  }
}

function listedInstance({ entry, health, log }: InstanceReport): ListedInstance {
  // Anybody may have written its health: who it is stands in its entry.
  const { serviceName, instanceID } = entry
  const updatedOnTS = timeOf(entry.updatedOn)
  return { ...entry, updatedOnTS, ...health, serviceName, instanceID, log } as ListedInstance
}

function elapsedOf({ updatedOn }: NodeEntry, now: number): number {
  return Math.max(0, Math.floor((now - timeOf(updatedOn)) / 1000))
}

/** Epoch ms; 0 for what says no time. Not every value of JSON can be made a text: `{ "toString": 1 }` throws. */
function timeOf(updatedOn: unknown): number {
  return typeof updatedOn === 'string' ? Date.parse(updatedOn) || 0 : 0
}

function byName<Of extends NodeEntry>(entries: readonly Of[]): readonly Of[] {
  return entries.toSorted((a, b) => {
    if (a.serviceName !== b.serviceName) return a.serviceName < b.serviceName ? -1 : 1
    return a.instanceID < b.instanceID ? -1 : 1
  })
}

/** A version, or what `hydra services` says where nobody gave one: `0` stands for none. */
export function versionText(version: unknown): string {
  return version === 0 ? '-' : textOf(version) || '-'
}

/** What an entry of Redis says in a place where a text or a number stands; nothing for anything else. */
export function textOf(said: unknown): string {
  return typeof said === 'string' || typeof said === 'number' ? String(said) : ''
}

/** The id of an instance as hydra has them: 32 hex digits, always the same for one instance. */
export function instanceIdOf(service: string, id: string): string {
  const bare = id.replaceAll('-', '').toLowerCase()
  if (/^[0-9a-f]{32}$/.test(bare)) return bare
  return createHash('sha256').update(`${service}\0${id}`).digest('hex').slice(0, 32)
}

/** A member of a service's routes without its `[get]`. */
function withoutMethod(member: string): string {
  return member.startsWith('[') ? member.slice(member.indexOf(']') + 1) : member
}

/** A pattern as route-parser writes it. */
function foreignText({ segments }: Pattern): string {
  return segments.length === 0 ? '/' : segments.map(foreignSegment).join('')
}

function foreignSegment(segment: Segment): string {
  switch (segment.kind) {
    case 'literal':
      return `/${segment.text}`
    case 'parameter':
      return `/${segment.before ?? ''}:${segment.name || 'name'}${segment.after ?? ''}`
    case 'wildcard':
      return '/:name'
    case 'splat':
      return segment.least === 0 ? `(/*${segment.name || 'rest'})` : `/*${segment.name || 'rest'}`
  }
}

/**
 * Makes once for all who ask meanwhile, and for those who ask within `forMs`: a list is a walk through Redis, or through
 * all services.
 */
function shared<Value>(clock: Pick<Clock, 'monotonic'>, forMs: () => number, make: () => Value): () => Value {
  let last: { readonly value: Value; until: number } | undefined
  return () => {
    if (last && clock.monotonic() < last.until) return last.value
    const mine = { value: make(), until: Number.POSITIVE_INFINITY }
    last = mine
    const made = (): void => {
      mine.until = clock.monotonic() + forMs()
    }
    // What failed is made anew.
    const failed = (): void => {
      mine.until = 0
    }
    if (mine.value instanceof Promise) mine.value.then(made, failed)
    else made()
    return mine.value
  }
}
