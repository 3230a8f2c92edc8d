/**
 * Messages while everything is killed: two nodes that share a Redis, services with the SDK and unmodified ones, and many
 * clients, each a process that is killed or stands still by a chance that can be repeated. Afterwards what was handed over
 * is compared with what was sent.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { chanceOf } from '../../support/chance.ts'
import { type ClusterSite, openClusterSite, type SiteNode } from '../../support/cluster-site.ts'
import { rssOf } from '../../support/gateway-process.ts'
import { bareEnv, emptyDirectory } from '../../support/hydra.ts'
import { type HydraService, startHydraService } from '../../support/hydra-express.ts'
import { startRedis, type TestRedis } from '../../support/redis.ts'
import type { ClientsCounts, ClientsNews, ClientsOrder, ClientsPlan, Collected } from '../programs/clients.ts'
import type { PusherNews, PusherOrder } from '../programs/service.ts'
import { add, type Handed, judge, NOTHING, type Pushed, type Verdict } from './model.ts'

type Cleaning = Pick<TestContext, 'after'>

export interface SoakPlan {
  readonly seconds: number
  /** That resume. */
  readonly clients: number
  /** Beside them, of the classic protocol. */
  readonly classic: number
  /** Pushes a second, of all senders together. */
  readonly perSecond: number
  readonly seed: number
  /** Redis sometimes forgets everything. */
  readonly isForgetful: boolean
  /** Between two faults, about. */
  readonly pauseMs: number
  say(line: string): void
}

export interface SoakResult {
  readonly seed: number
  /** Faults, by name, with how often. */
  readonly done: Readonly<Record<string, number>>
  /** Of the clients that resume. */
  readonly resuming: Verdict
  /** Of the others: nothing is promised of what was under way. */
  readonly classic: Verdict
  /** Pushes of unmodified services: nobody tells them what became of one. */
  readonly unmodified: { readonly sent: number; readonly handed: number; readonly twice: number }
  readonly counts: ClientsCounts
  /** Questions services got twice. */
  readonly askedTwice: number
  readonly refusals: Readonly<Record<string, number>>
  readonly bounds: Bounds
  readonly faults: readonly string[]
}

/** The most there ever was, and what there may be. */
export interface Bounds {
  readonly boxMessages: number
  readonly boxBytes: number
  readonly unconfirmed: number
  readonly rssMiB: number
  readonly samples: number
}

/** Small, so that they fill. */
export const KEPT = { messages: 24, bytes: 64 * 1024 }

const PUSHER = new URL('../programs/service.ts', import.meta.url)
const CLIENTS = new URL('../programs/clients.ts', import.meta.url)
/** Services with the SDK: two that are asked, two more that push only. */
const NAMES = ['echo', 'echo', 'feed', 'feed'] as const
const OLD = 'old'
const MOST_FAULTS = 50

interface Stage {
  readonly redis: TestRedis
  readonly data: string
  readonly site: ClusterSite
  readonly pushers: Pusher[]
  readonly olds: HydraService[]
  readonly chance: (below: number) => number
  startPusher(at: number): Promise<void>
  startOld(at: number): Promise<void>
}

interface Pusher {
  readonly tag: string
  readonly finished: Promise<void>
  order(order: PusherOrder): void
  kill(): Promise<void>
}

type Fault = readonly [name: string, weight: number, run: (stage: Stage) => Promise<void>]

const nodeOf = ({ site, chance }: Stage): SiteNode => site.nodes[chance(site.nodes.length)]!

