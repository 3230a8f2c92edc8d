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
import type { KnownInstance, Observer, Registered, Registrar } from '../channels/port.ts'
import { NO_IDENTITY } from '../identity/no-identity.ts'
import type { IdentityFacts, RouteDemands } from '../identity/port.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { DemandsAt } from '../routing/demands.ts'
import type { RoutingTable, ServiceChange } from '../routing/table.ts'
import type { Address, Instance } from '../routing/upstream.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { InstanceStore, Look } from '../store/port.ts'
import { ALWAYS_REACHABLE, type Reach } from '../store/reach.ts'
import { createAnnouncer } from './announcer.ts'
import { createDrains } from './drains.ts'
import { createFragmentBook, type FragmentBook } from './fragment-book.ts'
import { createFragmentReview } from './fragment-review.ts'
import type { Health } from './health.ts'
import { createHearing } from './hearing.ts'
import { watchLapses } from './lapses.ts'
import { createLeases } from './leases.ts'
import type { Entry, Member } from './member.ts'
import { createMenuBook } from './menu-book.ts'
import type { MenuFaults } from './menu-faults.ts'
import { createObserved } from './observed.ts'
import { createOrphans } from './orphans.ts'
import { compileOverview } from './overview.ts'
import { createPageDemands } from './page-demands.ts'
import { createRecruiter } from './recruit.ts'
import { createRegisteredAnswers } from './registered.ts'
import { createRegistering } from './registering.ts'
import { createRoster, type MemberEvent, type Why } from './roster.ts'
import { createRotation } from './rotation.ts'
import { createSharedMembers, LEFT } from './shared-members.ts'
import { createSignsOfLife } from './signs-of-life.ts'
import { createStandstill } from './standstill.ts'
import { createStoreWriter } from './store-writer.ts'

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
  /** How long instances of a node that fell silent may stay while they take connections, ms. @default 15 s */
  readonly orphanForMs?: number
  /** What lies below `/v1/router/` is the gateway's. @default false */
  readonly hasRouterApi?: boolean | undefined
}

export interface RegistryDeps {
  readonly settings: RegistrySettings
  readonly store: InstanceStore
  /** Whether the store can be reached. @default always */
  readonly reach?: Reach
  /** Whether other nodes write to it. @default false */
  readonly isShared?: boolean
  /** Whether something listens at an address; asked of instances nobody hears any more. @default yes */
  readonly probe?: (address: Pick<Address, 'host' | 'port'>) => Promise<boolean>
  /** Whether a node says that it is there (`cluster/membership.ts`). @default nobody knows */
  readonly isNodeThere?: ((node: string) => boolean) | undefined
  /** 0 to 1, as Math.random. */
  readonly random?: () => number
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
  /** `maxItems`: most items of one menu, read where it is used. @default 500 */
  readonly settings?: { readonly maxItems: number }
  /** What the guard asks for at a path. @default what services declared */
  readonly demandsAt?: DemandsAt | undefined
  /** The same of all paths of a route. @default what services declared */
  readonly demandOf?: RouteDemands | undefined
}

export interface Registry extends Registrar, Observer {
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
  /** What is wrong with items of menus, as of the latest overview. */
  menuFaults(): MenuFaults
  /** What operators say of pages and menus has changed: they are made anew, and everybody is told. */
  judgeAgain(): void
  /** Milliseconds since the last sign of life; undefined for instances without a lease. */
  silentForMs(instanceId: string): number | undefined
  /** Brings in what other nodes wrote: for `sync.ts`. */
  readonly follower: StoreFollower
  /** How this node stands to the others. */
  shared(): SharedFacts
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

/** What follows the store tells the registry. */
export interface StoreFollower {
  /** A look at the store begins. What it came to is said to what is returned. */
  begin(): {
    /** It found changes, or none. */
    found(look: Look | undefined): void
    /** The store did not answer. */
    failed(): void
  }
  /** Calls back when the store should be looked at before the next interval. */
  onWanted(look: () => void): void
}

/** How a node stands to the others that share its store. */
export interface SharedFacts {
  /** Whether the store took or told what was last said to it or asked of it. */
  readonly isConnected: boolean
  /** Instances only this node knows of, as the store could not be told. */
  readonly localOnly: number
  /** Records in the store that are no registrations, or for which there is no room. */
  readonly leftOut: number
}

export function createRegistry(deps: RegistryDeps): Registry {
  const { settings, store, admission, vitals, table, publish, node, clock, log } = deps
  const {
    identity = NO_IDENTITY,
    menus: { settings: menuSettings = { maxItems: 500 }, demandsAt, demandOf } = {},
    health,
  } = deps
  const healthOf = health?.stateOf
  const { reach = ALWAYS_REACHABLE, isShared = false, probe = async () => true, isNodeThere } = deps
  const { random = Math.random } = deps
  const { leaseMs } = settings
  const leases = createLeases({ clock })
  const hearing = createHearing({ clock })
  const drains = createDrains()
  let wantLook: (() => void) | undefined
  const writer = createStoreWriter({
    store,
    node,
    leaseMs,
    reach,
    wantLook() {
      wantLook?.()
      return wantLook !== undefined
    },
    clock,
    random,
    log,
  })
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
    onMember(event, member, reason) {
      if (event === 'left') release(member, reason)
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
    settings: menuSettings,
    clock,
    log,
  })
  let pageDemands = createPageDemands(demandOf)
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

