/**
 * The registry: the truth about services at this node.
 *
 * Channels report what services say and when they fall silent; the registry keeps members, leases and the routes
 * that outlive them, and publishes every change in the tick in which it happened. What this node heard is
 * written to the store; what other nodes heard comes in through `sync.ts`. It never looks at a request.
 *
 * @module
 */
import type { Overview, Registration } from '@hydra-gateway/protocol'
import type { Admission } from '../address/admission.ts'
import type { KnownInstance, Registered, Registrar } from '../channels/port.ts'
import { HydraError } from '../errors.ts'
import { NO_IDENTITY } from '../identity/no-identity.ts'
import type { IdentityFacts, RouteDemands } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { DemandsAt } from '../routing/demands.ts'
import { fallbackProblem } from '../routing/fallback.ts'
import type { RoutingTable, ServiceChange } from '../routing/table.ts'
import type { Address, Instance } from '../routing/upstream.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { InstanceStore } from '../store/port.ts'
import { createAnnouncer } from './announcer.ts'
import { manifestHash, type Refusal } from './declaration.ts'
import { createDrains } from './drains.ts'
import { createFragmentBook, type FragmentBook } from './fragment-book.ts'
import { fragmentHash } from './fragment-facts.ts'
import { createFragmentReview } from './fragment-review.ts'
import type { Health } from './health.ts'
import { createLeases } from './leases.ts'
import type { Entry, Member } from './member.ts'
import { createMenuBook } from './menu-book.ts'
import type { MenuFaults } from './menu-faults.ts'
import { compileOverview } from './overview.ts'
import { createPageDemands } from './page-demands.ts'
import { createRecruiter } from './recruit.ts'
import { createRoster, isDraining, type MemberEvent, type Why } from './roster.ts'

export interface RegistrySettings {
  /** Routes one registration may declare. @default 20000 */
  readonly maxRoutes: number
  /** Instances known at a time. @default 5000 */
  readonly maxInstances: number
  /** Silence after which an instance is gone, ms. @default 5000 */
  readonly leaseMs: number
  /** How often leases are looked at, ms. @default 250 */
  readonly checkMs: number
  /** How long a closed channel may resume, ms. @default 5000 */
  readonly resumeMs: number
  /** How long the routes of a service without instances stay known, ms. @default 24 h */
  readonly forgetAfterMs: number
  /** How long an incumbent may be down before a serving newcomer gets a contested route, ms. @default 30 s */
  readonly takeoverAfterMs: number
}

export interface RegistryDeps {
  readonly settings: RegistrySettings
  readonly store: InstanceStore
  readonly admission: Admission
  readonly vitals: VitalsBook
  /** How services that serve do so. @default well */
  readonly health?: Pick<Health, 'stateOf' | 'onChange'> | undefined
  /** The table as it is published now: for conflicts and availability. */
  readonly table: () => RoutingTable
  /** The hinge: what the table must become. Called in the tick of the change. */
  readonly publish: (change: ServiceChange | { readonly forgotten: string }) => void
  /** Name of this node in the store. */
  readonly node: string
  /** @default nobody can sign in */
  readonly identity?: IdentityFacts
  /** What menus, and what services are told of pages, are made by beside the table. */
  readonly menus?: MenuDeps
  readonly clock: Clock
  readonly log: Log
}

export interface MenuDeps {
  /** Most items of one menu. @default 500 */
  readonly maxItems?: number
  /** What the guard asks for at a path. @default what services declared */
  readonly demandsAt?: DemandsAt | undefined
  /** The same of all paths of a route. @default what services declared */
  readonly demandOf?: RouteDemands | undefined
}

