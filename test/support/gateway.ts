/**
 * Starts real gateways for tests: in this process, where log and parts can be looked at, on free ports.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type ConfigInput,
  createGateway,
  createKeys,
  createLog,
  type Gateway,
  type Ports,
  parseConfig,
  systemClock,
} from '@hydra-gateway/gateway'

export interface TestGateway extends Gateway {
  readonly publicKey: string
  readonly privateKey: string
  /** Log lines so far, parsed. */
  readonly lines: readonly Record<string, unknown>[]
  /** `GET` of the admin API. */
  admin<T = any>(path: string): Promise<T>
  /** Base of Medusa's HTTP channel: `…/h/discovery/<key>`. */
  readonly discovery: string
}

/** A gateway on a free port of loopback, with own keys, that is closed when the test ends. */
export async function startGateway(
  t: Pick<TestContext, 'after'>,
  config: ConfigInput = {},
  ports: Partial<Pick<Ports, 'random' | 'certificates' | 'clock' | 'store' | 'readConfig'>> = {},
): Promise<TestGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'hydra-test-'))
  const lines: Record<string, unknown>[] = []
  const log = createLog('debug', { write: (line: string) => void lines.push(JSON.parse(line)) })
  const given = config.keys ?? {
    publicKey: `pub${randomBytes(12).toString('hex')}`,
    privateKey: randomBytes(24).toString('hex'),
  }
  const parsed = parseConfig({
    port: 0,
    host: '127.0.0.1',
    ...config,
    keys: given,
    http: { stopGrace: 500, stopIdle: 0, ...config.http },
  })
  const keys = await createKeys({ given: parsed.keys, file: join(directory, 'keys.json') })
  const gateway = await createGateway(parsed, { keys, clock: systemClock, log, ...ports })
  let closing: Promise<void> | undefined
  const close = () => (closing ??= gateway.close())
  t.after(async () => {
    await close()
    await rm(directory, { recursive: true, force: true })
  })
  const control = gateway.controlUrl ?? gateway.url
  return {
    ...gateway,
    close,
    publicKey: keys.publicKey,
    privateKey: keys.privateKey,
    lines,
    discovery: `${control}/h/discovery/${keys.publicKey}`,
    async admin(path) {
      const authorization = `Basic ${Buffer.from(`${keys.publicKey}:${keys.privateKey}`).toString('base64')}`
      const response = await fetch(`${control}/_hydra/api/v1/${path}`, { headers: { authorization } })
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as never
    },
  }
}
