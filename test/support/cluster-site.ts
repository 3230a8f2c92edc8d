/**
 * A site of several gateways, a Redis and services, all of them real processes that can be killed, frozen and brought
 * back.
 *
 * @module
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '@hydra-gateway/gateway'
import type { ServiceNews, ServiceOrder } from '../cluster/programs/service.ts'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { bareEnv, emptyDirectory, HYDRA } from './hydra.ts'
import { tied } from './tied.ts'

type Cleaning = Pick<TestContext, 'after'>

/** A process whose fate is in our hands. */
export interface Victim {
  readonly pid: number
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGSTOP: it holds its connections and does nothing. */
  freeze(): void
  /** SIGCONT. */
  thaw(): void
}

export interface SiteNode extends Victim {
  readonly name: string
  readonly port: number
  readonly url: string
  isAlive(): boolean
  /** Starts it again at the same port, after it ended. */
  start(): Promise<void>
  /** SIGTERM; resolves with its exit status. */
  stop(): Promise<number | NodeJS.Signals>
  /** `GET` of the admin API. */
  admin<T = any>(path: string): Promise<T>
  /** Sends something to the admin API. */
  order<T = any>(method: string, path: string, body?: unknown): Promise<T>
  /** One sample of its metrics, summed over labels; 0 when there is none. */
  metric(name: string): Promise<number>
  /** Lines of its log of level warn and above since its last start, the first thousand. */
  readonly warnings: readonly Readonly<Record<string, unknown>>[]
  /** What it prints for people and its log, the last 20 000 characters. */
  said(): string
}

export interface SiteService extends Victim {
  readonly names: readonly string[]
  isAlive(): boolean
  /** Its instance of a service, once a gateway has taken it. */
  instance(name?: string): string
  /** Resolves when gateways have taken all its services, again if they were lost. */
  registered(): Promise<void>
  /** SIGTERM: leaves, finishes, ends. Resolves with its exit status. */
  stop(): Promise<number | NodeJS.Signals>
  /** Leaves the gateways, and goes on answering whoever still asks, if it was started to. Resolves when the gateway has confirmed. */
  leave(name?: string): Promise<void>
}

export interface SiteOptions {
  /** @default 2 */
  readonly nodes?: number
  /** Gateways that somebody else started, instead of processes. */
  readonly started?: {
    readonly urls: readonly string[]
    readonly publicKey: string
    readonly privateKey: string
  }
  /** URL of Redis by node; absent: nodes know nothing of each other. */
  redisUrl?(node: number): string
  readonly config?: ConfigInput
}

export interface ServiceStart {
  /** Nodes in the order in which it tries them. @default all, the first one by turns */
  readonly nodes?: readonly number[]
  readonly env?: Readonly<Record<string, string>>
  /** Its server goes on after it has left. */
  readonly stays?: boolean
  /** Whether to wait until it is registered. @default true */
  readonly waits?: boolean
}

export interface ClusterSite {
  readonly nodes: readonly SiteNode[]
  readonly urls: readonly string[]
  readonly publicKey: string
  readonly privateKey: string
  /** Starts a process with one service or several. Resolves when gateways have taken them. */
  startService(names: string | readonly string[], options?: ServiceStart): Promise<SiteService>
  /** POSTs that services took, by id, with how often. */
  ledger(): Promise<ReadonlyMap<string, number>>
  /** Resolves when every node serves every one of these at the instances given, and at no other. */
  converged(expected: Readonly<Record<string, readonly string[]>>, withinMs?: number): Promise<void>
}

const SERVICE = new URL('../cluster/programs/service.ts', import.meta.url)

