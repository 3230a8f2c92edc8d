/**
 * What a proxied request costs: CPU of the proxy's process per request, ours beside two that others use.
 *
 * 1 KB GETs on 64 keep-alive connections, the same service behind all, rounds one after the other in turn so
 * that the machine's moods hit everybody. Run it alone: `node --conditions=hydra-source bench/proxy/proxy.ts`.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface ProxyRow {
  readonly proxy: string
  /** CPU of the proxy's process, user and system, µs per request: the median of all rounds. */
  readonly cpuMicros: number
  readonly lowestMicros: number
  readonly highestMicros: number
  /** Against http-proxy-3. */
  readonly ratio: number
  readonly requestsPerSecond: number
  readonly memoryMiB: number
}

export interface ProxyBenchOptions {
  /** @default 5 */
  readonly rounds?: number
  /** Requests of one round at one proxy. @default 6000 */
  readonly requests?: number
  /** @default 64 */
  readonly connections?: number
}

const PEERS = [
  ['hydra', 'peers/hydra.ts', ['info']],
  ['hydra, no log', 'peers/hydra.ts', ['silent']],
  ['http-proxy-3', 'peers/http-proxy-3.ts', []],
  ['@fastify/http-proxy', 'peers/fastify.ts', []],
] as const
const BASELINE = 'http-proxy-3'

/** Kernel ticks per second in /proc: 100 on every Linux that Node runs on. */
const TICKS = 100

/** Runs the comparison and resolves with a row for each proxy. Needs Linux. */
export async function benchProxy(options: ProxyBenchOptions = {}): Promise<ProxyRow[]> {
  const { rounds = 5, requests = 6000, connections = 64 } = options
  const children: ChildProcess[] = []
  try {
    const start = async (file: string, args: readonly string[] = []) => {
      const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
        execArgv: ['--conditions=hydra-source'],
        // Logs are written and thrown away.
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: { ...process.env, NODE_ENV: 'production' },
      })
      children.push(child)
      return { child, ready: await answerOf<{ port: number }>(child) }
    }
    const backend = await start('peers/backend.ts')
    const load = await start('load.ts')
    const peers = []
    for (const [proxy, file, args] of PEERS) {
      const { child, ready } = await start(file, [String(backend.ready.port), ...args])
      peers.push({ proxy, pid: child.pid!, port: ready.port, micros: [] as number[], rates: [] as number[] })
    }

    for (let round = -1; round < rounds; round++) {
      for (const peer of peers) {
        const before = cpuSeconds(peer.pid)
        const answer = answerOf<{ seconds: number }>(load.child)
        load.child.send({ port: peer.port, connections, requests })
        const { seconds } = await answer
        // The first round warms everybody up.
        if (round < 0) continue
        peer.micros.push(((cpuSeconds(peer.pid) - before) / requests) * 1e6)
        peer.rates.push(requests / seconds)
      }
    }
    const baseline = median(peers.find(({ proxy }) => proxy === BASELINE)!.micros)
    return peers.map(({ proxy, pid, micros, rates }) => ({
      proxy,
      cpuMicros: median(micros),
      lowestMicros: Math.min(...micros),
      highestMicros: Math.max(...micros),
      ratio: median(micros) / baseline,
      requestsPerSecond: median(rates),
      memoryMiB: memoryMiB(pid),
    }))
  } finally {
    for (const child of children) child.kill()
  }
}

/** The rows as a table for people. */
export function formatProxyRows(rows: readonly ProxyRow[]): string {
  const lines = rows.map((row) =>
    [
      row.proxy.padEnd(20),
      row.cpuMicros.toFixed(1).padStart(12),
      `${row.lowestMicros.toFixed(1)} - ${row.highestMicros.toFixed(1)}`.padStart(16),
      row.ratio.toFixed(2).padStart(10),
      row.requestsPerSecond.toFixed(0).padStart(10),
      row.memoryMiB.toFixed(0).padStart(10),
    ].join(''),
  )
  const head = [
    'proxy'.padEnd(20),
    'µs CPU/req'.padStart(12),
    'spread'.padStart(16),
    'ratio'.padStart(10),
    'req/s'.padStart(10),
    'RSS MiB'.padStart(10),
  ].join('')
  return [head, ...lines].join('\n')
}

/** The next message of a child; rejects when it dies instead. */
function answerOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) => reject(new Error(`${child.spawnargs[2]} ended with ${code}`))
    child.once('exit', onExit)
    child.once('message', (message: T & { error?: string }) => {
      child.off('exit', onExit)
      if (message.error === undefined) resolve(message)
      else reject(new Error(message.error))
    })
  })
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

function memoryMiB(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))
  return Number(kib?.[1] ?? 0) / 1024
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

if (import.meta.main) console.log(formatProxyRows(await benchProxy()))
