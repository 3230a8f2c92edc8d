/**
 * Who is measured: our gateway with services of both kinds, the original hydra-router, and socket.io. Each is one process;
 * whatever it needs beside (Redis, the service) is started with it, and not counted.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConfigInput } from '@hydra-gateway/gateway'
import { type Child, startChild } from '../support/child.ts'
import { KEYS, startHydra } from '../support/hydra.ts'
import { freePort, type Peer, type Place, type Running } from '../support/place.ts'
import { type Cores, pin } from '../support/processes.ts'
import type { Profiled } from '../support/profile.ts'
import { startProgram } from '../support/program.ts'
import { SERVICE } from './job.ts'

/** A router with a service behind it. */
export interface RunningRouter extends Running, Profiled {
  /** That pushes; of socket.io, the same process. */
  readonly service: Child<object>
}

export interface MessagePeer extends Peer<Place> {
  readonly name: 'hydra' | 'hydra, SDK' | 'hydra, SDK and Redis' | 'hydra-router' | 'socket.io'
  start(place: Place): Promise<RunningRouter>
}

export interface Peers {
  /** With an unmodified service in Redis. */
  readonly hydra: MessagePeer
  /** With a service of our SDK; mail is kept in memory. */
  readonly sdk: MessagePeer
  /** The same, and mail is kept in Redis. */
  readonly shared: MessagePeer
  readonly original: MessagePeer | undefined
  readonly socketio: MessagePeer
}

export interface PeersOptions {
  readonly cores: Cores | undefined
  /** A checkout of hydra-router. */
  readonly original: string | undefined
}

/** All come from one address, and faster than people type. */
const MESSAGES = { maxClients: 50_000, maxClientsPerAddress: 50_000, burst: 1_000_000, rate: 1_000_000 }
const REGISTERED_MS = 15_000

type Later = (end: () => Promise<void>) => void

export function createPeers({ cores, original }: PeersOptions): Peers {
  /** Starts whatever a router needs, and ends it with it, also when something goes wrong. */
  async function together(
    run: (later: Later) => Promise<Omit<RunningRouter, 'end'>>,
  ): Promise<RunningRouter> {
    const ends: (() => Promise<void>)[] = []
    const end = async () => {
      for (const each of ends.splice(0).reverse()) await each()
    }
    try {
      return { ...(await run((each) => void ends.push(each))), end }
    } catch (error) {
      await end()
      throw error
    }
  }

  async function startRedis({ folder }: Place, later: Later): Promise<string> {
    const port = await freePort()
    const own = join(folder, 'redis')
    mkdirSync(own)
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const redis = await startProgram('redis-server', args, port, { folder: own, logFile: '/dev/null' })
    later(redis.end)
    pin(redis.pids, cores?.others)
    return `redis://127.0.0.1:${port}/15`
  }

  async function startService(name: string, args: readonly string[], later: Later): Promise<Child<object>> {
    const service = await startChild<object>(new URL(`services/${name}.ts`, import.meta.url), args)
    later(service.end)
    pin([service.pid], cores?.others)
    return service
  }

  async function startOurs(place: Place, config: ConfigInput, later: Later) {
    const gateway = await startHydra(place, { messages: MESSAGES, ...config })
    if ('refused' in gateway) throw new Error(gateway.refused)
    later(gateway.end)
    return gateway
  }

  const startSdk = (place: Place, hasRedis: boolean) =>
    together(async (later) => {
      const redis = hasRedis ? { redis: { url: await startRedis(place, later) } } : {}
      const gateway = await startOurs(place, redis, later)
      const args = [`http://127.0.0.1:${gateway.port}`, KEYS.publicKey, KEYS.privateKey]
      return { ...gateway, service: await startService('sdk', args, later) }
    })

  return {
    hydra: {
      name: 'hydra',
      start: (place) =>
        together(async (later) => {
          const url = await startRedis(place, later)
          const flywheel = { enabled: true, address: '127.0.0.1' }
          const gateway = await startOurs(place, { redis: { url }, flywheel }, later)
          const service = await startService('flywheel', [url], later)
          await registered(gateway.port)
          return { ...gateway, service }
        }),
    },
    sdk: { name: 'hydra, SDK', start: (place) => startSdk(place, false) },
    shared: { name: 'hydra, SDK and Redis', start: (place) => startSdk(place, true) },
    original:
      original === undefined
        ? undefined
        : {
            name: 'hydra-router',
            start: (place) =>
              together(async (later) => {
                const url = await startRedis(place, later)
                const port = await freePort()
                const file = join(place.folder, 'config.json')
                writeFileSync(file, JSON.stringify(originalConfig(url, port)))
                const program = new URL('routers/original.ts', import.meta.url)
                const router = await startChild<object>(program, [original, file, String(port)])
                later(router.end)
                const service = await startService('flywheel', [url], later)
                await registered(port)
                return { pid: router.pid, pids: [router.pid], port, ask: router.ask, service }
              }),
          },
    socketio: {
      name: 'socket.io',
      start: () =>
        together(async (later) => {
          const server = await startChild<{ port: number }>(new URL('routers/socketio.ts', import.meta.url))
          later(server.end)
          const { pid, ask } = server
          return { pid, pids: [pid], port: server.ready.port, ask, service: server }
        }),
    },
  }
}

/** Of its samples, without the log of every message. */
function originalConfig(url: string, port: number): object {
  return {
    externalRoutes: {},
    routerToken: '',
    disableRouterEndpoint: false,
    debugLogging: false,
    queuerDB: 0,
    requestTimeout: 5,
    hydra: {
      serviceName: 'hydra-router',
      serviceDescription: 'Service Router',
      serviceIP: '127.0.0.1',
      serviceInterface: 'lo',
      servicePort: port,
      serviceType: 'router',
      plugins: {},
      redis: { url },
    },
  }
}

/** Until a router knows the routes of the service. */
async function registered(port: number): Promise<void> {
  const end = performance.now() + REGISTERED_MS
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/router/list/routes`).catch(() => undefined)
    if (answer?.ok && (await answer.text()).includes(`"${SERVICE}"`)) return
    if (performance.now() > end) throw new Error('the router did not get to know the service')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
