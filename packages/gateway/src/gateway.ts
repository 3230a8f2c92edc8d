/**
 * Builds a gateway and starts serving. Read this to learn what exists and who knows whom.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import { compileAddressList } from './address/address-list.ts'
import { createAdmission } from './address/admission.ts'
import { createAdminApi } from './admin/api.ts'
import { createIdentityAdmin } from './admin/identity.ts'
import { createHttpChannel } from './channels/http.ts'
import { toBean } from './channels/registration-answer.ts'
import { createRSocketChannel } from './channels/rsocket/channel.ts'
import { registerStaticServices } from './channels/static.ts'
import { type Config, hasIdentity } from './config.ts'
import { createDoors } from './control/doors.ts'
import { createFragmentDoor } from './control/fragment-door.ts'
import { createGuard } from './control/guard.ts'
import { createIdentityApi } from './control/identity-api.ts'
import { createXrayDoor } from './control/xray-door.ts'
import { createChannelRenderer } from './fragments/channel-renderer.ts'
import { createComposer } from './fragments/compose.ts'
import { createFragmentDesk } from './fragments/desk.ts'
import { createHttpRenderer } from './fragments/http-renderer.ts'
import { createResolver } from './fragments/resolver.ts'
import { createPageXray } from './fragments/xray-page.ts'
import { createXrayPass } from './fragments/xray-pass.ts'
import { createClosedIdentity } from './identity/closed-identity.ts'
import { openIdentity } from './identity/identity.ts'
import { NO_IDENTITY } from './identity/no-identity.ts'
import type { RouteOf } from './identity/other-route.ts'
import type { Keys } from './keys.ts'
import type { Clock } from './observe/clock.ts'
import type { Log } from './observe/log.ts'
import { createMetrics } from './observe/metrics.ts'
import { createLocalPages } from './pages/local-pages.ts'
import { nearestPath } from './pages/nearest.ts'
import { createAnswers } from './proxy/answers.ts'
import { createExchangeIds, systemRandom25 } from './proxy/exchange-id.ts'
import { createForwarder } from './proxy/forward.ts'
import { listen } from './proxy/listener.ts'
import { createProxy } from './proxy/proxy.ts'
import { SIGNED_OUT_CODE, SIGNED_OUT_REASON } from './proxy/service-sign-in.ts'
import { createVisitors } from './proxy/visitors.ts'
import { createProber } from './registry/probe.ts'
import { createRegistry } from './registry/registry.ts'
import { createSiteMap } from './registry/site-map.ts'
import { createSync } from './registry/sync.ts'
import { createBalancer } from './routing/balance.ts'
import type { Live } from './routing/live.ts'
import { isLoginPath, isReservedPath } from './routing/reserved.ts'
import { emptyTable } from './routing/table.ts'
import { createVitals } from './routing/vitals.ts'
import { fragmentsSlice, http2Slice, identitySlice, proxySlice, registrySlice } from './slices.ts'
import { createMemoryIdentityStore } from './store/identity/memory.ts'
import type { IdentityStore } from './store/identity/port.ts'
import { createMemoryStore } from './store/memory.ts'
import type { Certificates } from './tls/certificates.ts'

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
  const vitals = createVitals()
  let stopping = false

  const xray = createXrayPass({ privateKeys: keys.privateKeys, isAlwaysOn: config.fragments.xray, clock })

  // Control plane: learns about services, publishes a new table.
  const store = createMemoryStore({ clock })
  const admission = createAdmission({
    registrationFrom: config.registration.from,
    upstreamsAllow: config.upstreams.allow,
  })
  const site = createSiteMap({ live, vitals, overview: () => registry.latestOverview() })
  const answers = createAnswers({
    settings: { siteTitle: config.siteTitle, retryAfterSeconds: 5 },
    serviceOf: (name) => live.table.service(name),
    isServing: site.isServing,
    openPages: site.openPages,
    nearest: (path) => nearestPath(path, site.paths(), site.isServing),
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
  const registry = createRegistry({
    settings: registrySlice(config),
    identity: identityFacts,
    store,
    admission,
    vitals,
    table: () => live.table,
    publish(change) {
      live.table =
        'forgotten' in change ? live.table.withoutService(change.forgotten) : live.table.withService(change)
    },
    node,
    clock,
    log,
  })
  metrics.gaugeOf('revision', () => live.table.revision)
  metrics.gaugeOf('routes', () => live.table.size)
  metrics.gaugeOf('services', () => [...registry.entries()].length)
  metrics.gaugeOf('instances', () =>
    [...registry.entries()].reduce((sum, { members }) => sum + members.size, 0),
  )
  const prober = createProber({ clock, vitals, settings: { everyMs: 1000, timeoutMs: 500 } })
  const sync = createSync({ store, registry, node, clock, log })

  // Data plane: reads the table, forwards requests.
  const proxySettings = proxySlice(config)
  const visitors = createVisitors({
    privateKeys: keys.privateKeys,
    balancer: createBalancer({ vitals, settings: config.routing, random }),
    table: () => live.table,
    isXray: xray.isOn,
    random,
    log,
    metrics,
  })
  const onHead: typeof visitors.onHead = identity
    ? (exchange, status, headers) => {
        visitors.onHead(exchange, status, headers)
        identity.onHead(exchange, status, headers)
      }
    : visitors.onHead
  const fragmentSettings = fragmentsSlice(config)
  // Stands before the answers of services, and asks services itself: what it needs comes below.
  const composer = createComposer({
    resolver: { open: (options) => resolver.open(options) },
    visitors: { contextOf: visitors.contextOf, onHead },
    instancesOf: (service) => live.table.instances(service),
    xray: (exchange, context) => createPageXray(exchange, context),
    answers: {
      problem: (...about) => answers.problem(...about),
      incomplete: (...about) => answers.incomplete(...about),
    },
    settings: fragmentSettings,
    clock,
    log,
    metrics,
  })
  const forwarder = createForwarder({
    settings: proxySettings,
    vitals,
    onHead,
    composer,
    signIn: identity?.wishes,
    onSocket:
      identity && (({ caller, client }) => (caller ? identity.book.opened(caller, client) : undefined)),
    log,
    metrics,
    clock,
  })
  identity?.onEnds(() => {
    forwarder.endStreamsOf(identity.isOver)
    forwarder.endSocketsWhere(
      ({ caller }) => caller !== undefined && identity.isOver(caller),
      SIGNED_OUT_CODE,
      SIGNED_OUT_REASON,
    )
  })
  // Fragments: pages of services ask here, over their channel or over HTTP.
  const resolver = createResolver({
    table: () => live.table,
    renderers: [
      createChannelRenderer({ lineOf: (instance) => rsocket.lineOf(instance), requests: forwarder.own }),
      createHttpRenderer({ requests: forwarder.own, keys }),
    ],
    identity,
    settings: fragmentSettings,
    clock,
    log,
    metrics,
  })
  const desk = createFragmentDesk({
    resolver,
    contextFrom: visitors.contextFrom,
    newExchange: createExchangeIds({ now: clock.now, random25: systemRandom25() }),
    identity,
    settings: fragmentSettings,
    metrics,
  })
  registry.onMember((event, instance) => {
    // Connections to where it was are of no use to anybody.
    if (event !== 'joined') forwarder.dropInstance(instance.id)
    if (event === 'left') prober.unwatch(instance.id)
    else prober.watch({ id: instance.id, address: instance.address, always: instance.channel === 'static' })
  })

  // Channels and doors: how services, operators and waiting visitors reach us.
  const channelDeps = {
    registrar: registry,
    keys,
    mayRegister: admission.mayRegister,
    identity: identityFacts,
    clock,
    log,
    metrics,
  }
  const rsocket = createRSocketChannel({
    ...channelDeps,
    keys: { accepts: keys.acceptsPair },
    desk,
    settings: {
      maxCallBytes: fragmentSettings.maxCallBytes,
      maxRegistrationBytes: config.registration.maxBytes,
      maxRoutes: config.registration.maxRoutes,
    },
  })
  const channel = createHttpChannel({
    ...channelDeps,
    probe: prober.probeNow,
    random,
    settings: {
      requirePrivateKey: config.registration.requirePrivateKey,
      bodyTimeoutMs: config.http.idleTimeout,
      maxRegistrationBytes: config.registration.maxBytes,
      maxRoutes: config.registration.maxRoutes,
    },
  })
  const identityAdmin =
    identity &&
    createIdentityAdmin({
      store: identityStore,
      revocations: identity.revocations,
      book: identity.book,
      ring: identity.ring,
      hash: identity.hashPassword,
      isConfigured: identity.isConfiguredUser,
      log,
    })
  const doors = createDoors({
    channel,
    fragments: createFragmentDoor({
      desk,
      refusal: channel.refusal,
      settings: { ...fragmentSettings, bodyTimeoutMs: config.http.idleTimeout },
      clock,
      log,
      metrics,
    }),
    rsocket: (exchange) => rsocket.handleUpgrade(exchange.takeOver(), exchange.peer.address),
    beans: () =>
      Object.fromEntries(
        registry.active().map(({ serviceName, registrations }) => [serviceName, registrations.map(toBean)]),
      ),
    admin: createAdminApi({ registry, live, vitals, demandOf: identity?.demandOf, clock }),
    identityApi: createIdentityApi(identityAdmin),
    signIn: identity?.handle,
    keysAnswer: identityFacts.keysAnswer,
    guard: createGuard({ keys }),
    pages: createLocalPages({ siteTitle: config.siteTitle, openPages: site.openPages }),
    xray: createXrayDoor({ pass: xray }),
    welcomeFacts: () => ({ revision: live.table.revision, services: [...live.table.services()].length }),
    isReady: () => !stopping,
    log,
    metrics,
  })

  registerStaticServices(config.services, registry)
  await sync.look()

  const listening = {
    settings: proxySettings,
    trusted: compileAddressList(config.trustedProxies),
    maskPath: keys.mask,
    problem: answers.problem,
    unreadablePage: answers.unreadablePage,
    // RFC 6455, 7.4.1 and the registry of its codes: 1012 is a restart, which browsers' code can tell from a fault.
    endSockets: () => forwarder.endSockets(1012, 'the gateway restarts'),
    clock,
    log,
    metrics,
  }
  const shared = {
    live,
    select: visitors.select,
    forward: forwarder.forward,
    answers,
    identity: identity?.proxy ?? createClosedIdentity({ answers, routeOf }),
    settings: proxySettings,
    metrics,
    log,
  }
  const alone = config.controlPort === undefined
  const publicProxy = createProxy({
    ...shared,
    isLocal: isOn ? (path) => isReservedPath(path) || isLoginPath(path) : isReservedPath,
    local: doors.open({ control: alone }),
    welcome: doors.welcome,
  })
  // Only reserved paths: what services offer is on the public port.
  const controlProxy = () =>
    createProxy({
      ...shared,
      live: { table: emptyTable() },
      isLocal: isReservedPath,
      local: doors.open({ control: true }),
    })

  const { port, controlPort, rsocketPort, host } = config
  const listeners: { close(graceMs: number): Promise<void> }[] = []
  const close = async (): Promise<void> => {
    stopping = true
    sync.stop()
    // Services are told at once, visitors' requests run on: a service that left a stopping node stays in its table.
    await Promise.all([rsocket.close(), ...listeners.map((each) => each.close(config.http.stopGrace))])
    prober.stop()
    registry.stop()
    forwarder.close()
    await identity?.close()
    await store.close()
  }
  const opened = async <T extends { close(graceMs: number): Promise<void> }>(
    listener: Promise<T>,
  ): Promise<T> => {
    listeners.push(await listener)
    return listener
  }
  try {
    const server = await opened(
      listen({ ...listening, port, host, certificates, http2: http2Slice(config), handler: publicProxy }),
    )
    const control = alone
      ? undefined
      : await opened(listen({ ...listening, port: controlPort!, host, handler: controlProxy() }))
    const tcp = rsocketPort === undefined ? undefined : await rsocket.listenTcp(rsocketPort, host)
    return {
      url: server.url,
      port: server.port,
      ...(control ? { controlUrl: control.url, controlPort: control.port } : {}),
      ...(tcp ? { rsocketPort: tcp.port } : {}),
      signIn: {
        isOn,
        users: (await identity?.countUsers()) ?? 0,
        place: identityStore.place,
        isLasting: identityStore.isLasting,
        warnings: identity?.ring.warnings ?? [],
      },
      close,
    }
  } catch (error) {
    // A port that can't be had is the end of a start, not half a gateway.
    await close()
    throw error
  }
}