/** Starts the nodes, at once. Everything is ended when the test ends. */
export async function openClusterSite(
  t: Cleaning,
  { nodes: wanted = 2, started, redisUrl, config = {} }: SiteOptions = {},
): Promise<ClusterSite> {
  const directory = await emptyDirectory(t)
  const { publicKey, privateKey } = started ?? {
    publicKey: `pub${randomBytes(12).toString('hex')}`,
    privateKey: randomBytes(24).toString('hex'),
  }
  const authorization = `Basic ${Buffer.from(`${publicKey}:${privateKey}`).toString('base64')}`
  const ledgerFile = join(directory, 'ledger')
  await writeFile(ledgerFile, '')
  const nodes = await Promise.all(
    Array.from({ length: started ? 0 : wanted }, async (_, index) => {
      const node = await prepareNode(t, {
        name: String.fromCharCode(97 + index),
        directory: join(directory, `node-${index}`),
        env: {
          HYDRA_PUBLIC_KEY: publicKey,
          HYDRA_PRIVATE_KEY: privateKey,
          ...(redisUrl ? { HYDRA_REDIS_URL: redisUrl(index) } : {}),
        },
        config: { http: { stopGrace: '3s' }, ...config },
        authorization,
      })
      await node.start()
      return node
    }),
  )
  const urls = started?.urls ?? nodes.map(({ url }) => url)
  let turn = 0
  return {
    nodes,
    urls,
    publicKey,
    privateKey,
    async startService(given, { nodes: order, env = {}, stays = false, waits = true } = {}) {
      const names = typeof given === 'string' ? [given] : given
      const first = turn++ % urls.length
      const by = order ?? [...urls.keys()].map((index) => (index + first) % urls.length)
      const service = startService(t, names, {
        GATEWAYS: by.map((index) => urls[index]).join(','),
        HYDRA_PUBLIC_KEY: publicKey,
        HYDRA_PRIVATE_KEY: privateKey,
        LEDGER: ledgerFile,
        ...(stays ? { STAYS: '1' } : {}),
        ...env,
      })
      if (waits) await service.registered()
      return service
    },
    async ledger() {
      const seen = new Map<string, number>()
      for (const id of (await readFile(ledgerFile, 'utf8')).split('\n'))
        if (id) seen.set(id, (seen.get(id) ?? 0) + 1)
      return seen
    },
    async converged(expected, withinMs = 10_000) {
      await eventually(
        async () => {
          for (const url of urls) {
            const there = servingOf(
              JSON.parse(await askNode(url, authorization, 'GET', '/_hydra/api/v1/services')),
            )
            for (const [name, instances] of Object.entries(expected)) {
              const [is, wanted] = [there[name] ?? [], [...instances].sort()]
              if (is.join() !== wanted.join())
                throw new Error(`${url} has ${name} at [${is}], not at [${wanted}]`)
            }
          }
        },
        withinMs,
        20,
      )
    },
  }
}

/** Instances a node sends requests to, by service, in alphabetical order. */
export async function servingAt(node: SiteNode): Promise<Readonly<Record<string, readonly string[]>>> {
  return servingOf(await node.admin('services'))
}

function servingOf({ services }: { readonly services: any }): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    services.map(({ name, instances }: any) => [
      name,
      instances
        .filter(({ state }: any) => state === 'available' || state === 'degraded')
        .map(({ id }: any) => id)
        .sort(),
    ]),
  )
}

interface NodePlan {
  readonly name: string
  readonly directory: string
  readonly env: Readonly<Record<string, string>>
  readonly config: ConfigInput
  readonly authorization: string
}

const MOST_WARNINGS = 1000

