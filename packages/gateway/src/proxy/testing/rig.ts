/**
 * A data plane of real parts on a free port, for tests: listener, proxy and forwarder, with a table that is
 * written down by hand.
 *
 * @module
 */
import type { TestContext } from 'node:test'
import { CODES } from '../../errors.ts'
import { systemClock } from '../../observe/clock.ts'
import { createLog, type Log } from '../../observe/log.ts'
import { createMetrics, type Metrics } from '../../observe/metrics.ts'
import type { Live } from '../../routing/live.ts'
import type { Route, RouteKind } from '../../routing/route.ts'
import type { RoutingTable } from '../../routing/table.ts'
import type { Instance } from '../../routing/upstream.ts'
import { createVitals, type VitalsBook } from '../../routing/vitals.ts'
import type { Answers } from '../answers.ts'
import type { Composer } from '../composition.ts'
import type { Exchange, ExchangeHandler } from '../exchange.ts'
import { createFlywheelRules } from '../flywheel-rules.ts'
import type { FlywheelSettings } from '../flywheel-settings.ts'
import { createForwarder, type Forwarder, type ForwarderDeps } from '../forward.ts'
import { type Listener, type ListenOptions, listen } from '../listener.ts'
import { createProxy, type OpenSockets, type ProxyIdentity } from '../proxy.ts'
import { type ProxySettings, proxyDefaults } from '../settings.ts'

/** A route of the rig: exactly this path, or everything below it when it ends in `/**`. */
export interface RigRoute extends Partial<Omit<Route, 'kind' | 'service' | 'claims' | 'pattern'>> {
  readonly path: string
  readonly kind?: RouteKind
  readonly service?: string
  readonly instances: readonly Instance[]
}

export interface RigOptions
  extends Partial<Pick<ListenOptions, 'trusted' | 'maskPath' | 'certificates' | 'http2'>> {
  readonly settings?: Partial<ProxySettings>
  readonly routes?: readonly RigRoute[]
  /** A real table instead of routes. */
  readonly table?: RoutingTable
  /** The rules of hydra-router. */
  readonly flywheel?: FlywheelSettings
  readonly sockets?: OpenSockets
  /** @default `plainAnswers` */
  readonly answers?: (parts: { readonly live: Live; readonly log: Log; readonly metrics: Metrics }) => Answers
  /** Serves paths below `/_local/`. */
  readonly local?: ExchangeHandler
  readonly onHead?: ForwarderDeps['onHead']
  /** Who may go where. */
  readonly identity?: ProxyIdentity
  readonly signIn?: ForwarderDeps['signIn']
  /** Puts fragments into pages. */
  readonly composer?: (parts: { readonly log: Log; readonly metrics: Metrics }) => Composer
}

export interface Rig {
  readonly port: number
  readonly url: string
  readonly vitals: VitalsBook
  readonly metrics: Metrics
  /** Lines of the log, parsed. */
  readonly lines: readonly Record<string, unknown>[]
  readonly listener: Listener
  readonly forwarder: Forwarder
  readonly live: Live
}

let made = 0

/** An instance at a port of this machine. */
export function instanceAt(port: number, fields: Partial<Instance> = {}): Instance {
  return {
    id: `i${++made}`,
    service: 'shop',
    manifest: 'm',
    channel: 'rsocket',
    address: { protocol: 'http', host: '127.0.0.1', port },
    version: 0,
    weight: 10,
    awakening: 'EQUAL_SHARE',
    affinity: false,
    ...fields,
  }
}

