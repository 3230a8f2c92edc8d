/**
 * From the answer to a registration to the first page through the gateway, over both channels.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { openConnection } from '@hydra-gateway/sdk'
import type { Stage } from './stage.ts'

export interface Provision {
  /** From the gateway's answer to the first whole 200, ms, one entry for each service. */
  readonly answeredToServedMs: readonly number[]
  /** From the moment the service began to register to the first whole 200, ms. */
  readonly askedToServedMs: readonly number[]
  /** Requests that were answered with anything else before the first 200. */
  readonly early: number
}

/** Lets `register` bring in `events` services and visits each as soon as the gateway has answered. */
async function measure(
  { visitor }: Stage,
  events: number,
  register: (name: string) => Promise<{ done(): void }>,
  prefix: string,
): Promise<Provision> {
  const visits = visitor()
  const answeredToServedMs: number[] = []
  const askedToServedMs: number[] = []
  let early = 0
  for (let n = 0; n < events; n++) {
    const name = `${prefix}-${n}`
    const askedAt = performance.now()
    const { done } = await register(name)
    const answeredAt = performance.now()
    const { atMs, requests } = await visits.until(`/${name}`, ({ status }) => status === 200)
    answeredToServedMs.push(atMs - answeredAt)
    askedToServedMs.push(atMs - askedAt)
    early += requests - 1
    done()
  }
  return { answeredToServedMs, askedToServedMs, early }
}

/** Over the SDK's connection; its answer is the first overview. */
export function provisionOverRSocket(stage: Stage, events: number): Promise<Provision> {
  const { url, publicKey, privateKey, servicePort } = stage
  const register = async (name: string) => {
    const connection = await openConnection({
      gateway: url,
      publicKey,
      privateKey,
      registration: {
        name,
        host: '127.0.0.1',
        port: servicePort,
        instanceId: randomBytes(16).toString('hex'),
        routes: [{ path: `/${name}` }],
      },
      onOverview: () => {},
      onLost: () => {},
      timeoutMs: 5000,
    })
    return { done: connection.close }
  }
  return measure(stage, events, register, 'rsocket')
}

/** Over Medusa's HTTP channel. */
export function provisionOverHttp(stage: Stage, events: number): Promise<Provision> {
  const client = stage.visitor()
  const register = async (name: string) => {
    await stage.register(client, name)
    return { done: () => {} }
  }
  return measure(stage, events, register, 'http')
}