const FAULTS: readonly Fault[] = [
  [
    'kill -9 of a node',
    4,
    async (stage) => {
      const node = nodeOf(stage)
      await node.kill()
      await delay(stage.chance(3000))
      await node.start()
    },
  ],
  [
    'kill -9 of both nodes',
    1,
    async ({ site }) => {
      await Promise.all(site.nodes.map((node) => node.kill()))
      await Promise.all(site.nodes.map((node) => node.start()))
    },
  ],
  [
    'SIGTERM of a node',
    2,
    async (stage) => {
      const node = nodeOf(stage)
      await node.stop()
      await node.start()
    },
  ],
  [
    'SIGSTOP of a node',
    3,
    async (stage) => {
      const node = nodeOf(stage)
      node.freeze()
      await delay(500 + stage.chance(6000))
      node.thaw()
    },
  ],
  [
    'kill -9 of a service',
    3,
    async ({ pushers, chance, startPusher }) => {
      const at = chance(pushers.length)
      await pushers[at]!.kill()
      await startPusher(at)
    },
  ],
  [
    'kill -9 of an unmodified service',
    1,
    async ({ olds, chance, startOld }) => {
      const at = chance(olds.length)
      await olds[at]!.kill()
      await startOld(at)
    },
  ],
  [
    'kill -9 of Redis',
    3,
    async ({ redis, chance }) => {
      await redis.kill()
      await delay(chance(2000))
      await redis.restart()
    },
  ],
  [
    'SIGSTOP of Redis',
    2,
    async ({ redis, chance }) => {
      redis.pause()
      await delay(300 + chance(3000))
      redis.resume()
    },
  ],
]

const FORGETS: Fault = [
  'Redis comes back empty',
  3,
  async ({ redis, data }) => {
    await redis.kill()
    for (const name of readdirSync(data)) rmSync(join(data, name), { recursive: true })
    await redis.restart()
  },
]

