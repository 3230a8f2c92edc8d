/**
 * The stage of the event benches: a gateway and a service that answers everything, each a process of its own,
 * and how a service is registered over Medusa's HTTP channel.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { type Child, startChild } from '../support/child.ts'
import type { GatewayReady } from '../support/gateway.ts'
import { createVisitor, type Seen, type Visitor } from '../support/visitor.ts'
import { FALLBACK } from './fallback.ts'

export interface Stage {
  readonly gateway: Child<GatewayReady>
  readonly url: string
  readonly publicKey: string
  readonly privateKey: string
  /** Port of a service that answers 200 to every path. */
  readonly servicePort: number
  /** A visitor with a connection of its own, closed with the stage. */
  visitor(): Visitor
  /** Registers `name` over HTTP; rejects unless the gateway took it. Resolves when the answer is complete. */
  register(through: Visitor, name: string, more?: Readonly<Record<string, unknown>>): Promise<Seen>
  beat(through: Visitor, name: string): Promise<void>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const [publicKey, privateKey] = [randomBytes(16).toString('hex'), randomBytes(24).toString('hex')]
  const [starting, serving] = await Promise.allSettled([
    startChild<GatewayReady>(new URL('../support/gateway.ts', import.meta.url), [publicKey, privateKey]),
    startChild<{ port: number }>(new URL('service.ts', import.meta.url)),
  ])
  if (starting.status === 'rejected' || serving.status === 'rejected') {
    for (const started of [starting, serving]) if (started.status === 'fulfilled') await started.value.end()
    throw starting.status === 'rejected' ? starting.reason : (serving as PromiseRejectedResult).reason
  }
  const gateway = starting.value
  const service = serving.value
  const visitors: Visitor[] = []
  const discovery = `/h/discovery/${publicKey}`
  return {
    gateway,
    url: `http://127.0.0.1:${gateway.ready.port}`,
    publicKey,
    privateKey,
    servicePort: service.ready.port,
    visitor() {
      const visitor = createVisitor(gateway.ready.port)
      visitors.push(visitor)
      return visitor
    },
    async register(through, name, more = {}) {
      const bean = {
        webProtocol: 'http',
        host: '127.0.0.1',
        port: service.ready.port,
        socketPort: 0,
        name,
        version: 0,
        activeSince: 1763668800000,
        awakening: null,
        endpoints: [`/${name}`],
        sockets: [],
        staticResources: [],
        menuItems: {},
        fallback: FALLBACK,
        ...more,
      }
      const seen = await through.post(`${discovery}/registration`, 'application/json', JSON.stringify(bean))
      if (seen.status !== 200) throw new Error(`registration of ${name}: ${seen.status} ${seen.body}`)
      return seen
    },
    async beat(through, name) {
      const seen = await through.post(`${discovery}/alive`, 'text/plain;charset=UTF-8', name)
      if (seen.status !== 200) throw new Error(`beat of ${name}: ${seen.status} ${seen.body}`)
    },
    async close() {
      for (const visitor of visitors) visitor.close()
      await Promise.all([gateway.end(), service.end()])
    },
  }
}