/** A table of routes written down by hand; enough of one for the data plane. */
export function handTable(routes: readonly RigRoute[]): RoutingTable {
  const all = routes.map(({ path, instances: at, ...rest }) => ({
    path,
    instances: at,
    route: {
      pattern: { segments: [], text: path, shape: path },
      kind: 'page',
      service: 'shop',
      claims: [],
      ...rest,
    } as Route,
  }))
  const fits = (pattern: string, path: string) =>
    pattern.endsWith('/**') ? path.startsWith(pattern.slice(0, -2)) : pattern === path
  const takes = ({ methods }: Route, method: string) =>
    !methods || methods.includes(method) || (method === 'HEAD' && methods.includes('GET'))
  return {
    revision: 1,
    hasHosts: false,
    size: all.length,
    match: (_host, path, method, isUpgrade) =>
      all.find(
        (m) => fits(m.path, path) && takes(m.route, method) && (m.route.kind === 'socket') === isUpgrade,
      )?.route,
    leniently: (_host, path) => all.find((m) => m.route.flywheel === 'route' && fits(m.path, path))?.route,
    site: (service) => all.find((m) => m.route.flywheel === 'site' && m.route.service === service)?.route,
    allowed: (_host, path) =>
      all
        .filter((m) => fits(m.path, path) && m.route.kind !== 'socket')
        .flatMap((m) => m.route.methods ?? []),
    candidates: (route) => all.find((m) => m.route === route)?.instances ?? [],
    service: () => undefined,
    instances: () => [],
    services: () => [],
    routes: () => all.map((m) => m.route),
    conflicts: () => [],
    withService: () => handTable(routes),
    withoutService: () => handTable(routes),
  }
}

/** Answers in plain text, first line the code. */
export const plainAnswers: Answers = {
  problem(exchange, code, detail, headers) {
    if (exchange.answered) exchange.abort()
    else
      exchange.answer(
        CODES[code][0],
        { 'Content-Type': 'text/plain', ...headers },
        `${code}\n${detail ?? ''}`,
      )
  },
  unreadablePage: () => undefined,
  unavailable(exchange) {
    exchange.answer(503, { 'Retry-After': '5' }, 'UNAVAILABLE')
  },
  incomplete(exchange, _route, code, { service, ref, reason }) {
    exchange.answer(CODES[code][0], {}, `INCOMPLETE ${code} ${ref} of ${service} ${reason}`)
  },
  failure(exchange: Exchange, error: unknown) {
    if (exchange.answered) exchange.abort()
    else exchange.answer(500, {}, `FAILURE ${error instanceof Error ? error.message : ''}`)
  },
}

/** Starts a data plane and ends it with the test. */
export async function startRig(t: TestContext, options: RigOptions = {}): Promise<Rig> {
  const settings: ProxySettings = { ...proxyDefaults, ...options.settings }
  const lines: Record<string, unknown>[] = []
  const log: Log = createLog('debug', { write: (line) => void lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  const vitals = createVitals()
  const live: Live = { table: options.table ?? handTable(options.routes ?? []) }
  const answers = options.answers?.({ live, log, metrics }) ?? plainAnswers
  const forwarder = createForwarder({
    settings,
    vitals,
    clock: systemClock,
    log,
    metrics,
    composer: options.composer?.({ log, metrics }),
    ...(options.onHead ? { onHead: options.onHead } : {}),
    signIn: options.signIn,
  })
  const handler = createProxy({
    live,
    select: (_exchange, _route, candidates, tried) =>
      candidates.find(({ id }) => !tried.some((other) => other.id === id) && !vitals.of(id).resting),
    forward: forwarder.forward,
    answers,
    flywheel: options.flywheel && createFlywheelRules({ settings: options.flywheel }),
    sockets: options.sockets,
    identity: options.identity,
    local: options.local ?? ((exchange) => exchange.answer(200, {}, 'local')),
    isLocal: (path) => path.startsWith('/_local/'),
    settings,
    metrics,
    log,
  })
  const listener = await listen({
    port: 0,
    settings,
    handler,
    log,
    metrics,
    ...(options.trusted ? { trusted: options.trusted } : {}),
    ...(options.maskPath ? { maskPath: options.maskPath } : {}),
    ...(options.http2 ? { http2: options.http2 } : {}),
    certificates: options.certificates,
  })
  t.after(async () => {
    await listener.close(0)
    forwarder.close()
  })
  const { port } = listener
  return { port, url: `http://127.0.0.1:${port}`, vitals, metrics, lines, listener, forwarder, live }
}