/** Runs it to its end, and judges. Everything is ended by `t`. */
export async function runSoak(t: Cleaning, plan: SoakPlan): Promise<SoakResult> {
  const { say, seed } = plan
  const chance = chanceOf(seed)
  const directory = await emptyDirectory(t)
  const ledger = join(directory, 'ledger')
  writeFileSync(ledger, '')
  const data = await emptyDirectory(t)
  const redis = await startRedis(t, { args: ['--dir', data, '--appendonly', 'yes', '--appendfsync', 'no'] })
  const site = await openClusterSite(t, {
    redisUrl: () => redis.url,
    config: {
      flywheel: { enabled: true, address: '127.0.0.1' },
      messages: { keepMessages: KEPT.messages, keepBytes: KEPT.bytes },
      http: { stopGrace: '2s' },
    },
  })
  const faults: string[] = []
  const refusals: Record<string, number> = {}
  const ids = new Map<string, string>()
  const pushers: Pusher[] = []
  const olds: HydraService[] = []
  let incarnations = 0

  async function startPusher(at: number): Promise<void> {
    const tag = `${NAMES[at]}-${++incarnations}`
    const everyMs = Math.round(((plan.clients + plan.classic) * NAMES.length * 1000) / plan.perSecond)
    const pusher = await forkPusher(t, {
      tag,
      env: {
        ...{ NAME: NAMES[at]!, TAG: tag, GATEWAYS: site.urls.join(), LEDGER: ledger },
        ...{ EVERY_MS: String(everyMs) },
        ...{ HYDRA_PUBLIC_KEY: site.publicKey, HYDRA_PRIVATE_KEY: site.privateKey },
      },
      onRefusals(refused) {
        for (const [fault, count] of Object.entries(refused)) refusals[fault] = (refusals[fault] ?? 0) + count
      },
    })
    pushers[at] = pusher
    pusher.order({ what: 'clients', ids: [...ids] })
  }
  async function startOld(at: number): Promise<void> {
    olds[at] = await startHydraService(t, { redisUrl: redis.url, name: OLD, kind: 'core' })
  }
  const stage: Stage = { redis, data, site, pushers, olds, chance, startPusher, startOld }
  await Promise.all([
    ...NAMES.map((_, at) => startPusher(at)),
    startOld(0),
    ...(plan.clients > 100 ? [startOld(1)] : []),
  ])

  const clients = forkClients(t, (news) => {
    for (const [client, id] of news) ids.set(client, id)
    for (const pusher of pushers) pusher.order({ what: 'clients', ids: news })
  })
  const everybody = plan.clients + plan.classic
  clients.order({
    what: 'start',
    plan: {
      ...{ urls: site.urls, resuming: plan.clients, classic: plan.classic, seed },
      ...{
        askEveryMs: (plan.clients * 1000) / (plan.perSecond / 4),
        services: ['echo', 'echo', 'echo', OLD],
      },
      ...{ hurtEveryMs: 30_000 / everybody, awayMs: Math.min(60_000, plan.seconds * 300) },
    } satisfies ClientsPlan,
  })
  await clients
    .until((counts) => counts.open === everybody)
    .catch(() => {
      throw new Error(`not every client came: ${JSON.stringify(clients.counts())}`)
    })
  clients.order({ what: 'hurt' })
  say(`${everybody} clients, seed ${seed}`)

  const bounds = watchBounds(stage)
  const old = pushFromOld(stage, ids)
  const done: Record<string, number> = {}
  const possible = plan.isForgetful ? [...FAULTS, FORGETS] : FAULTS
  const weighted = possible.flatMap((fault) => Array.from({ length: fault[1] }, () => fault))
  // First each once, in an order of chance, then by weight.
  const first = possible.map((fault) => ({ fault, at: chance(1e6) })).toSorted((a, b) => a.at - b.at)
  const from = performance.now()
  const until = from + plan.seconds * 1000
  while (performance.now() < until) {
    const [name, , run] = first.shift()?.fault ?? weighted[chance(weighted.length)]!
    done[name] = (done[name] ?? 0) + 1
    const { open, handed, flags } = clients.counts()
    const second = Math.round((performance.now() - from) / 1000)
    say(`${second} s: ${name}; ${open} of ${everybody} open, ${handed} handed over, ${flags} times told`)
    await run(stage)
    // Where Redis is gone the library of unmodified services ends its process: somebody starts it again.
    await Promise.all(olds.map(({ pid }, at) => isAlive(pid) || startOld(at)))
    await delay(plan.pauseMs * (0.2 + chance(1600) / 1000))
  }

  say('everything is mended')
  await old.stop()
  clients.order({ what: 'calm' })
  await clients.heard('calm', 60_000).catch(() => {
    faults.push(`not every client came back: ${JSON.stringify(clients.counts())}`)
  })
  for (const pusher of pushers) pusher.order({ what: 'finish' })
  await within(60_000, Promise.all(pushers.map(({ finished }) => finished))).catch(() => {
    faults.push('senders could not send to everybody at the end')
  })
  const file = join(directory, 'handed')
  clients.order({ what: 'collect', senders: pushers.map(({ tag }) => tag), file })
  const { late } = (await clients.heard('collected', 60_000)) as { late: readonly string[] }
  if (late.length > 0)
    faults.push(`${late.length} clients did not get the last message: ${late.slice(0, 5).join(', ')}`)
  const seen = await bounds.stop()

  const { pushed, asked } = readLedger(ledger)
  const { handed, answered } = JSON.parse(readFileSync(file, 'utf8')) as Collected
  const judged = { resuming: NOTHING, classic: NOTHING }
  let oldHanded = 0
  let oldTwice = 0
  for (const [client, all] of Object.entries(handed)) {
    const kind = client.startsWith('c') ? 'resuming' : 'classic'
    const isOld = (one: Handed): boolean => one !== 'flag' && one[0] === OLD
    const ofOld = all.filter(isOld).map((one) => one[1])
    oldHanded += ofOld.length
    oldTwice += ofOld.length - new Set(ofOld).size
    if (kind === 'resuming' && ofOld.length > new Set(ofOld).size)
      faults.push(`${client} got a message of an unmodified service twice`)
    judged[kind] = add(
      judged[kind],
      judge(
        client,
        pushed.get(client) ?? new Map(),
        all.filter((one) => !isOld(one)),
      ),
    )
  }
  const counts = clients.counts()
  const askedTwice = [...asked.values()].filter((times) => times > 1).length
  if (askedTwice > 0) faults.push(`${askedTwice} questions came to a service twice`)
  const invented = answered.filter((one) => one.startsWith('echo ') && !asked.has(one.slice(5)))
  if (invented.length > 0) faults.push(`${invented.length} answers to questions no service got`)
  if (counts.wrong > 0) faults.push(`${counts.wrong} answers to other questions`)
  if (counts.pending > 0) faults.push(`${counts.pending} questions came to nothing without a word`)
  if (seen.boxMessages > KEPT.messages) faults.push(`a mailbox held ${seen.boxMessages} messages`)
  if (seen.boxBytes > KEPT.bytes) faults.push(`a mailbox held ${seen.boxBytes} bytes`)
  if (seen.unconfirmed > KEPT.messages + KEPT.messages)
    faults.push(`${seen.unconfirmed} messages of a client were not confirmed`)
  faults.push(...judged.resuming.faults)
  if (faults.length > MOST_FAULTS)
    faults.splice(MOST_FAULTS, faults.length, `and ${faults.length - MOST_FAULTS} more`)
  return {
    ...{ seed, done, ...judged, counts, askedTwice, refusals, bounds: seen, faults },
    unmodified: { sent: old.sent(), handed: oldHanded, twice: oldTwice },
  }
}

