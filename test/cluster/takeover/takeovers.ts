/**
 * A gateway that is looked after, in a directory of its own: how it is started, replaced and stopped, with a static
 * service, one of the SDK and one that speaks Medusa's HTTP behind it.
 *
 * @module
 */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ConfigInput } from '@hydra-gateway/gateway'
import { eventually } from '../../support/eventually.ts'
import { freePort } from '../../support/free-port.ts'
import { bareEnv, emptyDirectory, HYDRA, type Ran, runHydra } from '../../support/hydra.ts'
import { tied } from '../../support/tied.ts'

/** What is served, each by another kind of service. */
export const PATHS = ['/plain', '/told', '/bean'] as const

export interface LookedAfter {
  readonly directory: string
  readonly port: number
  readonly url: string
  /** The process that looks after the gateway. */
  readonly pid: number
  /** What the supervisor and its gateways told people so far. */
  told(): string
  /** Lines of all gateways' logs. */
  logged(): string
  /** Runs `hydra start --takeover` with more words. */
  takeOver(...words: string[]): Promise<Ran>
  /** The gateway, while there is one. */
  current(): Promise<number>
  configure(config: ConfigInput): Promise<void>
  /** SIGTERM to the supervisor; resolves with its exit status. */
  stop(): Promise<number | NodeJS.Signals>
}

/** A gateway may take 30 s to start, and the one before as long to finish; on a machine that is busy it does. */
const PATIENCE_MS = 60_000

/** `/plain` is answered by a static service, `/told` by one of the SDK, `/bean` by one that speaks Medusa's HTTP. */
export async function startLookedAfter(
  t: Pick<TestContext, 'after'>,
  config: ConfigInput = {},
  more: Readonly<Record<string, string>> = {},
): Promise<LookedAfter> {
  const directory = await emptyDirectory(t)
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const keys = { HYDRA_PUBLIC_KEY: 'public-key-of-this-test', HYDRA_PRIVATE_KEY: 'private-key-of-this-test' }
  const services = fork(new URL('services.ts', import.meta.url), {
    cwd: directory,
    env: bareEnv({ ...keys, HYDRA_GATEWAY: url }),
    execArgv: ['--conditions=hydra-source'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  t.after(() => services.kill('SIGKILL'))
  const [{ port: plain }] = (await once(services, 'message')) as [{ port: number }]
  const file = join(directory, 'hydra.config.mjs')
  const configure = (more: ConfigInput): Promise<void> => {
    const configured = { plain: { url: `http://127.0.0.1:${plain}`, routes: ['/plain'] } }
    const all = { port, host: '127.0.0.1', services: configured, ...config, ...more }
    return writeFile(file, `export default ${JSON.stringify(all)}\n`)
  }
  await configure({})
  const logFile = join(directory, 'log.jsonl')
  const log = openSync(logFile, 'a')
  const supervisor = spawn(...tied(process.execPath, [HYDRA, 'start', '--takeover']), {
    cwd: directory,
    env: bareEnv({ ...keys, ...more }),
    stdio: ['ignore', log, 'pipe'],
  })
  closeSync(log)
  const exited = once(supervisor, 'exit').then(
    ([code, signal]) => (code ?? signal) as number | NodeJS.Signals,
  )
  const text = gathered(supervisor)
  await eventually(() => {
    if (!text().includes('Looked after')) throw new Error(`it did not start:\n${text()}`)
  }, 20_000)
  await eventually(async () => {
    for (const path of PATHS) {
      const { status } = await fetch(url + path)
      if (status !== 200) throw new Error(`${path} is not served: ${status}`)
    }
  }, 20_000)
  const stop = async (): Promise<number | NodeJS.Signals> => {
    supervisor.kill('SIGTERM')
    return exited
  }
  t.after(async () => {
    await stop()
  })
  return {
    directory,
    port,
    url,
    pid: supervisor.pid!,
    told: text,
    logged: () => readFileSync(logFile, 'utf8'),
    takeOver: (...words) =>
      runHydra(['start', '--takeover', ...words], { cwd: directory, timeoutMs: PATIENCE_MS }),
    current: async () => {
      const children = await readFile(`/proc/${supervisor.pid}/task/${supervisor.pid}/children`, 'utf8')
      const [pid] = children.trim().split(' ').map(Number)
      return pid!
    },
    configure,
    stop,
  }
}

function gathered({ stderr }: ChildProcess): () => string {
  let text = ''
  stderr!.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  return () => text
}
