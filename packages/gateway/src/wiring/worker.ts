/**
 * Builds a worker: the data plane of a gateway in a process of its own. It reads tables the primary sends, forwards
 * requests, puts pages together, keeps the streams of open pages, and hands on to the primary what only that can answer.
 *
 * Read this to learn what exists in a worker; what exists in the primary is in `gateway.ts`.
 *
 * @module
 */
import { compileAddressList } from '../address/address-list.ts'
import { createLiveDoor } from '../control/live-door.ts'
import { createMenuDoor, isMenuPath } from '../control/menu-door.ts'
import { createXrayPass } from '../fragments/xray-pass.ts'
import { createClosedIdentity } from '../identity/closed-identity.ts'
import { createKeys } from '../keys.ts'
import { createCells } from '../lifecycle/cells.ts'
import { LIVE_FRAGMENTS_SCRIPT, LIVE_SCRIPT } from '../live/live-script.ts'
import { openSocketPaths } from '../messaging/socket-paths.ts'
import type { Clock } from '../observe/clock.ts'
import { type Log, setLogLevel } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import { compactCss, readAsset } from '../pages/inline.ts'
import type { Exchange, ExchangeHandler } from '../proxy/exchange.ts'
import { createFlywheelRules } from '../proxy/flywheel-rules.ts'
import { type Listener, listen } from '../proxy/listener.ts'
import { createProxy } from '../proxy/proxy.ts'
import { createRelay } from '../proxy/relay.ts'
import { MOST_ENTRIES, requestEntry } from '../router-api/entry-log.ts'
import type { HealthOf } from '../routing/link-state.ts'
import type { Live } from '../routing/live.ts'
import { emptyTable } from '../routing/table.ts'
import { createVitals } from '../routing/vitals.ts'
import { flywheelSlice, healthSlice, http2Slice, isFlywheelOn, proxySlice } from '../slices.ts'
import type { Certificates } from '../tls/certificates.ts'
import { createCountReports } from '../workers/counts.ts'
import { createRemoteLines } from '../workers/lines.ts'
import type { FromWorker, NotedRequest, ToWorker, Update, WorkerStart } from '../workers/messages.ts'
import { createOverviewCopy } from '../workers/overview-feed.ts'
import { createTableCopy } from '../workers/table-copy.ts'
import { type Core, sliceOf } from './core.ts'
import { createDataPlane } from './data-plane.ts'
import { localPaths } from './listeners.ts'
import { createLivePages } from './live-pages.ts'
import { createOwnAnswers } from './own-answers.ts'

export interface WorkerPorts {
  /** Descriptor of the socket connections come from. */
  readonly fd: number
  readonly certificates?: Certificates | undefined
  readonly random?: () => number
  readonly send: (message: FromWorker) => void
  readonly clock: Clock
  readonly log: Log
  /** Bytes of memory this process has. */
  readonly rssBytes: () => number
}

/** A worker that is told by the primary. */
export interface GatewayWorker {
  heard(message: Exclude<ToWorker, { kind: 'start' | 'reload' }>): Promise<void>
  /** Stops in order: takes nothing new, lets requests end within the grace. */
  close(options: {
    readonly graceMs: number
    readonly idleMs: number
    readonly spreadMs: number
  }): Promise<void>
}

const REPORT_MS = 1000
/** Metrics are sent by themselves that often, so that little is lost with a worker: the text of many services is long. */
const LEAST_METRICS_MS = 5000
/** And so long that making them takes a hundredth of the time at most. */
const METRICS_SHARE = 100
/** Menus nobody has, that are told of. */
const MOST_WANTED = 100

