/**
 * The visitors of `support/fault-load.ts`: so many requests a second whatever happens, and counters.
 *
 * @module
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { LoadCounts, LoadOrder, LoadPlan } from '../../support/fault-load.ts'

interface Node {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly agent: Agent
  /** `slow`: it did not answer twice, which is no proof that it is gone. */
  state: 'ready' | 'slow' | 'away'
  silences: number
}

interface Visit {
  readonly method: 'GET' | 'POST'
  readonly service: string
  readonly path: string
  readonly id: string
  readonly isFresh: boolean
  readonly dueMs: number
  /** Nodes that refused it. */
  readonly refusedBy: Set<Node>
  tries: number
}

/** What became of one attempt. */
type Ending =
  | { readonly how: 'answer'; readonly response: IncomingMessage; readonly body: string }
  | {
      readonly how: 'refused' | 'cut' | 'timeout'
      /** The connection was a kept one, and no byte of an answer came. */
      readonly isUnused: boolean
    }

const MOST_UNDER_WAY = 4000
const MOST_AT_ONCE = 250
const TICK_MS = 2
const CHECK_MS = 250
const CHECK_TIMEOUT_MS = 750
/** Until nobody may be answered by an instance everybody was told is gone. */
const STALE_MS = 1000
const MOST_TRIES = 6

let plan: Required<LoadPlan>
let nodes: readonly Node[] = []
let isRunning = false
let underWay = 0
let number = 0
let turn = 0
let dueMs = 0
let lastTickMs = 0
let lastOkMs = 0
let onIdle: (() => void) | undefined
const dead = new Map<string, number>()
const prefix = `${process.pid.toString(36)}${Date.now().toString(36)}`
let counts = zero()

interface Counting {
  sinceMs: number
  sent: number
  ok: number
  failed: Record<string, number>
  failedRepeatable: number
  failedSent: number
  moved: number
  repeated: number
  rescued: number
  fallbacks: number
  stale: number
  wrong: number
  unsent: number
  latencies: number[]
  longestGapMs: number
  ownDelayMs: number
  answeredBy: Record<string, number>
  posted: string[]
}

function zero(): Counting {
  return {
    sinceMs: performance.now(),
    sent: 0,
    ok: 0,
    failed: {},
    failedRepeatable: 0,
    failedSent: 0,
    moved: 0,
    repeated: 0,
    rescued: 0,
    fallbacks: 0,
    stale: 0,
    wrong: 0,
    unsent: 0,
    latencies: [],
    longestGapMs: 0,
    ownDelayMs: 0,
    answeredBy: {},
    posted: [],
  }
}

function take(): LoadCounts {
  const now = performance.now()
  const { sinceMs, latencies, ...rest } = counts
  counts = zero()
  const sorted = latencies.sort((a, b) => a - b)
  const rank = (share: number): number =>
    sorted.length === 0 ? Number.NaN : sorted[Math.ceil(share * sorted.length) - 1]!
  return {
    seconds: (now - sinceMs) / 1000,
    ...rest,
    longestGapMs: Math.max(rest.longestGapMs, isRunning ? now - Math.max(lastOkMs, sinceMs) : 0),
    latency: { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1) },
  }
}

function start(given: LoadPlan): void {
  plan = {
    lonely: [],
    perSecond: 500,
    posts: 0.2,
    fresh: 0.1,
    slow: 0.05,
    rescues: false,
    timeoutMs: 20_000,
    ...given,
  }
  nodes = plan.nodes.map((url) => {
    const { hostname, port } = new URL(url)
    // Longer than any pause between two requests, and than a gateway keeps a connection.
    const agent = new Agent({ keepAlive: true, maxFreeSockets: 64, scheduling: 'fifo' })
    return { url, host: hostname, port: Number(port), agent, state: 'ready', silences: 0 }
  })
  isRunning = true
  dueMs = performance.now()
  lastTickMs = dueMs
  lastOkMs = dueMs
  counts = zero()
  setTimeout(tick, TICK_MS)
  for (const node of nodes) setTimeout(check, Math.random() * CHECK_MS, node)
}

function tick(): void {
  if (!isRunning) return
  const now = performance.now()
  counts.ownDelayMs = Math.max(counts.ownDelayMs, now - lastTickMs - TICK_MS)
  lastTickMs = now
  const everyMs = 1000 / plan.perSecond
  for (let i = 0; i < MOST_AT_ONCE && dueMs <= now; i++) {
    begin(dueMs)
    dueMs += everyMs
  }
  setTimeout(tick, TICK_MS)
}

function begin(due: number): void {
  if (underWay >= MOST_UNDER_WAY) {
    counts.unsent++
    return
  }
  const id = `${prefix}-${++number}`
  const names = plan.services.length + plan.lonely.length
  const at = number % names
  const service = at < plan.services.length ? plan.services[at]! : plan.lonely[at - plan.services.length]!
  const isPost = Math.random() < plan.posts
  const isSlow = Math.random() < plan.slow
  counts.sent++
  underWay++
  void visit({
    method: isPost ? 'POST' : 'GET',
    service,
    path: `/${service}/${isSlow ? 'slow' : 'item'}/${id}`,
    id,
    isFresh: Math.random() < plan.fresh,
    dueMs: due,
    refusedBy: new Set(),
    tries: 0,
  }).finally(() => {
    if (--underWay === 0) onIdle?.()
  })
}

