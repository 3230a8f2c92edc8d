/**
 * The parts of the cluster as processes: two gateways, Redis, and two instances of each service of the shop.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { ask } from '../shop/ask.ts'
import { type Child, startChild } from '../shop/child.ts'
import type { ServiceFacts } from '../shop/gateway.ts'
import { ADA, MIRA, ROLES } from '../shop/people.ts'

/** What every process of the cluster is told. */
export interface Plan {
  readonly directory: string
  readonly publicKey: string
  readonly privateKey: string
  readonly redisPort: number
  readonly nodePorts: readonly number[]
}

/** A process that is started again after it ended. */
export interface Part {
  isAlive(): boolean
  /** Process id of what is killed. */
  readonly pid: number | undefined
  /** Resolves when it serves; there is one of it, however often it is started. */
  start(): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM, in the end SIGKILL. */
  stop(): Promise<void>
  /** It ended, and nobody of us asked it to. */
  onLost(listener: () => void): void
}

export interface NodePart extends Part {
  readonly port: number
  /** Its services as the admin API tells them; nothing while it is away. */
  services(): Promise<readonly ServiceFacts[] | undefined>
  /** `away` while it can't reach Redis; nothing while it is away itself. */
  store(): Promise<string | undefined>
}

const STOP_MS = 6000

export function planOf(directory: string, redisPort: number, nodePorts: readonly number[]): Plan {
  return {
    directory,
    publicKey: `pub${randomBytes(12).toString('hex')}`,
    privateKey: randomBytes(24).toString('hex'),
    redisPort,
    nodePorts,
  }
}

/** Configuration of a node: whoever has it, has its keys. */
export const configFile = (directory: string, name: string): string => join(directory, `node-${name}.json`)

/** What a process said on standard error, for whoever it failed to serve. */
type Trouble = (line: string) => void

export function createNode(plan: Plan, index: number, publicPort: number, onTrouble: Trouble): NodePart {
  const { directory, publicKey, privateKey, redisPort } = plan
  const port = plan.nodePorts[index]!
  const name = 'ab'[index]!
  const url = `http://127.0.0.1:${port}`
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  const authorization = `Basic ${Buffer.from(`${publicKey}:${privateKey}`).toString('base64')}`
  const part = restartable(async () => {
    const file = configFile(directory, name)
    const config = {
      port,
      host: '127.0.0.1',
      publicUrl: `http://localhost:${publicPort}`,
      siteTitle: 'Lerna Outfitters',
      keys: { publicKey, privateKey },
      redis: { url: `redis://127.0.0.1:${redisPort}` },
      // One of the services is of hydra-router's.
      flywheel: { enabled: true, address: '127.0.0.1' },
      cluster: { name: `node ${name}`, spread: '1s' },
      http: { stopGrace: '3s' },
      // Their passwords are on the screen: they protect nothing.
      identity: { users: [MIRA, ADA], allowPlainPasswords: true, roles: ROLES, database: false },
    }
    await writeFile(file, JSON.stringify(config, null, 2), { mode: 0o600 })
    const said: string[] = []
    const listening = Promise.withResolvers<void>()
    const child = startChild({
      file: '../../packages/cli/bin.mjs',
      args: ['start', '--config', file, '--no-color', '--ascii'],
      cwd: directory,
      env: { SHOP_DATA: directory },
      onLine(line, stream) {
        if (stream === 'err') said.push(line)
        if (line.includes('listens on')) listening.resolve()
        if (/"level":"(?:error|fatal)"/.test(line)) onTrouble(line)
      },
    })
    return { child, serving: listening.promise, said }
  })
  const read = async <T>(path: string): Promise<T | undefined> => {
    if (!part.isAlive()) return undefined
    const answer = await ask(`${url}${path}`, { agent, headers: { authorization }, withinMs: 1000 }).catch(
      () => undefined,
    )
    return answer?.status === 200 ? JSON.parse(answer.body) : undefined
  }
  return {
    ...part,
    get pid() {
      return part.pid
    },
    port,
    services: async () =>
      (await read<{ services: readonly ServiceFacts[] }>('/_hydra/api/v1/services'))?.services,
    store: async () => (await read<{ store?: string }>('/health'))?.store,
  }
}

export function createRedis({ directory, redisPort }: Plan, onTrouble: Trouble): Part {
  let pid: number | undefined
  const part = restartable(async () => {
    const ready = Promise.withResolvers<void>()
    const child = startChild({
      file: '../cluster/redis-keeper.ts',
      args: [String(redisPort)],
      cwd: directory,
      env: {},
      onLine: (line) => onTrouble(line),
      onMessage(message) {
        pid = Number(message)
        ready.resolve()
      },
    })
    return { child, serving: ready.promise, said: [] }
  })
  return {
    ...part,
    get pid() {
      return pid
    },
    // Nobody but us ends it.
    onLost() {},
    async kill() {
      // Its keeper ends with it.
      if (part.isAlive() && pid !== undefined) process.kill(pid, 'SIGKILL')
      await part.gone()
    },
  }
}

/** `file` is a program of this folder's neighbour. */
export function createService(plan: Plan, file: string, onTrouble: Trouble): Part {
  const { directory, publicKey, privateKey, nodePorts, redisPort } = plan
  return restartable(async () => {
    const serving = Promise.withResolvers<void>()
    const child = startChild({
      file: `../services/${file}`,
      cwd: directory,
      env: {
        HYDRA_GATEWAY: nodePorts.map((port) => `http://127.0.0.1:${port}`).join(','),
        HYDRA_PUBLIC_KEY: publicKey,
        HYDRA_PRIVATE_KEY: privateKey,
        SHOP_DATA: directory,
        SHOP_REDIS: `redis://127.0.0.1:${redisPort}/0`,
      },
      onLine: (line, stream) => stream === 'err' && onTrouble(line),
      onMessage: () => serving.resolve(),
    })
    return { child, serving: serving.promise, said: [] }
  })
}

interface Started {
  readonly child: Child
  readonly serving: Promise<void>
  readonly said: readonly string[]
}

function restartable(open: () => Promise<Started>): Part & { gone(): Promise<void> } {
  let child: Child | undefined
  /** Told to end. */
  let isEnding = false
  let lost: (() => void) | undefined
  /** Whoever starts it meanwhile waits for the same. */
  let starting: Promise<void> | undefined
  const gone = async (): Promise<void> => void (await child?.exited)
  const isAlive = (): boolean => child?.isAlive() === true
  async function begin(): Promise<void> {
    const started = await open()
    const { child: one } = started
    child = one
    isEnding = false
    const ended = child.exited.then((how) => {
      throw new Error([`it ended with ${how}`, ...started.said].join('\n'))
    })
    await Promise.race([started.serving, ended])
    void one.exited.then(() => {
      if (!isEnding && child === one) lost?.()
    })
    // It may end later: that is no fault of the start.
    ended.catch(() => {})
  }
  return {
    isAlive,
    gone,
    get pid() {
      return child?.pid
    },
    async start() {
      if (!starting && isAlive()) return
      starting ??= begin().finally(() => {
        starting = undefined
      })
      await starting
    },
    async kill() {
      isEnding = true
      if (isAlive()) child!.kill('SIGKILL')
      await gone()
    },
    async stop() {
      isEnding = true
      await child?.stop(STOP_MS)
    },
    onLost(listener) {
      lost = listener
    },
  }
}
