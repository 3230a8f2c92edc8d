/**
 * Puts the services behind a gateway of ours: registered over HTTP and alive every three seconds, or over a channel.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import type { RegistrationInput } from '@hydra-gateway/protocol'
import { openConnection } from '@hydra-gateway/sdk'
import { KEYS } from '../support/hydra.ts'
import { fragmentStreams } from './hydra-services.ts'
import { fragmentHtml, PARTS, pathOf, refOf } from './page.ts'

export interface JoinOptions {
  readonly gatewayPort: number
  /** How the services of the fragments come. */
  readonly parts: 'http' | 'rsocket'
  readonly partPorts: readonly number[]
  /** The page comes too, over HTTP. */
  readonly pagePort: number | undefined
}

const ALIVE_MS = 3000
const PATIENCE_MS = 10_000

/** Resolves when the gateway has taken all of them. */
export async function joinGateway({ gatewayPort, parts, partPorts, pagePort }: JoinOptions): Promise<void> {
  const gateway = `http://127.0.0.1:${gatewayPort}`
  const paths = [pathOf('hydra'), pathOf('hydra', true)]
  if (pagePort !== undefined) await joinOverHttp(gateway, { name: 'shop', port: pagePort, routes: paths })
  for (const part of PARTS) {
    const refs = [refOf(part), refOf(part, true)].map((ref) => ({ ref }))
    const about = { name: `part${part}`, port: partPorts[part - 1]!, refs }
    if (parts === 'http') await joinOverHttp(gateway, { ...about, routes: [] })
    else await joinOverChannel(gateway, about, fragmentHtml(part))
  }
}

interface About extends Pick<RegistrationInput, 'name' | 'port' | 'refs'> {
  readonly routes: readonly string[]
}

async function joinOverHttp(gateway: string, { routes, ...about }: About): Promise<void> {
  const post = async (path: string, type: string, body: string) => {
    const url = `${gateway}/h/discovery/${KEYS.publicKey}/${path}`
    const { status } = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body })
    if (status !== 200) throw new Error(`${path} of ${about.name} was answered ${status}`)
  }
  const registration: RegistrationInput = {
    ...about,
    host: '127.0.0.1',
    protocol: 1,
    affinity: false,
    routes: routes.map((path) => ({ path })),
  }
  await post('registration', 'application/json', JSON.stringify(registration))
  const timer = setInterval(
    // The gateway is gone when its turn is over.
    () => void post('alive', 'text/plain', about.name).catch(() => clearInterval(timer)),
    ALIVE_MS,
  )
}

async function joinOverChannel(gateway: string, about: Omit<About, 'routes'>, html: string): Promise<void> {
  await openConnection({
    gateway,
    ...KEYS,
    registration: {
      ...about,
      host: '127.0.0.1',
      protocol: 1,
      instanceId: randomBytes(16).toString('hex'),
    },
    timeoutMs: PATIENCE_MS,
    onOverview() {},
    onLost() {},
    serve: () => fragmentStreams(html),
  })
}
