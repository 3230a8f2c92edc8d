/**
 * Real Redis servers for tests: one, with Sentinels, or a Cluster; nothing is kept on disk, and all end with the test.
 *
 * @module
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createClient } from '@redis/client'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { startProcess, type TestProcess } from './process.ts'

type Test = Pick<TestContext, 'after'>

/** Who may do what the gateway needs, and nothing else. */
export interface RedisUser {
  readonly name: string
  readonly password: string
  /** Rules of the ACL. @default everything the gateway needs under `hydra-gateway:` */
  readonly rules?: string
}

export interface RedisOptions {
  /** @default a free one */
  readonly port?: number
  /** Password of the default user. */
  readonly password?: string
  /** The default user is off then. */
  readonly user?: RedisUser
  /** Listens with TLS only, by a certificate for `localhost` and `127.0.0.1`. */
  readonly tls?: TestCertificate
  /** More lines of configuration, as arguments: `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[]
}

/** A certificate made for a test; it is its own authority. */
export interface TestCertificate {
  readonly certFile: string
  readonly keyFile: string
  /** PEM, for who has to believe it. */
  readonly ca: string
}

/** A server process that can be hurt. */
export interface RedisServer {
  readonly port: number
  pid(): number
  /** Ends it, at once unless told otherwise. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** It stands still, and connections to it stay open: a black hole. */
  pause(): void
  resume(): void
  /** Starts it again at the same port, empty; resolves when it answers. */
  restart(): Promise<void>
  /** One command as the administrator, over a connection of its own. */
  command(...args: string[]): Promise<unknown>
  output(): string
}

export interface TestRedis extends RedisServer {
  /** With user and password, as the gateway takes it. */
  readonly url: string
}

/** The rights the gateway needs. */
export const GATEWAY_RULES =
  '~hydra-gateway:* &hydra-gateway:* +@all -@dangerous -@scripting +eval +evalsha +role +info +cluster|slots +cluster|shards'

/** One server. */
export async function startRedis(t: Test, options: RedisOptions = {}): Promise<TestRedis> {
  const { password, user, tls } = options
  const users = user
    ? [
        ...['--user', 'default', 'off'],
        ...['--user', user.name, 'on', `>${user.password}`, ...(user.rules ?? GATEWAY_RULES).split(' ')],
        // For the test itself.
        ...['--user', ADMIN.username, 'on', `>${ADMIN.password}`, '~*', '&*', '+@all'],
      ]
    : password === undefined
      ? []
      : ['--requirepass', password]
  const admin = user ? ADMIN : password === undefined ? {} : { password }
  const server = await startServer(t, { ...options, args: [...users, ...(options.args ?? [])] }, admin)
  const name = user
    ? `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@`
    : password === undefined
      ? ''
      : `:${encodeURIComponent(password)}@`
  return { ...server, url: `${tls ? 'rediss' : 'redis'}://${name}127.0.0.1:${server.port}` }
}

export interface TestSentinels {
  /** `redis+sentinel://…/hydra` */
  readonly url: string
  readonly name: string
  /** Data servers; which one is the primary changes. */
  readonly servers: readonly RedisServer[]
  readonly sentinels: readonly RedisServer[]
  /** The one Sentinel calls primary now. */
  primary(): Promise<RedisServer>
  /** Asks for a failover and resolves when another is primary. */
  failover(): Promise<void>
}

/** A primary, its replicas, and three Sentinels that replace it within about four seconds. */
export async function startSentinels(
  t: Test,
  { replicas = 1, password }: { readonly replicas?: number; readonly password?: string } = {},
): Promise<TestSentinels> {
  const name = 'hydra'
  const secret = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
  const admin = password === undefined ? {} : { password }
  const quick = [
    '--repl-diskless-sync-delay',
    '0',
    '--repl-diskless-load',
    'swapdb',
    '--repl-ping-replica-period',
    '1',
  ]
  const primary = await startServer(t, { args: [...secret, ...quick] }, admin)
  const others = await Promise.all(
    Array.from({ length: replicas }, () =>
      startServer(
        t,
        { args: [...secret, ...quick, '--replicaof', '127.0.0.1', String(primary.port)] },
        admin,
      ),
    ),
  )
  const servers = [primary, ...others]
  await eventually(async () => {
    for (const one of others)
      if (!String(await one.command('INFO', 'replication')).includes('master_link_status:up'))
        throw new Error('a replica has not copied yet')
  }, 15_000)
  const sentinels = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const sentinel = await startServer(t, { sentinel: true }, {})
      await sentinel.command('SENTINEL', 'MONITOR', name, '127.0.0.1', String(primary.port), '2')
      for (const [key, value] of [
        ['down-after-milliseconds', '2000'],
        ['failover-timeout', '3000'],
        ['parallel-syncs', '2'],
        ...(password === undefined ? [] : [['auth-pass', password]]),
      ])
        await sentinel.command('SENTINEL', 'SET', name, key!, value!)
      return sentinel
    }),
  )
  await eventually(async () => {
    for (const one of sentinels) {
      const facts = fieldsOf((await one.command('SENTINEL', 'MASTER', name)) as unknown)
      if (facts['num-other-sentinels'] !== '2' || facts['num-slaves'] !== String(replicas))
        throw new Error('the Sentinels have not met yet')
    }
  }, 20_000)
  const find = async (): Promise<RedisServer> => {
    for (const sentinel of sentinels) {
      const [, port] = ((await sentinel
        .command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name)
        .catch(() => undefined)) ?? []) as string[]
      const server = servers.find((one) => String(one.port) === port)
      if (server) return server
    }
    throw new Error('no Sentinel knows the primary')
  }
  const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`
  return {
    url: `redis+sentinel://${credentials}${sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',')}/${name}`,
    name,
    servers,
    sentinels,
    primary: find,
    async failover() {
      const before = await find()
      await sentinels[0]!.command('SENTINEL', 'FAILOVER', name)
      await eventually(async () => {
        if ((await find()).port === before.port) throw new Error('the primary is still the same')
      }, 20_000)
    },
  }
}