/** `first`: everything there was as this worker began. */
export async function createWorker(
  { name, config, keys: given, hasIdentity, relay: at }: WorkerStart,
  first: Update,
  { fd, certificates, random = Math.random, send, clock, log, rssBytes }: WorkerPorts,
): Promise<GatewayWorker> {
  const live: Live = { table: emptyTable() }
  const cells = createCells(config)
  const vitals = createVitals(cells.of(healthSlice))
  const metrics = createMetrics()
  const keys = await createKeys({ given, file: '' })
  const core: Core = { config, cells, keys, random, clock, log, metrics, live, vitals }
  const settings = cells.of(proxySlice)
  const trusted = cells.of(({ trustedProxies }) => ({ list: compileAddressList(trustedProxies) }))

  // What the primary says.
  const overview = createOverviewCopy()
  const health = new Map<string, ReturnType<HealthOf>>()
  const healthOf: HealthOf = (service) => health.get(service) ?? 'available'
  let hasGone = false
  const table = createTableCopy({
    live,
    onGone(instance) {
      dataPlane.forwarder.dropInstance(instance)
      hasGone = true
    },
  })
  const lines = createRemoteLines({ hasLine: table.hasLine, send })
  let isApplying = false
  vitals.onChange((instance, resting) => {
    if (!isApplying) send({ kind: 'turned', instance, resting })
  })

  // What visitors get when no service answers.
  const { answers, routeOf, declaredDemands } = createOwnAnswers(core, {
    overview: overview.latest,
    menus: () => livePages.menus,
    onHead: (...about) => identity?.onHead(...about),
  })

  // Who calls, and where they may go.
  const identity = hasIdentity
    ? await (await import('./worker-identity.ts')).openWorkerIdentity({
        config,
        cells,
        privateKeys: keys.privateKeys,
        ring: first.ring,
        answers,
        routeOf,
        send,
        clock,
        log,
        metrics,
      })
    : undefined
  const demandsAt = identity?.demandsAt ?? declaredDemands

  // Data plane: reads the table, forwards requests, puts pages together, keeps open pages up to date.
  const livePages = createLivePages(core, {
    registry: { latestOverview: overview.latest, onOverview: overview.onChange },
    identity,
    demandsAt,
    healthOf,
  })
  const wanted = new Set<string>()
  const dataPlane = createDataPlane(core, {
    answers,
    identity,
    xray: createXrayPass({ privateKeys: keys.privateKeys, isAlwaysOn: config.fragments.xray, clock }),
    pages: {
      ...livePages,
      wanted: {
        missed(menu, page) {
          if (wanted.has(menu) || wanted.size >= MOST_WANTED) return
          wanted.add(menu)
          send({ kind: 'wanted', menu, ...page })
        },
        list: () => [],
      },
    },
    lineOf: lines.lineOf,
  })
  const { forwarder, visitors, passes } = dataPlane

  // What only the primary answers.
  const relay = createRelay({
    ...at,
    name,
    isTls: certificates !== undefined,
    settings,
    onFailure: (exchange) => answers.problem(exchange, 'HYDRA_OVERLOADED'),
    clock,
    log,
    metrics,
  })
  const pageDoors = createLiveDoor({
    hub: livePages.hub,
    identify: identity?.guard.identify,
    script: LIVE_SCRIPT,
    fragmentsScript: LIVE_FRAGMENTS_SCRIPT,
    styles: compactCss(readAsset('menu.css')),
  })
  const menuDoor = createMenuDoor({ menus: livePages.menus, identify: identity?.guard.identify })
  const local: ExchangeHandler = (exchange) => {
    const pageDoor = pageDoors.get(exchange.path)
    if (pageDoor) return pageDoor(exchange)
    return isMenuPath(exchange.path) ? menuDoor(exchange) : relay.handle(exchange)
  }
  metrics.gaugeOf('livePages', () => livePages.hub.size)

  let knowsAll = false
  const apply = async (update: Update): Promise<void> => {
    if (update.config) cells.set(update.config)
    isApplying = true
    table.apply(update.services ?? [])
    for (const [instance, resting] of update.resting ?? []) vitals[resting ? 'rest' : 'revive'](instance)
    isApplying = false
    if (update.knowsAll) knowsAll = true
    for (const [service, state] of update.health ?? []) health.set(service, state)
    if (update.overview) overview.apply(update.overview)
    if (update.overview || update.health || update.config) overview.tell()
    await identity?.apply(update)
    // Who waits for an instance to finish is told at once how much that is.
    if (hasGone) report()
    hasGone = false
    send({ kind: 'applied', number: update.number })
  }

  cells.onChange(
    ({ logLevel }) =>
      () =>
        setLogLevel(log, logLevel),
  )
  cells.onChange(() => () => livePages.menus.judgeAgain())

  // Requests by the rules of hydra-router, while they are to be noted: their log is the primary's.
  const debug = cells.of(({ flywheel }) => ({ isOn: flywheel.debugLogging }))
  let noted: NotedRequest[] = []
  const noteRequest = (exchange: Exchange): void => {
    if (!debug.isOn) return
    exchange.onEnd(() => {
      if (noted.length >= MOST_ENTRIES) noted.shift()
      noted.push({ entry: requestEntry(exchange), at: clock.now() })
    })
  }

  // What the primary is told.
  const takeCounts = createCountReports(vitals)
  let metricsAt = clock.monotonic()
  let metricsEveryMs = LEAST_METRICS_MS
  const tellMetrics = async (ask?: number): Promise<void> => {
    const begunAt = clock.monotonic()
    const { body } = await metrics.text()
    metricsAt = clock.monotonic()
    metricsEveryMs = Math.max(LEAST_METRICS_MS, (metricsAt - begunAt) * METRICS_SHARE)
    send({ kind: 'metrics', ask, text: body })
  }
  const report = (): void => {
    const [counts, seen, requests] = [takeCounts(), identity?.takeSeen() ?? [], noted]
    noted = []
    send({ kind: 'report', counts, rssBytes: rssBytes(), seen, requests })
  }
  const stopReports = clock.every(REPORT_MS, () => {
    // What still runs at an instance that takes nothing new is counted to its end.
    vitals.sweep((instance) => table.knows(instance) || vitals.of(instance).inFlight > 0)
    report()
    if (clock.monotonic() - metricsAt >= metricsEveryMs) void tellMetrics()
  })

  let listener: Listener | undefined
  let spreadMs = 0
  const open = async (): Promise<void> => {
    listener = await listen({
      port: 0,
      fd,
      host: config.host,
      certificates,
      settings,
      http2: http2Slice(config),
      trusted: { has: (address) => trusted.list.has(address) },
      maskPath: keys.mask,
      problem: answers.problem,
      unreadablePage: answers.unreadablePage,
      async endSockets(graceMs) {
        const overMs = Math.min(graceMs, spreadMs)
        // Whom the primary talks to, it tells itself; here are those it could not.
        await Promise.all([
          forwarder.endSockets(1012, 'the gateway restarts', overMs),
          relay.endSockets(1012, 'the gateway restarts', overMs),
        ])
      },
      handler: createProxy({
        live,
        select: visitors.select,
        forward: forwarder.forward,
        answers,
        identity: identity?.proxy ?? createClosedIdentity({ answers, routeOf }),
        isLocal: localPaths({ hasLogin: identity !== undefined, isFlywheelOn: isFlywheelOn(config) }),
        local,
        welcome: relay.handle,
        flywheel: createFlywheelRules({ settings: sliceOf(core, flywheelSlice), onRequest: noteRequest }),
        sockets: {
          takes: openSocketPaths(isFlywheelOn(config)),
          accept: relay.handle,
        },
        passes,
        knowsAll: () => knowsAll,
        settings,
        metrics,
        log,
      }),
      clock,
      log,
      metrics,
    })
    send({ kind: 'listening', port: listener.port })
  }
  await apply(first)

  const worker: GatewayWorker = {
    async heard(message) {
      switch (message.kind) {
        case 'update':
          return apply(message.update)
        case 'listen':
          return open()
        case 'metrics':
          return tellMetrics(message.ask)
        case 'lasts':
          return identity?.lasts(message.sid, message.endsAt)
        case 'drain':
          return worker.close(message)
        default:
          lines.answered(message)
      }
    },
    async close({ graceMs, idleMs, spreadMs: overMs }) {
      spreadMs = overMs
      livePages.hub.close()
      await listener?.close(graceMs, idleMs)
      stopReports()
      report()
      await tellMetrics()
      forwarder.close()
      relay.close()
      identity?.close()
    },
  }
  return worker
}