export interface Registry extends Registrar {
  /** Operator config: an instance that needs no lease. */
  registerStatic(registration: Registration, instance: StaticInstance): Registered
  /**
   * Takes an instance out of rotation: it finishes what was begun and takes nothing new, until it is resumed or its
   * process ends. False when it is not known, or drains already.
   */
  drain(instanceId: string, reason: string): boolean
  /** Back into rotation; false when it is not known, or does not drain. */
  resume(instanceId: string, reason: string): boolean
  /** Drops a service and its routes; false when the name isn't known. Its instances must register again. */
  forget(service: string): boolean
  entries(): Iterable<Entry>
  /** What was judged of fragments and the pages that ask for them. */
  readonly fragments: Pick<FragmentBook, 'conflicts' | 'usesOf'>
  /** The overview without the work of compiling it: for the request path. */
  latestOverview(): Overview
  /** Something the overview says changed, and the registry could not know. */
  touch(): void
  /** What is wrong with items of menus, as of the latest overview. */
  menuFaults(): MenuFaults
  /** Milliseconds since the last sign of life; undefined for instances without a lease. */
  silentForMs(instanceId: string): number | undefined
  /** Members that other nodes heard, as the store lists them now; the ones missing are gone. */
  adopt(members: readonly Adopted[]): void
  /** Calls back when an instance came or went, before requests can reach it or after they can't. */
  onMember(listener: (event: MemberEvent, instance: Instance) => void): void
  /** Calls back in the tick in which something of a service changed, with why; without its entry once it is forgotten. */
  onNews(listener: NewsListener): void
  stop(): void
}

export type NewsListener = (service: string, entry: Entry | undefined, why: Why) => void

/** What operator config adds to an instance. */
export interface StaticInstance {
  readonly id: string
  readonly address: Address
  readonly hostHeader?: string
}

/** A member as another node wrote it. */
export interface Adopted {
  readonly id: string
  readonly node: string
  readonly channel: Member['channel']
  readonly registration: Registration
  readonly host: string
  readonly peer: string | undefined
  /** The key it was answered with, of those that hold only one. */
  readonly keyId?: string | undefined
}

