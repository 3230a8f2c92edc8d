/**
 * `hydra start` as a process of its own on a free port, and what the system says about that process.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '@hydra-gateway/gateway'
import { bareEnv, emptyDirectory, HYDRA } from './hydra.ts'
import { tied } from './tied.ts'

export interface GatewayProcess {
  readonly pid: number
  readonly port: number
  readonly url: string
  readonly publicKey: string
  readonly privateKey: string
  /** Lines of its log of level error and above, the first hundred. */
  readonly errors: readonly string[]
  /** Exchanges it wrote a line about. */
  readonly exchanges: number
  /** `GET` of the admin API. */
  admin<T = any>(path: string): Promise<T>
  /** One sample of its metrics, summed over labels; 0 when there is none. */
  metric(name: string): Promise<number>
  /** Resident memory, bytes. */
  rss(): Promise<number>
  /** Open files and sockets. */
  files(): Promise<number>
  /** Registers a service that does not beat; give the gateway a long `lease.ttl`. */
  register(bean: Readonly<Record<string, unknown>>): Promise<void>
  /** SIGTERM; resolves with its exit status. */
  stop(): Promise<number | NodeJS.Signals>
}

/** Starts one with the log of every day, with keys of its own or those that are given, and ends it when the test ends. */
export async function startGatewayProcess(
  t: Pick<TestContext, 'after'>,
  config: ConfigInput = {},
  given: { readonly publicKey?: string; readonly privateKey?: string } = {},
): Promise<GatewayProcess> {
  const cwd = await emptyDirectory(t)
  const {
    publicKey = `pub${randomBytes(12).toString('hex')}`,
    privateKey = randomBytes(24).toString('hex'),
  } = given
  const file = join(cwd, 'hydra.config.mjs')
  await writeFile(file, `export default ${JSON.stringify({ port: 0, host: '127.0.0.1', ...config })}\n`)
  const child = spawn(...tied(process.execPath, [HYDRA, 'start', '--config', file]), {
    cwd,
    env: bareEnv({ HYDRA_PUBLIC_KEY: publicKey, HYDRA_PRIVATE_KEY: privateKey }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  t.after(async () => {
    process.off('exit', killWithUs)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  })
  const log = readLog(child)
  const url = await listening(child, exited)
  const { pid } = child as { pid: number }
  const authorization = `Basic ${Buffer.from(`${publicKey}:${privateKey}`).toString('base64')}`
  const ask = async (path: string): Promise<string> => {
    const response = await fetch(`${url}${path}`, { headers: { authorization } })
    const text = await response.text()
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`)
    return text
  }
  return {
    pid,
    url,
    port: Number(new URL(url).port),
    publicKey,
    privateKey,
    get errors() {
      return log.errors
    },
    get exchanges() {
      return log.exchanges
    },
    admin: async (path) => JSON.parse(await ask(`/_hydra/api/v1/${path}`)),
    async metric(name) {
      const samples = (await ask('/_hydra/metrics')).matchAll(
        new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'),
      )
      return [...samples].reduce((sum, [, value]) => sum + Number(value), 0)
    },
    rss: () => rssOf(pid),
    files: async () => (await readdir(`/proc/${pid}/fd`)).length,
    async register(bean) {
      const response = await fetch(`${url}/h/discovery/${publicKey}/registration`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(bean),
      })
      if (!response.ok) throw new Error(`registration: ${response.status} ${await response.text()}`)
    },
    stop() {
      child.kill('SIGTERM')
      return exited
    },
  }
}

/** Resident memory of a process, bytes. */
export async function rssOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

/** Reads the log as it comes, and keeps what wants a person. */
function readLog({ stdout }: ChildProcess): { errors: string[]; exchanges: number } {
  const log = { errors: [] as string[], exchanges: 0 }
  let rest = ''
  stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    const text = rest + chunk
    const end = text.lastIndexOf('\n') + 1
    rest = text.slice(end)
    for (
      let at = text.indexOf('"msg":"exchange"');
      at >= 0 && at < end;
      at = text.indexOf('"msg":"exchange"', at + 1)
    ) {
      log.exchanges++
    }
    if (!/"level":"(?:error|fatal)"/.test(text)) return
    for (const line of text.slice(0, end).split('\n')) {
      if (/"level":"(?:error|fatal)"/.test(line) && log.errors.length < 100) log.errors.push(line)
    }
  })
  return log
}

async function listening({ stderr }: ChildProcess, exited: Promise<unknown>): Promise<string> {
  let text = ''
  stderr!.setEncoding('utf8')
  const heard = new Promise<string>((resolve) => {
    stderr!.on('data', (chunk: string) => {
      text = (text + chunk).slice(-10_000)
      const match = /listens on (http:\/\/\S+)/.exec(text)
      if (match) resolve(match[1]!)
    })
  })
  const ended = exited.then((how) => {
    throw new Error(`the gateway ended with ${how}:\n${text}`)
  })
  return Promise.race([heard, ended])
}
