/**
 * The gateway as users start it, `hydra start` in a process of its own, for tests that restart it.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../packages/cli/bin.mjs', import.meta.url))
const START_MS = 20_000
const POLL_MS = 50

export interface GatewayProcess {
  readonly url: string
  /** Everything it has written so far. */
  output(): string
  /** SIGTERM, and SIGKILL after 5 s. */
  stop(): Promise<void>
}

/** Starts a gateway on a loopback port and waits until it answers; throws with its output when it does not. */
export async function startGateway({
  port,
  publicKey,
  privateKey,
  env = {},
}: {
  port: number
  publicKey: string
  privateKey: string
  /** More settings. */
  env?: Readonly<Record<string, string>>
}): Promise<GatewayProcess> {
  const cwd = await mkdtemp(join(tmpdir(), 'hydra-compat-'))
  const child = spawn(process.execPath, [BIN, 'start'], {
    cwd,
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      HYDRA_HOST: '127.0.0.1',
      HYDRA_PUBLIC_KEY: publicKey,
      HYDRA_PRIVATE_KEY: privateKey,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const closed = once(child, 'close')
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)

  const stop = async () => {
    const patience = setTimeout(() => child.kill('SIGKILL'), 5000)
    child.kill('SIGTERM')
    await closed
    clearTimeout(patience)
    process.off('exit', killWithUs)
    await rm(cwd, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  try {
    const healthy = eventually(async () => {
      const { status } = await fetch(`${url}/health`)
      if (status !== 200) throw new Error(`/health is ${status}`)
    }, START_MS)
    const ended = closed.then(() => {
      throw new Error('it ended by itself')
    })
    await Promise.race([healthy, ended])
  } catch (cause) {
    await stop()
    throw new Error(`the gateway did not start:\n${output}`, { cause })
  }
  return { url, output: () => output, stop }
}

/** Repeats `check` until it passes; after `timeoutMs` the last failure is thrown. */
export async function eventually(check: () => Promise<void>, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > deadlineMs) throw error
      await delay(POLL_MS)
    }
  }
}