export function createRegistry(deps: RegistryDeps): Registry {
  const { settings, store, admission, vitals, table, publish, node, clock, log } = deps
  const { identity = NO_IDENTITY, menus: { maxItems = 500, demandsAt, demandOf } = {}, health } = deps
  const healthOf = health?.stateOf
  const leases = createLeases({ clock })
  const drains = createDrains()
  /** Which registration of an instance was taken last, counted in the order they came. */
  const turnOf = new Map<string, number>()
  let turns = 0
  const memberListeners: ((event: MemberEvent, instance: Instance) => void)[] = []
  const newsListeners: NewsListener[] = []
  const tell = (service: string, why: Why): void => {
    for (const listener of newsListeners) listener(service, roster.entry(service), why)
  }

  const roster = createRoster({
    maxInstances: settings.maxInstances,
    publish(change, why) {
      publish(change)
      announcer.touch()
      tell('forgotten' in change ? change.forgotten : change.service.name, why)
      if ('forgotten' in change) review.forgotten(change.forgotten)
      else review.changed(change.service.name)
    },
    onMember(event, member) {
      if (event === 'left') release(member)
      for (const listener of memberListeners) listener(event, member.instance)
    },
    clock,
    log,
  })
  const book = createFragmentBook({ rememberMs: settings.takeoverAfterMs, clock, log })
  const review = createFragmentReview({ book, roster })
  const menus = createMenuBook({
    entries: roster.entries,
    table,
    vitals,
    healthOf,
    demandsAt,
    hasLogin: identity.isOn,
    maxItems,
    clock,
    log,
  })
  const pageDemands = createPageDemands(demandOf)
  const announcer = createAnnouncer({
    compile: () =>
      compileOverview({
        entries: roster.entries(),
        table: table(),
        vitals,
        fragments: book.conflicts(),
        menus: menus.read(),
        healthOf,
        pageDemands,
        roleMappings: identity.roleMappings,
        publicKey: identity.publicKey(),
      }),
    clock,
  })
  const stopKeys = identity.onKeys(announcer.touch)
  const membersOf = (service: string): readonly Member[] => [
    ...(roster.entry(service)?.members.values() ?? []),
  ]
  const recruit = createRecruiter({
    settings,
    known: (service, hash) => membersOf(service).find(({ manifest }) => manifest.hash === hash),
    knownFragments: (service, hash) =>
      membersOf(service).find(({ fragments }) => fragments.hash === hash)?.fragments,
    node,
    identity,
    log,
  })

  const release = ({ id, node: owner, channel }: Member): void => {
    leases.release(id)
    turnOf.delete(id)
    vitals.forget(id)
    if (owner !== node || channel === 'static') return
    store.release(id).catch((error) => log.warn({ err: error, instance: id }, 'store: release failed'))
  }

  // ---- time passes ------------------------------------------------------------------------------------

  let checkedAt = clock.monotonic()
  let isSecondLook = false
  const check = (): void => {
    const sinceMs = clock.monotonic() - checkedAt
    checkedAt = clock.monotonic()
    // This process stood still: signs of life wait to be read, and are heard before the next check.
    isSecondLook = !isSecondLook && sinceMs > settings.checkMs + STOOD_STILL_MS
    if (isSecondLook) return
    for (const id of leases.takeLapsed()) {
      const member = roster.member(id)
      if (!member) continue
      const silent = `lease ran out after ${settings.leaseMs / 1000} s`
      roster.remove(member, member.state === 'recovering' ? 'its channel did not return' : silent)
    }
    vitals.sweep((id) => roster.member(id) !== undefined)
    for (const entry of [...roster.entries()]) {
      const downForMs = entry.down ? clock.monotonic() - entry.down.at : 0
      const isThere = [...entry.members.values()].some(isDraining)
      if (downForMs > settings.forgetAfterMs && !isThere) roster.drop(entry, 'not seen for too long')
      else if (downForMs > settings.takeoverAfterMs && isContested(entry)) {
        // Its turn is over: whoever waits and serves gets the routes, and a comeback waits in line.
        log.warn({ service: entry.name }, 'contested routes go to a service that serves')
        roster.yieldClaims(entry)
      }
    }
  }
  const isContested = ({ name }: Entry): boolean =>
    table()
      .conflicts()
      .some(({ incumbent, newcomer }) => incumbent === name && !roster.entry(newcomer)?.down)

  const stopChecking = clock.every(settings.checkMs, check)
  // Resting instances change what menus may promise, not the table: the balancer passes over them by itself.
  vitals.onChange((id, resting) => {
    const service = roster.member(id)?.registration.name
    if (!service) return
    log.warn(
      { service, instance: id, resting },
      resting ? 'instance refuses connections' : 'instance is back',
    )
    announcer.touch()
    tell(service, {
      reason: resting ? 'it refuses connections' : 'it accepts connections again',
      instance: id,
    })
  })

  health?.onChange((service, _, reason) => {
    announcer.touch()
    tell(service, { reason })
  })

  // ---- what channels call -----------------------------------------------------------------------------

  const refusedRoutes = ({ refused, fragments, registration }: Member): readonly Refusal[] => [
    ...refused,
    ...lostClaims(table(), registration.name),
    ...fragments.refused,
  ]
  const answerFor = (member: Member): Registered => ({
    service: member.registration.name,
    instanceId: member.id,
    revision: table().revision,
    refused: [...refusedRoutes(member), ...review.refusedOf(member)],
    warnings: [...(member.warnings ?? []), ...menus.warningsOf(member.registration.name)],
    publicKey: member.publicKey,
  })
  const logRegistered = (member: Member, isNew: boolean): void => {
    const { id: instance, channel, manifest, registration, instance: known } = member
    const { name: service, version } = registration
    const address = `${known.address.host}:${known.address.port}`
    const fields = { service, instance, version, channel, address, routes: manifest.routes.length }
    log[isNew ? 'info' : 'debug'](fields, isNew ? 'instance registered' : 'instance registered again')
    if (isNew) logRefused(member)
  }
  /** Fragments that don't fit are logged as they are judged. */
  const logRefused = (member: Member): void => {
    const { name: service } = member.registration
    const refused = refusedRoutes(member)
    if (refused.length > 0) log.warn({ service, refused: refused.slice(0, MOST_LOGGED) }, 'routes left out')
    for (const warning of member.warnings ?? []) log.warn({ service }, warning)
  }

  return {
    async register(registration, registrant) {
      const { name: service, fallback } = registration
      const problem = fallback ? fallbackProblem(fallback) : undefined
      if (problem) throw new HydraError('HYDRA_BAD_REGISTRATION', `fallback ${problem}`)
      const turn = ++turns
      const resolved = await admission.resolve(registration.host, registrant.peer)
      if ('refused' in resolved) throw new HydraError('HYDRA_FORBIDDEN_ADDRESS', resolved.refused)
      const member = recruit(registration, registrant, resolved.address)
      const { id } = member
      // Names take their time to resolve: what was said later holds, whatever is resolved first.
      if ((turnOf.get(id) ?? 0) > turn) return answerFor(roster.member(id) ?? member)
      const holder = roster.member(id)
      // Ids of addresses can be computed: nobody takes the place of an instance of another channel by naming it.
      if (holder && holder.channel !== registrant.channel)
        throw new HydraError('HYDRA_CONFLICT', 'this instanceId belongs to an instance of another channel')
      roster.makeRoom(member)
      const isNew = holder === undefined
      turnOf.set(id, turn)
      const drain = drains.of(member, holder)
      if (drain) Object.assign(member, { state: 'draining', drain })
      leases.renew(id, settings.leaseMs)
      roster.admit(member)
      // It may have refused connections until it was ready; if it still does, the next request finds out.
      vitals.revive(id)
      // Whoever can reach it finds it in the menus; where that takes long, a moment later.
      announcer.current()
      logRegistered(member, isNew)
      await store
        .put({ id, service, node, declared: storable(member, registration) }, settings.leaseMs)
        .catch((error) => log.warn({ err: error, service }, 'store: registration known to this node only'))
      return answerFor(member)
    },
    registerStatic(registration, { id, address, hostHeader }) {
      const made = recruit(registration, { channel: 'static' }, address.host)
      const instance = Object.freeze({ ...made.instance, id, address, ...(hostHeader ? { hostHeader } : {}) })
      const member: Member = { ...made, id, instance }
      roster.admit(member)
      // Its other instances say the same.
      if (membersOf(registration.name).length === 1) logRefused(member)
      return answerFor(member)
    },
    beat(instanceId) {
      const member = roster.member(instanceId)
      if (!member) return false
      leases.renew(instanceId, settings.leaseMs)
      // It is heard again, and drains on.
      if (member.drain) member.drain = { ...member.drain, instead: 'available' }
      if (member.state === 'recovering') {
        roster.setState(member, 'available', 'its channel is back')
        log.info({ service: member.registration.name, instance: instanceId }, 'instance recovered')
      }
      store
        .renew(instanceId, settings.leaseMs)
        .catch((error) => log.debug({ err: error, instance: instanceId }, 'store: renewal failed'))
      return true
    },
    suspend(instanceId, reason) {
      const member = roster.member(instanceId)
      if (!member || member.state === 'recovering') return
      if (isDraining(member)) {
        // Nobody waits for who was to leave anyway; if it returns it drains on.
        roster.remove(member, reason, { remember: false })
        return
      }
      leases.renew(instanceId, settings.resumeMs)
      roster.setState(member, 'recovering', reason)
      const { name: service } = member.registration
      log.info({ service, instance: instanceId, reason }, 'instance out of rotation')
    },
    deregister(instanceId, { forget = false } = {}) {
      const member = roster.member(instanceId)
      if (!member) return false
      roster.remove(member, 'it deregistered', { remember: false })
      const entry = roster.entry(member.registration.name)
      if (forget && entry?.members.size === 0) roster.drop(entry, 'its last instance asked for it')
      return true
    },
    drain(instanceId, reason) {
      const member = roster.member(instanceId)
      if (!member || isDraining(member)) return false
      member.drain = { reason, instead: member.state === 'recovering' ? 'recovering' : 'available' }
      drains.begin(member, reason)
      roster.setState(member, 'draining', reason)
      const running = vitals.of(instanceId).inFlight
      log.info(
        { service: member.registration.name, instance: instanceId, reason, running },
        'instance drains',
      )
      return true
    },
    resume(instanceId, reason) {
      const member = roster.member(instanceId)
      if (!member || !isDraining(member)) return false
      const { instead = 'available' } = member.drain ?? {}
      member.drain = undefined
      drains.end(member)
      roster.setState(member, instead, reason)
      log.info({ service: member.registration.name, instance: instanceId, reason }, 'instance drains no more')
      return true
    },
    forget(service) {
      const entry = roster.entry(service)
      if (entry) roster.drop(entry, 'an operator asked for it')
      return entry !== undefined
    },
    adopt(adopted) {
      const listed = new Set(adopted.map(({ id }) => id))
      for (const member of [...roster.members()]) {
        if (member.node !== node && !listed.has(member.id)) roster.remove(member, 'no node hears it any more')
      }
      for (const one of adopted) {
        const { id, node: owner, channel, registration, host, peer, keyId } = one
        const known = roster.member(id)
        if (owner === node || known?.node === node) continue
        if (known && isSame(known, one)) continue
        try {
          roster.admit({ ...recruit(registration, { channel, peer }, host, keyId), node: owner })
        } catch (error) {
          // One record that can't be used keeps no other out.
          log.warn({ err: error, instance: id, node: owner }, 'store: a registration was left out')
        }
      }
    },
    instancesOf: (service) => membersOf(service).map(knownInstance),
    active: () =>
      [...roster.entries()]
        .map((entry) => ({
          serviceName: entry.name,
          registrations: roster.serving(entry).map(({ registration }) => registration),
        }))
        .filter(({ registrations }) => registrations.length > 0),
    overview: announcer.current,
    latestOverview: announcer.latest,
    touch: announcer.touch,
    menuFaults: menus.faults,
    onOverview: announcer.listen,
    onMember: (listener) => void memberListeners.push(listener),
    onNews: (listener) => void newsListeners.push(listener),
    entries: roster.entries,
    fragments: book,
    silentForMs: leases.silentForMs,
    stop() {
      stopChecking()
      stopKeys()
      announcer.stop()
    },
  }
}

