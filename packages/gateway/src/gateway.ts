/**
 * Builds a gateway and starts serving. Read this to learn what exists and who knows whom.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { createAdmission } from './address/admission.ts'
import { registerStaticServices } from './channels/static.ts'
import { type Config, hasIdentity } from './config.ts'
import { createXrayPass } from './fragments/xray-pass.ts'
import { openIdentity } from './identity/identity.ts'
import { NO_IDENTITY } from './identity/no-identity.ts'
import type { RouteOf } from './identity/other-route.ts'
import { createPathDemands } from './identity/path-demands.ts'
import type { Keys } from './keys.ts'
import type { Clock } from './observe/clock.ts'
import type { Log } from './observe/log.ts'
import { createMetrics } from './observe/metrics.ts'
import { nearestPath } from './pages/nearest.ts'
import { openPagesOf } from './pages/open-pages.ts'
import { createAnswers } from './proxy/answers.ts'
import type { Exchange } from './proxy/exchange.ts'
import { createHealth } from './registry/health.ts'
import type { Entry } from './registry/member.ts'
import { serviceState } from './registry/overview.ts'
import { createProber } from './registry/probe.ts'
import { createRegistry } from './registry/registry.ts'
import { createSiteMap } from './registry/site-map.ts'
import { createSync } from './registry/sync.ts'
import type { Live } from './routing/live.ts'
import { emptyTable } from './routing/table.ts'
import { createVitals } from './routing/vitals.ts'
import { healthSlice, identitySlice, menusSlice, registrySlice } from './slices.ts'
import { createMemoryIdentityStore } from './store/identity/memory.ts'
import type { IdentityStore } from './store/identity/port.ts'
import { createMemoryStore } from './store/memory.ts'
import type { Certificates } from './tls/certificates.ts'
import { createChannels } from './wiring/channels.ts'
import type { Core } from './wiring/core.ts'
import { createDataPlane } from './wiring/data-plane.ts'
import { createGatewayDoors } from './wiring/doors.ts'
import { createSiteEvents } from './wiring/events.ts'
import { setGauges } from './wiring/gauges.ts'
import { openListeners } from './wiring/listeners.ts'
import { createLivePages } from './wiring/live-pages.ts'

/** What a gateway is given beside its configuration. */
export interface Ports {
  readonly keys: Keys
  readonly clock: Clock
  readonly log: Log
  /** Present when the public port speaks TLS; whoever opened them closes them. */
  readonly certificates?: Certificates
  /** Users, links, ended sessions and signing keys; whoever opened it closes it. @default memory */
  readonly identityStore?: IdentityStore
  /** 0 to 1, as Math.random: for choices that need not be secret. */
  readonly random?: () => number
}

export interface Gateway {
  /** Where visitors reach it: `http://localhost:8080`, or `https://…` with certificates. */
  readonly url: string
  readonly port: number
  /** Present with a control port of its own. */
  readonly controlUrl?: string
  readonly controlPort?: number
  /** Present with RSocket over TCP. */
  readonly rsocketPort?: number
  /** Who signs in here, for people. */
  readonly signIn: {
    readonly isOn: boolean
    readonly users: number
    readonly place: string
    readonly isLasting: boolean
    readonly warnings: readonly string[]
  }
  /** Stops: readiness fails, running requests finish within the grace, services are told, everything closes. */
  close(): Promise<void>
}

