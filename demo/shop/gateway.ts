/**
 * The gateway of the demo: `hydra start` as a process of its own, with a small configuration and made-up keys.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { ServiceState, SiteEvent } from '@hydra-gateway/protocol'
import { ask } from './ask.ts'
import { type Child, startChild } from './child.ts'
import { ADA, MIRA, ROLES } from './people.ts'

export interface DemoGateway {
  readonly url: string
  readonly child: Child
  /** What services need to find it and to be let in. */
  readonly env: Readonly<Record<string, string>>
  /** What follows it from another terminal. */
  readonly watchCommand: string
  /** The services as the admin API tells them. */
  services(): Promise<readonly ServiceFacts[]>
  /** What happens from here on, until the gateway ends. */
  onEvent(listener: (event: SiteEvent) => void): void
  /** Streams of open pages; all tabs of a browser share one. */
  streams(): Promise<number>
}

/** What the demo reads of `/_hydra/api/v1/services`. */
export interface ServiceFacts {
  readonly name: string
  readonly state: ServiceState
  readonly versions: readonly string[]
  readonly menuItems: Readonly<
    Record<string, readonly { readonly label: string; readonly endpoint: string }[]>
  >
  readonly instances: readonly {
    readonly id: string
    readonly state: ServiceState
    readonly requests: number
  }[]
}

export interface GatewayOptions {
  /** Where its configuration is kept. */
  readonly directory: string
  /** 0 takes any free port. */
  readonly port: number
  /** Each line of its log, parsed. */
  onLog(event: Readonly<Record<string, unknown>>): void
}

/** Starts it and waits until it listens, or throws with what it said. */
export async function startGateway({ directory, port, onLog }: GatewayOptions): Promise<DemoGateway> {
  const publicKey = `pub${randomBytes(12).toString('hex')}`
  const privateKey = randomBytes(24).toString('hex')
  const file = join(directory, 'hydra.config.json')
  const config = {
    port,
    host: '127.0.0.1',
    siteTitle: 'Lerna Outfitters',
    keys: { publicKey, privateKey },
    http: { stopGrace: '3s' },
    // Their passwords are on the screen: they protect nothing.
    identity: { users: [MIRA, ADA], allowPlainPasswords: true, roles: ROLES },
  }
  await writeFile(file, JSON.stringify(config, null, 2), { mode: 0o600 })

  const said: string[] = []
  const listening = Promise.withResolvers<string>()
  const child = startChild({
    file: '../../packages/cli/bin.mjs',
    args: ['start', '--config', file, '--no-color', '--ascii'],
    cwd: directory,
    env: { SHOP_DATA: directory },
    onLine(line, stream) {
      if (stream === 'err') {
        said.push(line)
        const url = /listens on (http:\S+)/.exec(line)?.[1]
        if (url) listening.resolve(url)
        return
      }
      try {
        onLog(JSON.parse(line))
      } catch {
        // No event; the log of a process that ends may be cut.
      }
    },
  })
  void child.exited.then((how) =>
    listening.reject(new Error(`the gateway ended with ${how} before it listened:\n${said.join('\n')}`)),
  )
  const listensAt = new URL(await listening.promise)
  const agent = new Agent({ keepAlive: true, maxSockets: 2 })
  const authorization = `Basic ${Buffer.from(`${publicKey}:${privateKey}`).toString('base64')}`
  const local = `http://127.0.0.1:${listensAt.port}`
  return {
    url: `http://localhost:${listensAt.port}`,
    child,
    env: { HYDRA_GATEWAY: local, HYDRA_PUBLIC_KEY: publicKey, HYDRA_PRIVATE_KEY: privateKey },
    // Its address and its keys stand in the file, but for a port that was found.
    watchCommand: `npx hydra watch --config ${file}${port === 0 ? ` --gateway ${local}` : ''}`,
    async services() {
      const answer = await ask(`${local}/_hydra/api/v1/services`, { agent, headers: { authorization } })
      if (answer.status !== 200) throw new Error(`the admin API answered ${answer.status}`)
      return JSON.parse(answer.body).services
    },
    onEvent(listener) {
      const call = request(`${local}/_hydra/api/v1/events`, { agent: false, headers: { authorization } })
      // It ends with the gateway, which everybody hears of in other ways.
      call.on('error', () => {})
      call.on('response', (response) => {
        let rest = ''
        response.on('error', () => {})
        response.setEncoding('utf8').on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n')
          rest = lines.pop()!
          for (const line of lines) {
            const event: Partial<SiteEvent> = line.startsWith('data: ') ? JSON.parse(line.slice(6)) : {}
            if (event.kind) listener(event as SiteEvent)
          }
        })
      })
      call.end()
    },
    async streams() {
      const { body } = await ask(`${local}/_hydra/metrics`, { agent, headers: { authorization } })
      return Number(/^hydra_live_pages (\d+)/m.exec(body)?.[1] ?? 0)
    },
  }
}

/** The first free port from `first` on, on every address a browser may mean by `localhost`. */
export async function freePort(first: number): Promise<number> {
  for (let port = first; port < first + 50; port++) {
    if ((await isFree(port, '127.0.0.1')) && (await isFree(port, '::1'))) return port
  }
  throw new Error(`no free port from ${first} to ${first + 49}`)
}

function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    // A machine without IPv6 has nobody on it either.
    probe.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(code !== 'EADDRINUSE' && code !== 'EACCES'),
    )
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