/** A check that is later than this says more about this process than about those it waits for. */
const STOOD_STILL_MS = 250
/** Reasons of one registration in one log line. */
const MOST_LOGGED = 20

function lostClaims(table: RoutingTable, service: string): Refusal[] {
  return table
    .conflicts()
    .filter(({ newcomer }) => newcomer === service)
    .map(({ pattern, reason }) => ({ path: pattern, reason }))
}

function knownInstance({ id, channel, registration, instance, peer }: Member): KnownInstance {
  const { host, port } = instance.address
  return { id, channel, announcedHost: registration.host, host, port, peer, keyId: instance.keyId }
}

/** Whether another node says of a member what is known of it already. */
function isSame(known: Member, { node, channel, registration, host, keyId }: Adopted): boolean {
  return (
    known.node === node &&
    (keyId === undefined || known.instance.keyId === keyId) &&
    known.instance.address.host === host &&
    known.manifest.hash === manifestHash(registration, channel) &&
    known.fragments.hash === fragmentHash(registration) &&
    JSON.stringify(known.registration) ===
      JSON.stringify({ ...registration, staticResources: [], refs: [], uses: [] })
  )
}

/** What another node needs to route to this member; `adopt` takes it apart again. */
function storable(member: Member, registration: Registration) {
  const { channel, peer, instance } = member
  const { keyId, address } = instance
  return { channel, host: address.host, peer, registration, ...(keyId === undefined ? {} : { keyId }) }
}
