/**
 * The registry: the truth about services at this node.
 *
 * Channels report what services say and when they fall silent; the registry keeps members, leases and the routes
 * that outlive them, and publishes every change in the tick in which it happened. What this node heard is
 * written to the store; what other nodes heard comes in through `sync.ts`. It never looks at a request.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import type { Overview, Registration } from '@hydra-gateway/protocol'
import type { Admission } from '../address/admission.ts'
import type { KnownInstance, Registered, Registrant, Registrar } from '../channels/port.ts'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { fallbackProblem } from '../routing/fallback.ts'
import type { RoutingTable, ServiceChange } from '../routing/table.ts'
import type { Address, Instance } from '../routing/upstream.ts'
import { compareVersions } from '../routing/version.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { InstanceStore } from '../store/port.ts'
import { compileDeclaration, manifestHash } from './declaration.ts'
import { createLeases } from './leases.ts'
import type { Entry, Member } from './member.ts'
import { compileOverview } from './overview.ts'

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
  /** The table as it is published now: for conflicts and availability. */
  readonly table: () => RoutingTable
  /** The hinge: what the table must become. Called in the tick of the change. */
  readonly publish: (change: ServiceChange | { readonly forgotten: string }) => void
  /** Name of this node in the store. */
  readonly node: string
  readonly clock: Clock
  readonly log: Log
}

export interface Registry extends Registrar {
  /** Operator config: an instance that needs no lease. */
  registerStatic(registration: Registration, instance: StaticInstance): Registered
  /** Drops a service and its routes; false when the name isn't known. Its instances must register again. */
  forget(service: string): boolean
  entries(): Iterable<Entry>
  /** Milliseconds since the last sign of life; undefined for instances without a lease. */
  silentForMs(instanceId: string): number | undefined
  /** Members that other nodes heard, as the store lists them now; the ones missing are gone. */
  adopt(members: readonly Adopted[]): void
  /** Calls back when an instance came or went, before requests can reach it or after they can't. */
  onMember(listener: (event: 'joined' | 'left', instance: Instance) => void): void
  stop(): void
}

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
}

/** Changes of one moment become one overview: services often arrive in swarms. */
const OVERVIEW_GATHER_MS = 10

