/**
 * Builds a gateway and starts serving. Read this to learn what exists and who knows whom.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { createOwnDoors } from './address/own-doors.ts'
import { externalServices } from './channels/external.ts'
import { registerStaticServices, replaceStaticServices } from './channels/static.ts'
import { type Config, hasIdentity } from './config.ts'
import { createXrayPass } from './fragments/xray-pass.ts'
import { NO_IDENTITY } from './identity/no-identity.ts'
import type { Keys } from './keys.ts'
import { createCells } from './lifecycle/cells.ts'
import type { GivenSockets } from './lifecycle/given-sockets.ts'
import { createReload, type ReloadDeps, type Reloaded } from './lifecycle/reload.ts'
import type { Clock } from './observe/clock.ts'
import { type Log, setLogLevel } from './observe/log.ts'
import { createMetrics } from './observe/metrics.ts'
import { createHealth } from './registry/health.ts'
import type { Entry } from './registry/member.ts'
import { serviceState } from './registry/overview.ts'
import { createProber } from './registry/probe.ts'
import { createRegistry } from './registry/registry.ts'
import { createSync } from './registry/sync.ts'
import type { Live } from './routing/live.ts'
import { emptyTable } from './routing/table.ts'
import { createVitals } from './routing/vitals.ts'
import {
  healthSlice,
  identitySlice,
  liveIdentitySlice,
  mailboxesSlice,
  menusSlice,
  registrySlice,
} from './slices.ts'
import type { IdentityStore } from './store/identity/port.ts'
import { createStoreInMemory, type Store } from './store/store.ts'
import type { Certificates } from './tls/certificates.ts'
import { createChannels } from './wiring/channels.ts'
import { createCluster } from './wiring/cluster.ts'
import type { Core } from './wiring/core.ts'
import { createDataPlane } from './wiring/data-plane.ts'
import { createGatewayDoors } from './wiring/doors.ts'
import { createSiteEvents } from './wiring/events.ts'
import { openFlywheel, routerSelf } from './wiring/flywheel.ts'
import { setGauges } from './wiring/gauges.ts'
import { type CloseOptions, openListeners } from './wiring/listeners.ts'
import { createLiveAdmission } from './wiring/live-admission.ts'
import { createLivePages } from './wiring/live-pages.ts'
import { openMessages } from './wiring/messaging.ts'
import { createOwnAnswers } from './wiring/own-answers.ts'
import { createPrimary, workerCount } from './wiring/primary.ts'
import type { LogStyle } from './workers/messages.ts'

/** What a gateway is given beside its configuration. */
export interface Ports {
  readonly keys: Keys
  readonly clock: Clock
  readonly log: Log
  /** Present when the public port speaks TLS; whoever opened them closes them. */
  readonly certificates?: Certificates
  /** What nodes share; whoever opened it closes it. @default memory, of this gateway alone */
  readonly store?: Store
  /** Users, links, ended sessions and signing keys, when they are kept elsewhere; whoever opened it closes it. @default those of `store` */
  readonly identityStore?: IdentityStore
  /** Ports that somebody else opened. @default they are opened here */
  readonly sockets?: GivenSockets
  /** Reads the configuration once more. @default there is nothing to read again */
  readonly readConfig?: ReloadDeps['read']
  /** What the command was told of the look of its log, for processes that write to it as well. */
  readonly logStyle?: LogStyle
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
    readonly users: number | undefined
    readonly place: string
    readonly isLasting: boolean
    readonly warnings: readonly string[]
  }
  /**
   * Reads configuration and certificates again and applies what changed, at once and as a whole.
   *
   * @throws HydraError HYDRA_CONFLICT, with reasons; then all goes on as it was
   */
  reload(): Promise<Reloaded>
  /** Stops: readiness fails, running requests finish within the grace, services are told, everything closes. */
  close(options?: CloseOptions): Promise<void>
}