async function prepareNode(t: Cleaning, plan: NodePlan): Promise<SiteNode> {
  const { name, directory, env, config, authorization } = plan
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const file = join(directory, 'hydra.config.mjs')
  const whole = { port, host: '127.0.0.1', cluster: { name }, ...config }
  await writeFile(file, `export default ${JSON.stringify(whole)}\n`)
  let child: ChildProcess | undefined
  let exited: Promise<number | NodeJS.Signals> = Promise.resolve(0)
  let warnings: Record<string, unknown>[] = []
  let said = ''

  const isAlive = (): boolean => child !== undefined && child.exitCode === null && child.signalCode === null
  const kill = async (): Promise<void> => {
    if (isAlive()) child!.kill('SIGKILL')
    await exited
  }
  const killWithUs = (): void => void child?.kill('SIGKILL')
  process.once('exit', killWithUs)
  t.after(async () => {
    process.off('exit', killWithUs)
    await kill()
  })

  async function start(): Promise<void> {
    const started = spawn(...tied(process.execPath, [HYDRA, 'start', '--config', file]), {
      cwd: directory,
      env: bareEnv(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    warnings = []
    exited = once(started, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
    const keep = (text: string): void => {
      said = (said + text).slice(-20_000)
    }
    readWarnings(started, (line) => {
      if (warnings.length < MOST_WARNINGS) warnings.push(line)
      keep(`${JSON.stringify(line)}\n`)
    })
    const listening = new Promise<void>((resolve) => {
      started.stderr!.setEncoding('utf8').on('data', (text: string) => {
        keep(text)
        if (said.includes('listens on')) resolve()
      })
    })
    said = ''
    const ended = exited.then((how) => {
      throw new Error(`node ${name} ended with ${how}:\n${said}`)
    })
    await Promise.race([listening, ended])
  }

  const request = (method: string, path: string, body?: unknown) =>
    askNode(url, authorization, method, path, body)

  return {
    name,
    port,
    url,
    isAlive,
    start,
    kill,
    get pid() {
      return child!.pid!
    },
    get warnings() {
      return warnings
    },
    said: () => said,
    freeze: () => void child!.kill('SIGSTOP'),
    thaw: () => void child!.kill('SIGCONT'),
    stop() {
      child!.kill('SIGTERM')
      return exited
    },
    admin: async (path) => JSON.parse(await request('GET', `/_hydra/api/v1/${path}`)),
    async order(method, path, body) {
      const text = await request(method, `/_hydra/api/v1/${path}`, body)
      return (text === '' ? undefined : JSON.parse(text)) as never
    },
    async metric(sample) {
      const samples = (await request('GET', '/_hydra/metrics')).matchAll(
        new RegExp(`^${sample}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'),
      )
      return [...samples].reduce((sum, [, value]) => sum + Number(value), 0)
    },
  }
}

async function askNode(
  url: string,
  authorization: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<string> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text
}

/** Reads the log as it comes; lines of requests are not even parsed. */
function readWarnings({ stdout }: ChildProcess, onLine: (line: Record<string, unknown>) => void): void {
  let rest = ''
  stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      if (!/"level":"(?:warn|error|fatal)"/.test(line)) continue
      try {
        onLine(JSON.parse(line))
      } catch {
        // The last words of a process that was killed may be cut.
      }
    }
  })
}

function startService(
  t: Cleaning,
  names: readonly string[],
  env: Readonly<Record<string, string>>,
): SiteService {
  const child = fork(SERVICE, [], {
    execArgv: ['--conditions=hydra-source'],
    env: bareEnv({ ...env, SERVICES: names.join() }),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  const instances = new Map<string, string>()
  const waiting = new Set<() => void>()
  const left = new Map<string, () => void>()
  child.on('message', (news: ServiceNews) => {
    if (news.what === 'registered') instances.set(news.service, news.instance)
    if (news.what === 'left') left.get(news.service)?.()
    for (const look of waiting) look()
  })
  const isAlive = (): boolean => child.exitCode === null && child.signalCode === null
  const kill = async (): Promise<void> => {
    if (isAlive()) child.kill('SIGKILL')
    await exited
  }
  t.after(kill)
  return {
    pid: child.pid!,
    names,
    isAlive,
    kill,
    instance: (name = names[0]!) => instances.get(name)!,
    registered: () =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (instances.size < names.length) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        void exited.then((how) => reject(new Error(`${names} ended with ${how}`)))
        look()
      }),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop() {
      child.kill('SIGTERM')
      return exited
    },
    leave(name = names[0]!) {
      return new Promise((resolve) => {
        left.set(name, resolve)
        child.send({ what: 'leave', service: name } satisfies ServiceOrder)
      })
    },
  }
}
