/**
 * A router API at a port of its own, for tests: listener and registry are real, Redis and the messenger are what the test
 * says.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { TestContext } from 'node:test'
import { HEADER_BOUNDS, type UmfMessage } from '@hydra-gateway/protocol/umf'
import type { FlywheelNetwork, InstanceReport, NodeEntry } from '../../channels/flywheel/port.ts'
import { type Called, MessageProblem, type Sender, type Sent } from '../../messaging/port.ts'
import { systemClock } from '../../observe/clock.ts'
import { createLog } from '../../observe/log.ts'
import { createMetrics } from '../../observe/metrics.ts'
import { listen } from '../../proxy/listener.ts'
import { proxyDefaults } from '../../proxy/settings.ts'
import { setUpRegistry } from '../../registry/testing/registry-rig.ts'
import { createRouterApi, type RouterApi, type RouterApiDeps } from '../router-api.ts'
import { createSecondCounts, instancesOf } from '../second-counts.ts'
import type { RouterApiSettings } from '../settings.ts'

export const ROUTER_ID = '0123456789abcdef0123456789abcdef'

/** What stands in the Redis of a test. */
export interface TestNetwork {
  isReachable: boolean
  instances: InstanceReport[]
  nodes: NodeEntry[]
  routes: Map<string, readonly string[]>
  /** Settles when a read of routes does. @default at once */
  refresh: (service?: string) => Promise<void>
  cleared: number
  readonly queued: { service: string; message: UmfMessage }[]
  readonly streamed: { stream: string; message: UmfMessage }[]
}

export interface ApiRig {
  readonly url: string
  readonly api: RouterApi
  readonly settings: { -readonly [Name in keyof RouterApiSettings]: RouterApiSettings[Name] }
  readonly network: TestNetwork
  readonly registry: ReturnType<typeof setUpRegistry>
  /** What the messenger was given. */
  readonly given: { kind: 'send' | 'call'; message: UmfMessage; sender: Sender }[]
  /** What it answers. */
  readonly answers: { sent: Sent | undefined; called: Called | MessageProblem }
  /** Lines of the log, parsed. */
  readonly lines: readonly Record<string, unknown>[]
  get(path: string, init?: RequestInit): Promise<Response>
  post(path: string, message: unknown, headers?: Record<string, string>): Promise<Response>
}

export async function startApi(
  t: Pick<TestContext, 'after'>,
  settings: Partial<RouterApiSettings> = {},
  more: Partial<RouterApiDeps> & { readonly withoutRedis?: boolean; readonly control?: boolean } = {},
): Promise<ApiRig> {
  const { withoutRedis = false, control = true, ...deps } = more
  const registry = setUpRegistry()
  const lines: Record<string, unknown>[] = []
  const log = createLog('debug', { write: (line: string) => void lines.push(JSON.parse(line)) })
  const metrics = createMetrics()
  const network: TestNetwork = {
    isReachable: true,
    instances: [],
    nodes: [],
    routes: new Map(),
    refresh: async () => {},
    cleared: 0,
    queued: [],
    streamed: [],
  }
  const given: ApiRig['given'] = []
  const answers: ApiRig['answers'] = {
    sent: undefined,
    called: { status: 200, headers: {}, body: { result: {} }, isJson: true },
  }
  const kept = {
    routerToken: '',
    isDisabled: false,
    debugLogging: false,
    hasControlPort: false,
    maxBytes: 65_536,
    bodyTimeoutMs: 1000,
    headerBounds: HEADER_BOUNDS,
    listForMs: 0,
    maxUnknownQueues: 100,
    maxStreams: 100,
    ...settings,
  }
  let port = 0
  const counts = createSecondCounts({
    instances: () => instancesOf(registry.registry),
    vitals: registry.vitals,
    clock: systemClock,
  })
  const api = createRouterApi({
    settings: kept,
    self: {
      routerId: ROUTER_ID,
      version: '0.1.0',
      hostName: 'gate',
      ip: '127.0.0.1',
      port: () => port,
      process: { ...process, memoryUsage: process.memoryUsage, uptime: () => 3 },
    },
    siteTitle: 'Lerna',
    network: withoutRedis ? undefined : networkOf(network),
    messenger: {
      async send(message, sender) {
        given.push({ kind: 'send', message, sender })
        return answers.sent ?? { ok: true, when: 'now', mid: message.mid }
      },
      async call(message, sender) {
        given.push({ kind: 'call', message, sender })
        if (answers.called instanceof MessageProblem) throw answers.called
        return answers.called
      },
    },
    peers: { directory: () => ({ [ROUTER_ID]: ['c1', 'c2'] }) },
    registry: registry.registry,
    live: registry.live,
    vitals: registry.vitals,
    counts,
    notFound: (exchange) => exchange.answer(404, {}, 'nothing here'),
    newId: randomUUID,
    clock: systemClock,
    log,
    metrics,
    ...deps,
  })
  const open = api.open({ control })
  const listener = await listen({
    port: 0,
    host: '127.0.0.1',
    settings: proxyDefaults,
    handler: (exchange) => (exchange.path === '/' ? api.page(exchange) : open(exchange)),
    log,
    metrics,
  })
  port = listener.port
  const url = `http://127.0.0.1:${port}`
  t.after(async () => {
    counts.close()
    await listener.close(0)
  })
  return {
    url,
    api,
    settings: kept,
    network,
    registry,
    given,
    answers,
    lines,
    get: (path, init) => fetch(`${url}${path}`, { redirect: 'manual', ...init }),
    post: (path, message, headers = {}) =>
      fetch(`${url}/v1/router/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof message === 'string' ? message : JSON.stringify(message),
      }),
  }
}

function networkOf(now: TestNetwork): FlywheelNetwork {
  const orAway = async <Value>(value: () => Value | Promise<Value>): Promise<Value> => {
    if (!now.isReachable) throw new Error('Redis is away')
    return value()
  }
  const unused = () => {
    throw new Error('not used here')
  }
  return {
    routerId: ROUTER_ID,
    get isReachable() {
      return now.isReachable
    },
    instances: () => orAway(() => now.instances),
    nodes: () => orAway(() => now.nodes),
    clear: () => orAway(() => ++now.cleared),
    routes: () => now.routes,
    look: async () => false,
    refresh: (service) => orAway(() => now.refresh(service)),
    carrier: { carries: unused, deliver: unused },
    peers: { here: unused, gone: unused, whereIs: unused, deliver: unused, directory: unused },
    mail: { put: unused, give: unused, remove: unused },
    queue: (service, message) => orAway(() => void now.queued.push({ service, message })),
    append: (stream, message, { mayMake = true } = {}) =>
      orAway(() => {
        if (!mayMake && !now.streamed.some((one) => one.stream === stream)) return undefined
        now.streamed.push({ stream, message })
        return '1700000000000-0'
      }),
    onMessage: unused,
    close: async () => {},
  }
}