/** What was pushed, by client and sender, and which questions came how often: `CLIENT NUMBER`. */
function readLedger(file: string): {
  readonly pushed: ReadonlyMap<string, ReadonlyMap<string, Pushed>>
  readonly asked: ReadonlyMap<string, number>
} {
  const pushed = new Map<string, Map<string, Map<number, 'taken' | 'unknown'>>>()
  const asked = new Map<string, number>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const [tag = '', what, client = '', number] = line.split(' ')
    if (number === undefined) continue
    if (what === 'asked') {
      const question = `${client} ${number}`
      asked.set(question, (asked.get(question) ?? 0) + 1)
      continue
    }
    const of = pushed.get(client) ?? new Map<string, Map<number, 'taken' | 'unknown'>>()
    pushed.set(client, of)
    const numbers = of.get(tag) ?? new Map<number, 'taken' | 'unknown'>()
    of.set(tag, numbers)
    numbers.set(Number(number), what === 'taken' ? 'taken' : 'unknown')
  }
  return { pushed, asked }
}

/** Messages of an unmodified service to clients, by a router of its choice; whether it is there or not. */
function pushFromOld({ olds }: Stage, ids: ReadonlyMap<string, string>) {
  let sent = 0
  let isOver = false
  const numbers = new Map<string, number>()
  const running = (async () => {
    while (!isOver) {
      await delay(50)
      const all = [...ids].filter(([client]) => client.startsWith('c'))
      const [client, id] = all[Math.floor(Math.random() * all.length)]!
      const number = (numbers.get(client) ?? 0) + 1
      numbers.set(client, number)
      sent++
      void olds[Math.floor(Math.random() * olds.length)]!.call('sendMessage', {
        ...{ to: 'hydra-router:/', forward: `${id}@client:/`, from: `${OLD}:/`, type: 'numbered' },
        body: { tag: OLD, number },
      }).catch(() => {})
    }
  })()
  return {
    sent: () => sent,
    async stop() {
      isOver = true
      await running
    },
  }
}

/** The longest mailbox and the largest, in Redis itself. */
const LARGEST = `
local most, bytes, cursor = 0, 0, '0'
repeat
  local found = redis.call('SCAN', cursor, 'MATCH', '*:mail', 'COUNT', 1000)
  cursor = found[1]
  for _, key in ipairs(found[2]) do
    most = math.max(most, redis.call('LLEN', key))
  end
until cursor == '0'
cursor = '0'
repeat
  local found = redis.call('SCAN', cursor, 'MATCH', '*:box', 'COUNT', 1000)
  cursor = found[1]
  for _, key in ipairs(found[2]) do
    bytes = math.max(bytes, tonumber(redis.call('HGET', key, 'bytes') or '0') or 0)
  end
until cursor == '0'
return { most, bytes }`

