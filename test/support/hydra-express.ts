/**
 * Real, unmodified `hydra` services from npm as processes of their own.
 *
 * @module
 */

import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from './eventually.ts'
import { freePort } from './free-port.ts'
import { startProcess } from './process.ts'

export interface HydraServiceOptions {
  /** `redis://127.0.0.1:6379/15` */
  readonly redisUrl: string
  readonly name: string
  /** `[get]/v1/orders/:id` @default none beyond those the library adds */
  readonly routes?: readonly string[]
  /** @default 1.0.0 */
  readonly version?: string
  /** @default a free one */
  readonly port?: number
  /** @default 127.0.0.1 */
  readonly ip?: string
  readonly description?: string
  /** `core`: the library without Express, which serves nothing over HTTP; there in a moment. @default express */
  readonly kind?: 'express' | 'core'
}

export interface HydraService {
  readonly instanceId: string
  readonly port: number
  readonly pid: number
  /** Short messages it got, in their order. */
  readonly messages: readonly Readonly<Record<string, any>>[]
  /** Calls a method of the library: `call('sendMessage', {…})`. */
  call(method: string, ...args: unknown[]): Promise<any>
  /** The next message it got, or gets, for which `is` holds. */
  message(is: (message: Readonly<Record<string, any>>) => boolean): Promise<Readonly<Record<string, any>>>
  /** Ends it; resolves when the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<unknown>
  pause(): void
  resume(): void
  output(): string
}

const PROGRAM = fileURLToPath(new URL('services/hydra-service.ts', import.meta.url))

/** Starts a service; resolves once it has registered its routes. That takes Express 2 s, as its library waits so long. */
export async function startHydraService(
  t: Pick<TestContext, 'after'>,
  options: HydraServiceOptions,
): Promise<HydraService> {
  const usual = { routes: [], version: '1.0.0', ip: '127.0.0.1', description: 'a test', kind: 'express' }
  const port = options.port ?? (await freePort())
  const process = startProcess(t, { args: [PROGRAM, JSON.stringify({ ...usual, port, ...options })] })
  const messages: Record<string, any>[] = []
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let ready: { readonly instanceId: string; readonly port: number } | undefined
  let rest = ''
  // It may end at any time: what is called then is never answered.
  process.child.stdin!.on('error', () => {})
  process.child.stdout!.on('data', (chunk: string) => {
    const lines = `${rest}${chunk}`.split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      const said = readJson(line)
      if (said?.event === 'ready') ready = said as typeof ready
      else if (said?.event === 'message') messages.push(said.message)
      else if (typeof said?.id === 'number') {
        const { resolve, reject } = waiting.get(said.id)!
        if (said.error === undefined) resolve(said.result)
        else reject(new Error(said.error))
      }
    }
  })
  let calls = 0
  const { instanceId, port: own } = await eventually(() => {
    if (!ready) throw new Error(`the service is not ready; it printed:\n${process.output()}`)
    return ready
  }, 20_000)
  return {
    instanceId,
    port: own,
    pid: process.pid,
    messages,
    call(method, ...args) {
      const id = ++calls
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        process.child.stdin!.write(`${JSON.stringify({ id, call: method, args })}\n`)
      })
    },
    message: (is) =>
      eventually(() => {
        const found = messages.find(is)
        if (!found) throw new Error(`no such message among ${JSON.stringify(messages)}`)
        return found
      }),
    kill: (signal = 'SIGKILL') => process.kill(signal),
    pause: () => void process.child.kill('SIGSTOP'),
    resume: () => void process.child.kill('SIGCONT'),
    output: process.output,
  }
}

function readJson(line: string): Record<string, any> | undefined {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
