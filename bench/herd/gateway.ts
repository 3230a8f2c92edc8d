/**
 * `hydra start` as it is installed, to be killed and started again.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { NODE_COMPILE_CACHE } from '../support/child.ts'
import { KEYS } from '../support/hydra.ts'
import type { LoopDelay } from './loop-probe.ts'

export interface HerdGateway {
  readonly pid: number
  readonly port: number
  /** Epoch ms at which it said that it listens. */
  readonly listeningAt: number
  /** How late its event loop was since it listens, ms. */
  loopDelay(): Promise<LoopDelay>
  /** One sample of its metrics, by the start of its line. */
  metrics(): Promise<ReadonlyMap<string, number>>
  /** SIGKILL, or another signal. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export interface HerdGatewayOptions {
  readonly port: number
  readonly folder: string
  readonly env?: Readonly<Record<string, string>>
  /** Folder for a CPU profile, written when it ends by itself. */
  readonly profile?: string | undefined
}

const HYDRA = fileURLToPath(new URL('../../packages/cli/bin.mjs', import.meta.url))
const PROBE = fileURLToPath(new URL('loop-probe.ts', import.meta.url))

export async function startHerdGateway({
  port,
  folder,
  env = {},
  profile,
}: HerdGatewayOptions): Promise<HerdGateway> {
  const profiling = profile ? ['--cpu-prof', '--cpu-prof-dir', profile] : []
  const child = spawn(process.execPath, ['--import', PROBE, ...profiling, HYDRA, 'start'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE,
      PORT: String(port),
      HYDRA_HOST: '127.0.0.1',
      HYDRA_PUBLIC_KEY: KEYS.publicKey,
      HYDRA_PRIVATE_KEY: KEYS.privateKey,
      HYDRA_LOG_LEVEL: 'info',
      ...env,
    },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const exited = once(child, 'exit')
  const listening = await saysListening(child, exited)
  child.send('begin')
  const authorization = `Basic ${Buffer.from(`${KEYS.publicKey}:${KEYS.privateKey}`).toString('base64')}`
  return {
    pid: child.pid!,
    ...listening,
    async loopDelay() {
      const answer = once(child, 'message')
      child.send('end')
      return (await answer)[0] as LoopDelay
    },
    async metrics() {
      const response = await fetch(`http://127.0.0.1:${listening.port}/_hydra/metrics`, {
        headers: { authorization },
      })
      const lines = (await response.text()).matchAll(/^(hydra_[^ ]+) (\S+)$/gm)
      return new Map([...lines].map(([, name, value]) => [name!, Number(value)]))
    },
    async kill(signal = 'SIGKILL') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await exited
    },
  }
}

async function saysListening(
  { stderr }: ChildProcess,
  exited: Promise<unknown>,
): Promise<{ port: number; listeningAt: number }> {
  let text = ''
  const said = new Promise<{ port: number; listeningAt: number }>((resolve) => {
    stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(-10_000)
      const [, port] = /listens on https?:\/\/[^\s:]+:(\d+)/.exec(text) ?? []
      if (port) resolve({ port: Number(port), listeningAt: Date.now() })
    })
  })
  const ended = exited.then(() => {
    throw new Error(`the gateway ended:\n${text}`)
  })
  return Promise.race([said, ended])
}