function watchBounds({ redis, site }: Stage) {
  const most = { boxMessages: 0, boxBytes: 0, unconfirmed: 0, rssMiB: 0, samples: 0 }
  let isOver = false
  const look = async (): Promise<void> => {
    const [messages = 0, bytes = 0] = (await redis.command('EVAL', LARGEST, '0').catch(() => [])) as number[]
    most.boxMessages = Math.max(most.boxMessages, messages)
    most.boxBytes = Math.max(most.boxBytes, bytes)
    for (const node of site.nodes) {
      if (!node.isAlive()) continue
      const unconfirmed = await node.metric('hydra_message_unconfirmed_most').catch(() => 0)
      const rss = await rssOf(node.pid).catch(() => 0)
      most.unconfirmed = Math.max(most.unconfirmed, unconfirmed)
      most.rssMiB = Math.max(most.rssMiB, Math.round(rss / 2 ** 20) || 0)
    }
    most.samples++
  }
  const running = (async () => {
    while (!isOver) {
      await look()
      await delay(1000)
    }
  })()
  return {
    async stop(): Promise<Bounds> {
      isOver = true
      await running
      return most
    },
  }
}

async function forkPusher(
  t: Cleaning,
  {
    tag,
    env,
    onRefusals,
  }: {
    readonly tag: string
    readonly env: Readonly<Record<string, string>>
    readonly onRefusals: (faults: Readonly<Record<string, number>>) => void
  },
): Promise<Pusher> {
  const child = forkProgram(t, PUSHER, env)
  const finished = Promise.withResolvers<void>()
  const ready = Promise.withResolvers<void>()
  child.process.on('message', (news: PusherNews) => {
    if (news.what === 'ready') ready.resolve()
    else if (news.what === 'finished') finished.resolve()
    else onRefusals(news.faults)
  })
  // It registers once a gateway is there: nobody waits for that, except at the beginning.
  await Promise.race([ready.promise, delay(5000)])
  return { tag, finished: finished.promise, order: child.order, kill: child.kill }
}

interface Clients {
  order(order: ClientsOrder): void
  counts(): ClientsCounts
  until(is: (counts: ClientsCounts) => boolean): Promise<void>
  heard(what: ClientsNews['what'], withinMs: number): Promise<ClientsNews>
}

function forkClients(t: Cleaning, onIds: (ids: readonly (readonly [string, string])[]) => void): Clients {
  const child = forkProgram(t, CLIENTS, {})
  let last: ClientsCounts | undefined
  const waiting = new Set<(news: ClientsNews) => void>()
  child.process.on('message', (news: ClientsNews) => {
    if (news.what === 'counts') last = news.counts
    if (news.what === 'ids') onIds(news.ids)
    for (const look of [...waiting]) look(news)
  })
  const wait = (is: (news: ClientsNews) => boolean, withinMs: number): Promise<ClientsNews> =>
    within(
      withinMs,
      new Promise((resolve) => {
        const look = (news: ClientsNews): void => {
          if (!is(news)) return
          waiting.delete(look)
          resolve(news)
        }
        waiting.add(look)
      }),
    )
  return {
    order: child.order,
    counts: () => last!,
    until: async (is) => void (await wait((news) => news.what === 'counts' && is(news.counts), 60_000)),
    heard: (what, withinMs) => wait((news) => news.what === what, withinMs),
  }
}

function forkProgram(t: Cleaning, program: URL, env: Readonly<Record<string, string>>) {
  const child: ChildProcess = fork(program, [], {
    execArgv: ['--conditions=hydra-source', '--disable-warning=ExperimentalWarning'],
    env: bareEnv(env),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const kill = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  }
  t.after(kill)
  const order = (what: object): void => {
    // One that was killed hears nothing.
    if (child.connected) child.send(what, () => {})
  }
  return { process: child, order, kill }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  const abort = new AbortController()
  const late = delay(ms, undefined, { signal: abort.signal }).then(() => {
    throw new Error(`not within ${ms} ms`)
  })
  late.catch(() => {})
  try {
    return await Promise.race([promise, late])
  } finally {
    abort.abort()
  }
}