export interface TestCluster {
  /** `redis+cluster://…` */
  readonly url: string
  readonly nodes: readonly RedisServer[]
}

/** Three primaries that share the slots, without replicas. */
export async function startRedisCluster(t: Test): Promise<TestCluster> {
  const nodes = await Promise.all(
    Array.from({ length: 3 }, async () =>
      startServer(
        t,
        {
          port: await clusterPort(),
          args: [
            '--cluster-enabled',
            'yes',
            '--cluster-node-timeout',
            '15000',
            '--cluster-config-file',
            'nodes.conf',
          ],
        },
        {},
      ),
    ),
  )
  const share = Math.ceil(16_384 / nodes.length)
  await Promise.all(
    nodes.map((node, i) =>
      node.command(
        'CLUSTER',
        'ADDSLOTSRANGE',
        String(i * share),
        String(Math.min(16_384, (i + 1) * share) - 1),
      ),
    ),
  )
  await Promise.all(nodes.map((node, i) => node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))))
  // Each meets each: what they would otherwise tell each other takes seconds.
  for (const node of nodes)
    for (const other of nodes)
      if (node !== other) await node.command('CLUSTER', 'MEET', '127.0.0.1', String(other.port))
  await eventually(async () => {
    for (const node of nodes) {
      const info = String(await node.command('CLUSTER', 'INFO'))
      if (!info.includes('cluster_state:ok') || !info.includes('cluster_known_nodes:3'))
        throw new Error('the Cluster has not met yet')
    }
  }, 20_000)
  return { url: `redis+cluster://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`, nodes }
}

/** Makes a certificate for loopback. */
export function makeCertificate(t: Test): TestCertificate {
  const dir = mkdtempSync(join(tmpdir(), 'hydra-redis-tls-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  execFileSync(
    'openssl',
    [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
      ],
      ...['-keyout', keyFile, '-out', certFile, '-subj', '/CN=localhost'],
      ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
    ],
    { stdio: 'ignore' },
  )
  return { certFile, keyFile, ca: readFileSync(certFile, 'utf8') }
}

/** Copies of it are made in no time. */
const blank = createClient({ RESP: 2, maintNotifications: 'disabled', disableClientInfo: true })

const ADMIN = { username: 'test-admin', password: 'test-admin-secret' }

interface ServerOptions extends Pick<RedisOptions, 'port' | 'tls' | 'args'> {
  readonly sentinel?: boolean
}

async function startServer(
  t: Test,
  { port: wanted, tls, args = [], sentinel = false }: ServerOptions,
  admin: { readonly username?: string; readonly password?: string },
): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'hydra-redis-'))
  const port = wanted ?? (await freePort())
  const listening = tls
    ? [
        ...['--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no'],
        ...[
          '--tls-cert-file',
          tls.certFile,
          '--tls-key-file',
          tls.keyFile,
          '--tls-ca-cert-file',
          tls.certFile,
        ],
      ]
    : ['--port', String(port)]
  const file = join(dir, 'redis.conf')
  execFileSync('touch', [file])
  const start = (): TestProcess =>
    startProcess(t, {
      command: 'redis-server',
      cwd: dir,
      args: [
        ...[file, ...(sentinel ? ['--sentinel'] : []), '--bind', '127.0.0.1', ...listening],
        ...(sentinel ? [] : ['--save', '', '--appendonly', 'no']),
        ...args,
      ],
    })
  // Registered first, so that it runs last: after the process that writes there.
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  let running = start()
  const command = async (...words: string[]): Promise<unknown> => {
    const client = blank.duplicate({
      ...admin,
      socket: {
        host: '127.0.0.1',
        port,
        reconnectStrategy: false,
        connectTimeout: 2000,
        ...(tls ? { tls: true, ca: tls.ca } : {}),
      },
    })
    client.on('error', () => {})
    await client.connect()
    try {
      return await client.sendCommand(words)
    } finally {
      client.destroy()
    }
  }
  const ready = (): Promise<unknown> => eventually(() => command('PING'), 10_000)
  await ready()
  return {
    port,
    pid: () => running.pid,
    async kill(signal = 'SIGKILL') {
      await running.kill(signal)
    },
    pause: () => void running.child.kill('SIGSTOP'),
    resume: () => void running.child.kill('SIGCONT'),
    async restart() {
      await running.kill('SIGKILL')
      running = start()
      await ready()
    },
    command,
    output: () => running.output(),
  }
}

/** A port whose neighbour 10 000 above is free as well: there the nodes of a Cluster talk. */
async function clusterPort(): Promise<number> {
  for (;;) {
    const port = await freePort()
    if (await isFree(port + 10_000)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function fieldsOf(flat: unknown): Record<string, string> {
  if (!Array.isArray(flat)) return flat as Record<string, string>
  return Object.fromEntries(flat.flatMap((word, i) => (i % 2 === 0 ? [[word, flat[i + 1]]] : [])))
}