async function visit(visit: Visit): Promise<void> {
  let other: Node | undefined
  for (;;) {
    const node = choose(visit, other)
    if (!node) return fail(visit, 'refused', 'repeatable')
    const sentAt = performance.now()
    visit.tries++
    const ending = await attempt(visit, node)
    if (ending.how === 'answer') return judge(visit, node, ending.response, ending.body, sentAt)
    if (ending.how === 'refused') {
      counts.moved++
      visit.refusedBy.add(node)
      continue
    }
    const isGet = visit.method === 'GET'
    if (visit.tries < MOST_TRIES && isGet && ending.isUnused) {
      counts.repeated++
      continue
    }
    if (visit.tries < MOST_TRIES && isGet && plan.rescues && ending.how === 'cut') {
      counts.rescued++
      other = nodes.find((one) => one !== node) ?? node
      continue
    }
    return fail(visit, ending.how, isGet ? 'repeatable' : 'sent')
  }
}

/** Nodes in turn, the best there are. */
function choose({ refusedBy }: Visit, wanted: Node | undefined): Node | undefined {
  if (wanted && !refusedBy.has(wanted)) return wanted
  const left = nodes.filter((node) => !refusedBy.has(node))
  const of = (wanted: Node['state']): Node[] => left.filter(({ state }) => state === wanted)
  const from = [of('ready'), of('slow'), left].find(({ length }) => length > 0) ?? []
  return from[turn++ % from.length]
}

function attempt({ method, path, id, isFresh, tries }: Visit, node: Node): Promise<Ending> {
  return new Promise((resolve) => {
    const body = method === 'POST' ? JSON.stringify({ id, pad: 'x'.repeat(200) }) : ''
    const call: ClientRequest = request({
      host: node.host,
      port: node.port,
      // What broke is asked again over a new connection, as browsers do.
      agent: isFresh || tries > 1 ? false : node.agent,
      method,
      path,
      headers: {
        'x-visit': id,
        ...(body ? { 'content-type': 'application/json', 'content-length': body.length } : {}),
      },
    })
    let hasHead = false
    const timer = setTimeout(() => {
      resolve({ how: 'timeout', isUnused: false })
      call.destroy()
    }, plan.timeoutMs)
    const broken = (error: NodeJS.ErrnoException): void => {
      clearTimeout(timer)
      resolve({
        how: error.code === 'ECONNREFUSED' ? 'refused' : 'cut',
        isUnused: call.reusedSocket && !hasHead,
      })
    }
    call.on('error', broken)
    call.on('response', (response) => {
      hasHead = true
      let text = ''
      response.setEncoding('utf8').on('data', (piece) => {
        text += piece
      })
      response.on('error', broken)
      response.on('end', () => {
        clearTimeout(timer)
        resolve({ how: 'answer', response, body: text })
      })
    })
    call.end(body)
  })
}

function judge(
  visit: Visit,
  node: Node,
  { statusCode, headers }: IncomingMessage,
  body: string,
  sentAt: number,
): void {
  const { service, method, id } = visit
  const now = performance.now()
  if (statusCode === 503 && headers['retry-after'] && plan.lonely.includes(service)) {
    counts.fallbacks++
    return
  }
  if (statusCode !== 200) {
    // Only a 502 says that something was sent, and that nobody knows what came of it.
    const isSent = method === 'POST' && (statusCode === 502 || statusCode === 504)
    fail(visit, `${statusCode} at ${'abc'[nodes.indexOf(node)]}`, isSent ? 'sent' : 'repeatable')
    return
  }
  const instance = String(headers['x-instance'])
  const deadAt = dead.get(instance)
  if (deadAt !== undefined && sentAt > deadAt + STALE_MS) counts.stale++
  if (headers['x-service'] !== service || body !== id) counts.wrong++
  counts.ok++
  if (method === 'POST') counts.posted.push(id)
  counts.answeredBy[node.url] = (counts.answeredBy[node.url] ?? 0) + 1
  counts.latencies.push(now - visit.dueMs)
  counts.longestGapMs = Math.max(counts.longestGapMs, now - Math.max(lastOkMs, counts.sinceMs))
  lastOkMs = now
}

function fail({ method, service }: Visit, what: string, kind: 'repeatable' | 'sent'): void {
  // Of a service that may be away nobody promised more than that whoever asks is told.
  const isLonely = plan.lonely.includes(service)
  const name = `${method} ${what}${isLonely ? ' (nobody there)' : ''}`
  counts.failed[name] = (counts.failed[name] ?? 0) + 1
  if (kind === 'sent') counts.failedSent++
  else if (!isLonely || what.startsWith('404')) counts.failedRepeatable++
}

/** As a load balancer looks after its nodes. */
function check(node: Node): void {
  if (!isRunning) return
  const call = request({ host: node.host, port: node.port, path: '/_hydra/ready', agent: false })
  let isDone = false
  const done = (state: Node['state']): void => {
    if (isDone) return
    isDone = true
    clearTimeout(timer)
    node.silences = state === 'slow' ? node.silences + 1 : 0
    if (state !== 'slow' || node.silences >= 2) node.state = state
    setTimeout(check, CHECK_MS, node)
  }
  const timer = setTimeout(() => {
    done('slow')
    call.destroy()
  }, CHECK_TIMEOUT_MS)
  call.on('error', () => done('away'))
  call.on('response', (response) => {
    response.resume().on('error', () => {})
    done(response.statusCode === 200 ? 'ready' : 'away')
  })
  call.end()
}

process.on('message', (order: LoadOrder) => {
  if (order.what === 'start') start(order.plan)
  else if (order.what === 'dead') dead.set(order.instance, performance.now())
  else if (order.what === 'count') process.send!(take())
  else {
    const end = (): void => {
      const last = take()
      isRunning = false
      for (const { agent } of nodes) agent.destroy()
      process.send!(last)
    }
    isRunning = false
    if (underWay === 0) end()
    else onIdle = end
  }
})
process.on('disconnect', () => process.exit())
process.send!('here')