export function createRegistry(deps: RegistryDeps): Registry {
  const { settings, store, admission, vitals, table, publish, node, clock, log } = deps
  const entries = new Map<string, Entry>()
  const members = new Map<string, Member>()
  const leases = createLeases({ clock })
  const overviewListeners = new Set<(overview: Overview) => void>()
  const memberListeners: ((event: 'joined' | 'left', instance: Instance) => void)[] = []
  let claims = 0
  let overview: Overview | undefined
  let announcing: (() => void) | undefined

  // ---- what others see --------------------------------------------------------------------------------

  const touchOverview = (): void => {
    overview = undefined
    if (overviewListeners.size === 0) return
    announcing ??= clock.after(OVERVIEW_GATHER_MS, () => {
      announcing = undefined
      const current = currentOverview()
      for (const listener of overviewListeners) listener(current)
    })
  }
  const currentOverview = (): Overview => {
    overview ??= compileOverview({ entries: entries.values(), table: table(), vitals })
    return overview
  }
  const serving = (entry: Entry): Member[] => [...entry.members.values()].filter(({ state }) => state === 'available')

  const publishEntry = (entry: Entry): void => {
    const instances = serving(entry).map(({ instance }) => instance)
    if (instances.length > 0) entry.downSince = undefined
    else entry.downSince ??= clock.now()
    const manifests = new Map([...entry.members.values()].map(({ manifest }) => [manifest.hash, manifest]))
    for (const [hash, { manifest }] of entry.orphans) manifests.set(hash, manifest)
    publish({
      service: {
        name: entry.name,
        title: entry.declared.title ?? titleOf(entry.name),
        channel: entry.channel,
        ...(entry.declared.fallback ? { fallback: entry.declared.fallback } : {}),
        ...(entry.downSince === undefined ? {} : { downSince: entry.downSince }),
      },
      ...(entry.declared.group ? { group: entry.declared.group } : {}),
      rank: entry.rank,
      manifests: [...manifests.values()],
      instances,
    })
    touchOverview()
  }

  // ---- members come and go ----------------------------------------------------------------------------

  const knownManifest = (name: string, hash: string) => {
    const entry = entries.get(name)
    if (!entry) return undefined
    for (const member of entry.members.values()) if (member.manifest.hash === hash) return member
    return undefined
  }

  const admit = (member: Member): void => {
    const { registration } = member
    const moved = members.get(member.id)
    if (moved && moved.registration.name !== registration.name) remove(moved, 'it registered under another name')
    let entry = entries.get(registration.name)
    if (!entry) {
      entry = {
        name: registration.name,
        rank: ++claims,
        declared: registration,
        channel: member.channel,
        members: new Map(),
        orphans: new Map(),
        downSince: undefined,
      }
      entries.set(entry.name, entry)
    }
    const before = entry.members.get(member.id)
    if (!before) {
      // A new process of this version or a newer one speaks for the routes a vanished one left behind.
      for (const [hash, orphan] of entry.orphans) {
        if (compareVersions(registration.version, orphan.version) >= 0) entry.orphans.delete(hash)
      }
    }
    entry.orphans.delete(member.manifest.hash)
    entry.declared = registration
    entry.members.set(member.id, member)
    members.set(member.id, member)
    vitals.revive(member.id)
    if (!before) for (const listener of memberListeners) listener('joined', member.instance)
    publishEntry(entry)
  }

  const remove = (member: Member, reason: string, { remember = true } = {}): void => {
    const entry = entries.get(member.registration.name)
    if (!entry?.members.delete(member.id)) return
    members.delete(member.id)
    leases.release(member.id)
    const shared = [...entry.members.values()].some(({ manifest }) => manifest.hash === member.manifest.hash)
    // While siblings serve, a graceful leaver takes the routes only it had along; the last one never does.
    if (!shared && (remember || entry.members.size === 0)) {
      entry.orphans.set(member.manifest.hash, { manifest: member.manifest, version: member.registration.version })
    }
    publishEntry(entry)
    vitals.forget(member.id)
    for (const listener of memberListeners) listener('left', member.instance)
    log.info({ service: entry.name, instance: member.id, reason, left: entry.members.size }, 'instance left')
    if (member.node === node && member.channel !== 'static') {
      store.release(member.id).catch((error) => log.warn({ err: error, instance: member.id }, 'store: release failed'))
    }
  }

  const drop = (entry: Entry, reason: string): void => {
    for (const member of [...entry.members.values()]) remove(member, reason)
    entries.delete(entry.name)
    publish({ forgotten: entry.name })
    touchOverview()
    log.info({ service: entry.name, reason }, 'service forgotten')
  }

  // ---- time passes ------------------------------------------------------------------------------------

  const check = (): void => {
    for (const id of leases.takeLapsed()) {
      const member = members.get(id)
      if (member) remove(member, member.state === 'recovering' ? 'its channel did not return' : 'no sign of life')
    }
    const now = clock.now()
    for (const entry of entries.values()) {
      if (entry.downSince === undefined) continue
      if (now - entry.downSince > settings.forgetAfterMs) drop(entry, 'not seen for too long')
      else if (now - entry.downSince > settings.takeoverAfterMs && isContested(entry)) {
        // Its turn is over: whoever waits and serves gets the routes, and a comeback waits in line.
        entry.rank = ++claims
        log.warn({ service: entry.name }, 'contested routes go to a service that serves')
        publishEntry(entry)
      }
    }
  }
  const isContested = (entry: Entry): boolean =>
    table()
      .conflicts()
      .some(({ incumbent, newcomer }) => incumbent === entry.name && entries.get(newcomer)?.downSince === undefined)

  const stopChecking = clock.every(settings.checkMs, check)
  // Resting instances change what menus may promise, not the table: the balancer passes over them by itself.
  vitals.onChange((instanceId, resting) => {
    const member = members.get(instanceId)
    if (!member) return
    log.warn({ service: member.registration.name, instance: instanceId, resting }, resting ? 'instance refuses connections' : 'instance is back')
    touchOverview()
  })

  // ---- what channels call -----------------------------------------------------------------------------

  const make = (registration: Registration, registrant: Registrant, host: string): Member => {
    const { channel } = registrant
    const id = channel === 'rsocket' && registration.instanceId ? registration.instanceId : addressId(registration, host)
    const known = knownManifest(registration.name, manifestHash(registration, channel))
    const compiled = known ?? compileDeclaration(registration, channel, settings)
    if ('warnings' in compiled) {
      for (const warning of compiled.warnings) log.warn({ service: registration.name, warning }, 'route translated with a loss')
    }
    return {
      id,
      // Thousands of static names were turned into routes; nobody reads them again.
      registration: { ...registration, staticResources: [] },
      channel,
      peer: registrant.peer,
      node,
      manifest: compiled.manifest,
      refused: compiled.refused,
      state: 'available',
      instance: Object.freeze({
        id,
        service: registration.name,
        manifest: compiled.manifest.hash,
        channel,
        address: Object.freeze({ protocol: registration.webProtocol, host, port: registration.port }),
        version: registration.version,
        weight: registration.weight,
        awakening: registration.awakening ?? 'NEWEST_VERSION_WINS',
        affinity: registration.affinity ?? channel === 'http',
      } satisfies Instance),
    }
  }
  const checkRoom = (id: string): void => {
    if (members.size >= settings.maxInstances && !members.has(id)) {
      throw new HydraError('HYDRA_OVERLOADED', `this gateway knows ${settings.maxInstances} instances already (registration.maxInstances)`)
    }
  }
  const answerFor = (member: Member): Registered => ({
    instanceId: member.id,
    revision: table().revision,
    refused: [...member.refused, ...lostClaims(table(), member.registration.name)],
  })

  return {
    async register(registration, registrant) {
      const problem = registration.fallback ? fallbackProblem(registration.fallback) : undefined
      if (problem) throw new HydraError('HYDRA_BAD_REGISTRATION', `fallback ${problem}`)
      const address = await admission.resolve(registration.host, registrant.peer)
      if ('refused' in address) throw new HydraError('HYDRA_FORBIDDEN_ADDRESS', address.refused)
      const member = make(registration, registrant, address.address)
      checkRoom(member.id)
      const returning = members.get(member.id)
      admit(member)
      leases.renew(member.id, settings.leaseMs)
      const { name: service, version } = registration
      const lost = lostClaims(table(), service)
      log[returning ? 'debug' : 'info'](
        { service, instance: member.id, version, channel: member.channel, address: `${address.address}:${registration.port}`, routes: member.manifest.routes.length },
        'instance registered',
      )
      if (!returning && (member.refused.length > 0 || lost.length > 0)) {
        log.warn({ service, refused: [...member.refused, ...lost].slice(0, 20) }, 'routes left out')
      }
      await store
        .put({ id: member.id, service, node, declared: storable(member, registration) }, settings.leaseMs)
        .catch((error) => log.warn({ err: error, service }, 'store: registration known to this node only'))
      return answerFor(member)
    },
    registerStatic(registration, { id, address, hostHeader }) {
      const made = make(registration, { channel: 'static' }, address.host)
      const instance = Object.freeze({ ...made.instance, id, address, ...(hostHeader ? { hostHeader } : {}) })
      const member: Member = { ...made, id, instance }
      admit(member)
      return answerFor(member)
    },
    beat(instanceId) {
      const member = members.get(instanceId)
      if (!member) return false
      leases.renew(instanceId, settings.leaseMs)
      if (member.state === 'recovering') {
        member.state = 'available'
        publishEntry(entries.get(member.registration.name)!)
        log.info({ service: member.registration.name, instance: instanceId }, 'instance recovered')
      }
      store.renew(instanceId, settings.leaseMs).catch((error) => log.debug({ err: error }, 'store: renewal failed'))
      return true
    },
    suspend(instanceId, reason) {
      const member = members.get(instanceId)
      if (member?.state !== 'available') return
      member.state = 'recovering'
      leases.renew(instanceId, settings.resumeMs)
      publishEntry(entries.get(member.registration.name)!)
      log.info({ service: member.registration.name, instance: instanceId, reason }, 'instance out of rotation')
    },
    deregister(instanceId, { forget = false } = {}) {
      const member = members.get(instanceId)
      if (!member) return false
      const { name } = member.registration
      remove(member, 'it deregistered', { remember: false })
      const entry = entries.get(name)
      if (forget && entry?.members.size === 0) drop(entry, 'its last instance asked for it')
      return true
    },
    forget(service) {
      const entry = entries.get(service)
      if (entry) drop(entry, 'an operator asked for it')
      return entry !== undefined
    },
    adopt(adopted) {
      const listed = new Set(adopted.map(({ id }) => id))
      for (const member of [...members.values()]) {
        if (member.node !== node && !listed.has(member.id)) remove(member, 'no node hears it any more')
      }
      for (const { id, node: owner, channel, registration, host, peer } of adopted) {
        const known = members.get(id)
        if (owner === node || known?.node === node) continue
        if (known && known.manifest.hash === manifestHash(registration, channel) && known.node === owner) continue
        admit({ ...make(registration, { channel, ...(peer ? { peer } : {}) }, host), node: owner })
      }
    },
    instancesOf: (service) => [...(entries.get(service)?.members.values() ?? [])].map(knownInstance),
    active: () =>
      [...entries.values()]
        .map((entry) => ({ serviceName: entry.name, registrations: serving(entry).map(({ registration }) => registration) }))
        .filter(({ registrations }) => registrations.length > 0),
    overview: currentOverview,
    onOverview(listener) {
      overviewListeners.add(listener)
      return () => void overviewListeners.delete(listener)
    },
    onMember: (listener) => void memberListeners.push(listener),
    entries: () => entries.values(),
    silentForMs: leases.silentForMs,
    stop() {
      stopChecking()
      announcing?.()
    },
  }
}

/** An address is an identity within a name (`medusa.md` 1.1); the one that is reached, as several may say 127.0.1.1. */
function addressId({ name, webProtocol, port, socketPort }: Registration, host: string): string {
  return createHash('sha256').update(JSON.stringify([name, webProtocol, host, port, socketPort])).digest('hex').slice(0, 32)
}

function lostClaims(table: RoutingTable, service: string): { path: string; reason: string }[] {
  return table
    .conflicts()
    .filter(({ newcomer }) => newcomer === service)
    .map(({ pattern, reason }) => ({ path: pattern, reason }))
}

function knownInstance({ id, channel, registration, instance, peer }: Member): KnownInstance {
  const { host, port } = instance.address
  return { id, channel, announcedHost: registration.host, host, port, peer }
}

/** What another node needs to route to this member; `adopt` takes it apart again. */
function storable(member: Member, registration: Registration) {
  return { channel: member.channel, host: member.instance.address.host, peer: member.peer, registration }
}

/** `order-history` → `Order history`, for services that don't say what visitors call them. */
function titleOf(name: string): string {
  const words = name.replace(/[-_.]+/g, ' ').replace(/\b[sS]ervice$/, '').trim() || name
  return words.charAt(0).toUpperCase() + words.slice(1)
}