export async function createGateway(
  config: Config,
  {
    keys,
    clock,
    log,
    certificates,
    store: given,
    identityStore: people,
    sockets,
    readConfig,
    logStyle,
    random = Math.random,
  }: Ports,
): Promise<Gateway> {
  // Whoever asks for TLS must not get a port without.
  if (config.tls && !certificates)
    throw new Error('the configuration asks for TLS: give certificates, as openCertificates opens them')
  const live: Live = { table: emptyTable() }
  // As a router it has the same id, in which no dash may stand (`flywheel.md` 1.3).
  const node = randomBytes(16).toString('hex')
  const primary = workerCount(config) > 1 ? createPrimary({ config, logStyle }) : undefined
  const metrics = primary?.metrics ?? createMetrics()
  const cells = createCells(config)
  const vitals = createVitals(cells.of(healthSlice))
  const core: Core = { config, cells, keys, random, clock, log, metrics, live, vitals }
  const store =
    given ??
    createStoreInMemory({ clock, rememberMs: config.forgetAfter, mailboxes: mailboxesSlice(config), log })
  const identityStore = people ?? store.identity
  let stopping = false
  const readyAnywayAt = clock.monotonic() + config.cluster.startWait

  const xray = createXrayPass({ privateKeys: keys.privateKeys, isAlwaysOn: config.fragments.xray, clock })

  // What visitors get when no service answers.
  const { answers, openPages, routeOf, declaredDemands } = createOwnAnswers(core, {
    overview: () => registry.latestOverview(),
    menus: () => livePages.menus,
    onHead: (...about) => identity?.onHead(...about),
  })

  // Who signs in here, if anybody: by the configuration, or since the database has users. Where nobody does, none of
  // what it takes is in memory.
  const isOn =
    hasIdentity(config) ||
    (await identityStore.users.list().then(
      (users) => users.length > 0,
      (error) => {
        // Whoever signed in at another node is still somebody here.
        log.warn(
          { reason: (error as Error).message, store: identityStore.place },
          'whether there are users is not known yet',
        )
        return true
      },
    ))
  const identity = isOn
    ? await (await import('./identity/identity.ts')).openIdentity({
        settings: identitySlice(config),
        privateKeys: keys.privateKeys,
        store: identityStore,
        bus: store.isShared ? store.bus : undefined,
        mailboxes: store.isShared ? store.mailboxes : undefined,
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
  const demandsAt = identity?.demandsAt ?? declaredDemands

  // Control plane: learns about services, publishes a new table.
  let ownPorts: readonly (number | undefined)[] = [config.port, config.controlPort]
  const ownDoors = createOwnDoors({ host: config.host, ports: () => ownPorts })
  const admission = createLiveAdmission(cells, {
    own: ownDoors,
    otherAt: (address, port) => cluster.otherAt(address, port),
  })
  const health = createHealth({
    settings: cells.of(healthSlice),
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
    store: store.instances,
    reach: store.reach,
    isShared: store.isShared,
    probe: (address) => prober.probeNow(address),
    isNodeThere: (id) => cluster.isThere(id),
    random,
    admission,
    vitals,
    table: () => live.table,
    publish(change) {
      live.table =
        'forgotten' in change ? live.table.withoutService(change.forgotten) : live.table.withService(change)
      primary?.published(change)
    },
    menus: {
      settings: cells.of(menusSlice),
      demandsAt,
      demandOf: identity?.demandOf,
    },
    node,
    clock,
    log,
  })
  const stateOf = (entry: Entry) => serviceState(entry, vitals, health.stateOf)
  const prober = createProber({ clock, vitals, settings: { everyMs: 1000, timeoutMs: 500 } })
  const sync = createSync({
    store: store.instances,
    registry,
    everyMs: config.redis.poll,
    clock,
    log,
  })

  /** A node that has never read the store would say of other nodes' services that there are none. */
  const readiness = () => {
    if (stopping) return 'stopping'
    return sync.hasLooked || clock.monotonic() >= readyAnywayAt ? 'ready' : 'starting'
  }

  const cluster = createCluster(core, { node, store, shared: registry.shared, doors: ownDoors })
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
    else
      prober.watch({
        id: instance.id,
        address: instance.address,
        always: instance.channel === 'static' || instance.channel === 'flywheel',
      })
  })

  // Messages: between clients, services and, where the gateway stands in for hydra-router, what lives in Redis.
  let publicPort = config.port
  const self = routerSelf(config, node, () => publicPort)
  const flywheel = await openFlywheel(core, { self, registry, store })
  const messages = await openMessages(core, {
    node,
    store,
    registry,
    identity,
    demandsAt,
    dataPlane,
    network: flywheel.network,
    isNodeThere: cluster.isThere,
    rsocket: () => channels.rsocket,
    answers,
    self,
    notFound: (exchange) => answers.problem(exchange, 'HYDRA_NO_ROUTE'),
  })

  // Channels and doors: how services, operators and waiting visitors reach us.
  const channels = createChannels(core, {
    registry,
    admission,
    identity: identityFacts,
    desk,
    prober,
    journal: events.journal,
    messages: messages.desk,
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
    messages,
    events,
    nodes: cluster.view,
    xray,
    openPages,
    reload: () => reload(),
    readiness,
    isWorkerThere: (name) => primary?.has(name) ?? false,
  })

  const applyAgain = createReload({ config, read: readConfig, cells, log })
  const reload = async (): Promise<Reloaded> => {
    const reloaded = await applyAgain()
    certificates?.reload()
    await primary?.reload()
    return reloaded
  }

  primary?.attach(core, {
    registry,
    health,
    identity,
    channels,
    wanted: livePages.wanted,
    firstLook: sync.firstLook,
    onRequest: ({ entry, at }) => messages.routerApi?.note('request', entry, at),
  })
  const configured = ({ services, flywheel }: Config) => [...services, ...externalServices(flywheel, log)]
  registerStaticServices(configured(config), registry)
  cells.onChange((after, before) => replaceStaticServices(configured(before), configured(after), registry))
  cells.onChange((after) => {
    if (!identity && hasIdentity(after))
      throw new Error('identity.users needs a restart where nobody signed in')
    const change = identity?.prepare(liveIdentitySlice(after))
    return () => {
      change?.()
      livePages.menus.judgeAgain()
      registry.judgeAgain()
    }
  })
  cells.onChange(
    ({ logLevel }) =>
      () =>
        setLogLevel(log, logLevel),
  )
  await sync.look()
  await flywheel.network?.start()

  /** Streams that never end by themselves are not waited for. */
  const endStreams = (): void => {
    events.stop()
    livePages.hub.close()
  }
  const stop = async (): Promise<void> => {
    await messages.close()
    await flywheel.close()
    await cluster.membership.stop()
    prober.stop()
    health.stop()
    registry.stop()
    forwarder.close()
    await identity?.close()
    if (!given) await store.close()
  }
  const listeners = await openListeners(core, {
    doors,
    answers,
    dataPlane,
    rsocket: channels.rsocket,
    messaging: messages.messaging,
    onFlywheelRequest: messages.routerApi?.noteRequest,
    hasOthers: store.isShared,
    identity,
    routeOf,
    certificates,
    openPublic: primary?.open,
    sockets,
    knowsAll: () => sync.hasLooked,
  }).catch(async (error) => {
    sync.stop()
    endStreams()
    await stop()
    throw error
  })
  publicPort = listeners.port
  ownPorts = [listeners.port, listeners.controlPort]
  // Others are to know where we listen before the next beat: until now the ports may have been any.
  void cluster.membership.look()
  const patience = cells.of(({ http }) => ({ delayMs: http.stopDelay }))
  const { close: closeListeners, ...addresses } = listeners
  return {
    ...addresses,
    signIn: {
      isOn,
      users: identity ? await identity.countUsers().catch(() => undefined) : 0,
      place: identityStore.place,
      isLasting: identityStore.isLasting,
      warnings: identity?.ring.warnings ?? [],
    },
    reload,
    async close(options = {}) {
      // Whoever asks now asks the one that takes our place, which is ready.
      stopping = !options.isReplaced
      const { delayMs } = patience
      if (stopping && delayMs > 0) await new Promise<void>((resolve) => clock.after(delayMs, resolve))
      endStreams()
      await closeListeners(options)
      sync.stop()
      await stop()
    },
  }
}