  const orphans = createOrphans({
    forMs: settings.orphanForMs ?? 15_000,
    probe,
    isNodeThere,
    remove(id, reason) {
      const member = roster.member(id)
      if (member) roster.remove(member, reason)
    },
    clock,
  })
  const rotation = createRotation({ roster, drains, writer, vitals, log })
  const shared = createSharedMembers({
    node,
    leaseMs,
    maxInstances: settings.maxInstances,
    roster,
    recruit,
    writer,
    orphans,
    hearing,
    leases,
    drains,
    rotation,
    vitals,
    clock,
    log,
  })
  /** Nothing is known of it here any more; if it was ours, nowhere. */
  const release = ({ id }: Member, reason: string): void => {
    leases.release(id)
    registering.left(id)
    vitals.forget(id)
    shared.left(id)
    writer.end(id, { reason, isLasting: reason === LEFT.politely })
  }

  // ---- time passes ------------------------------------------------------------------------------------

  const standstill = createStandstill({
    checkMs: settings.checkMs,
    wantLook: () => wantLook,
    onAsleep() {
      hearing.believe(false)
      writer.close('looking')
    },
    onAwake: () => hearing.believe(true),
    clock,
  })
  const stopChecking = watchLapses({
    settings,
    isShared,
    roster,
    leases,
    hearing,
    orphans,
    shared,
    writer,
    standstill,
    vitals,
    table,
    wantLook: () => wantLook?.(),
    clock,
    log,
  })
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

  const answers = createRegisteredAnswers({ table, review, menus, log })
  const { answerFor, logRegistered, logRefused } = answers
  const observed = createObserved({ admission, recruit, roster, drains, vitals, answerFor, logRegistered })
  const registering = createRegistering({
    leaseMs,
    admission,
    recruit,
    roster,
    observed,
    drains,
    shared,
    writer,
    leases,
    hearing,
    vitals,
    announcer,
    answers,
    wake: standstill.wake,
  })
  const signs = createSignsOfLife({
    settings,
    roster,
    shared,
    writer,
    standstill,
    leases,
    hearing,
    vitals,
    log,
  })

  return {
    ...observed,
    ...signs,
    register: registering.register,
    drain: rotation.drain,
    resume: rotation.resume,
    registerStatic(registration, { id, address, hostHeader }) {
      const made = recruit(registration, { channel: 'static' }, address.host)
      const instance = Object.freeze({ ...made.instance, id, address, ...(hostHeader ? { hostHeader } : {}) })
      const member: Member = { ...made, id, instance }
      roster.admit(member)
      // Its other instances say the same.
      if (membersOf(registration.name).length === 1) logRefused(member)
      return answerFor(member)
    },
    judgeAgain() {
      menus.judgeAgain()
      pageDemands = createPageDemands(demandOf)
      announcer.touch()
    },
    forget(service) {
      const entry = roster.entry(service)
      if (!entry) return false
      for (const { id } of entry.members.values()) writer.end(id)
      roster.drop(entry, 'an operator asked for it')
      writer.forget(service)
      return true
    },
    follower: {
      begin() {
        const look = writer.begin()
        standstill.lookBegan(look)
        return {
          found(changes) {
            shared.take(changes, look, standstill.lookEnded(look) && writer.open())
          },
          failed() {
            writer.close('away')
            standstill.lookEnded(look)
          },
        }
      },
      onWanted(look) {
        wantLook = look
      },
    },
    shared: () => ({ isConnected: writer.isOpen, localOnly: writer.localOnly, leftOut: shared.leftOut }),
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
      writer.stop()
    },
  }
}

function knownInstance({ id, channel, registration, instance, peer }: Member): KnownInstance {
  const { host, port } = instance.address
  return { id, channel, announcedHost: registration.host, host, port, peer, keyId: instance.keyId }
}