export async function createGateway(
  config: Config,
  {
    keys,
    clock,
    log,
    certificates,
    identityStore = createMemoryIdentityStore(),
    random = Math.random,
  }: Ports,
): Promise<Gateway> {
  // Whoever asks for TLS must not get a port without.
  if (config.tls && !certificates)
    throw new Error('the configuration asks for TLS: give certificates, as openCertificates opens them')
  const live: Live = { table: emptyTable() }
  const node = randomUUID()
  const metrics = createMetrics()
  const vitals = createVitals(healthSlice(config))
  const core: Core = { config, keys, random, clock, log, metrics, live, vitals }
  let stopping = false

  const xray = createXrayPass({ privateKeys: keys.privateKeys, isAlwaysOn: config.fragments.xray, clock })

  // What visitors get when no service answers.
  const site = createSiteMap({ live, vitals, overview: () => registry.latestOverview() })
  const openPages = (caller: Exchange['caller']) =>
    openPagesOf(
      () => livePages.menus.names(caller),
      (name) => livePages.menus.view(name, caller),
    )
  const answers = createAnswers({
    settings: { siteTitle: config.siteTitle, retryAfterSeconds: 5 },
    serviceOf: (name) => live.table.service(name),
    isServing: site.isServing,
    openPages,
    nearest: (path, caller) =>
      nearestPath(
        path,
        site.paths(),
        (open) => site.isServing(open) && livePages.menus.isFor(open, '', caller),
      ),
    onHead: (...about) => identity?.onHead(...about),
    clock,
    log,
    metrics,
  })

  // Who signs in here, if anybody: by the configuration, or since the database has users.
  const routeOf: RouteOf = ({ host, method, isUpgrade }, path) =>
    live.table.match(host, path, method, isUpgrade)
  const isOn = hasIdentity(config) || (await identityStore.users.list()).length > 0
  const identity = isOn
    ? await openIdentity({
        settings: identitySlice(config),
        privateKeys: keys.privateKeys,
        store: identityStore,
        answers,
        routeOf,
        table: () => live.table,
        titleOf: (name) => live.table.service(name)?.title,
        clock,
        log,
        metrics,
      })
    : undefined
  const identityFacts = identity?.facts ?? NO_IDENTITY
  const demandsAt =
    identity?.demandsAt ??
    createPathDemands({
      routeOf: ({ host }, path) => routeOf({ host, method: 'GET', isUpgrade: false }, path),
    })

  // Control plane: learns about services, publishes a new table.
  const store = createMemoryStore({ clock })
  const admission = createAdmission({
    registrationFrom: config.registration.from,
    upstreamsAllow: config.upstreams.allow,
  })
  const health = createHealth({
    settings: healthSlice(config),
    entries: () => registry.entries(),
    vitals,
    metrics,
    clock,
    log,
  })
  const registry = createRegistry({
    settings: registrySlice(config),
    identity: identityFacts,
    health,
    store,
    admission,
    vitals,
    table: () => live.table,
    publish(change) {
      live.table =
        'forgotten' in change ? live.table.withoutService(change.forgotten) : live.table.withService(change)
    },
    menus: {
      ...menusSlice(config),
      demandsAt,
      demandOf: identity?.demandOf,
    },
    node,
    clock,
    log,
  })
  const stateOf = (entry: Entry) => serviceState(entry, vitals, health.stateOf)
  const prober = createProber({ clock, vitals, settings: { everyMs: 1000, timeoutMs: 500 } })
  const sync = createSync({ store, registry, node, clock, log })

  const livePages = createLivePages(core, { registry, identity, demandsAt, healthOf: health.stateOf })
  const events = createSiteEvents(core, { registry, stateOf })
  setGauges(core, { registry, stateOf, hub: livePages.hub })

  // Data plane: reads the table, forwards requests, puts pages together.
  const dataPlane = createDataPlane(core, {
    answers,
    identity,
    xray,
    pages: livePages,
    lineOf: (instance) => channels.rsocket.lineOf(instance),
  })
  const { forwarder, desk } = dataPlane
  registry.onMember((event, instance) => {
    // Connections to where it was are of no use to anybody.
    if (event !== 'joined') forwarder.dropInstance(instance.id)
    if (event === 'left') prober.unwatch(instance.id)
    else prober.watch({ id: instance.id, address: instance.address, always: instance.channel === 'static' })
  })

  // Channels and doors: how services, operators and waiting visitors reach us.
  const channels = createChannels(core, {
    registry,
    admission,
    identity: identityFacts,
    desk,
    prober,
    journal: events.journal,
  })
  const doors = createGatewayDoors(core, {
    registry,
    health,
    channels,
    desk,
    identity,
    identityFacts,
    identityStore,
    livePages,
    events,
    xray,
    openPages,
    isReady: () => !stopping,
  })

  registerStaticServices(config.services, registry)
  await sync.look()

  const stop = async (): Promise<void> => {
    prober.stop()
    health.stop()
    registry.stop()
    forwarder.close()
    await identity?.close()
    await store.close()
  }
  const listeners = await openListeners(core, {
    doors,
    answers,
    dataPlane,
    rsocket: channels.rsocket,
    identity,
    routeOf,
    certificates,
  }).catch(async (error) => {
    sync.stop()
    await stop()
    throw error
  })
  const { close: closeListeners, ...addresses } = listeners
  return {
    ...addresses,
    signIn: {
      isOn,
      users: (await identity?.countUsers()) ?? 0,
      place: identityStore.place,
      isLasting: identityStore.isLasting,
      warnings: identity?.ring.warnings ?? [],
    },
    async close() {
      stopping = true
      sync.stop()
      // Streams that never end by themselves are not waited for.
      events.stop()
      livePages.hub.close()
      await closeListeners()
      await stop()
    },
  }
}
