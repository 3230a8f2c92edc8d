/**
 * A service with the unmodified `hydra-express` (or `hydra` alone) from npm, run as a process of its own: what it is comes as
 * JSON in the first argument, what it is to do line by line over its input.
 *
 * @module
 */
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import type { HydraServiceOptions } from '../hydra-express.ts'

const require = createRequire(import.meta.url)
const { kind, redisUrl, name, version, port, ip, routes, description } = JSON.parse(
  process.argv[2]!,
) as Required<HydraServiceOptions>

const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`)
const hydraConfig = {
  serviceName: name,
  serviceIP: ip,
  // The library writes a text into its entry when it was configured, and a number when it chose the port.
  servicePort: port === 0 ? port : String(port),
  serviceType: 'test',
  serviceDescription: description,
  serviceVersion: version,
  redis: { url: redisUrl },
}

let hydra: Hydra
if (kind === 'express') {
  const express = require('hydra-express')
  const { Router } = require(require.resolve('express', { paths: [require.resolve('hydra-express')] }))
  hydra = express.getHydra()
  const answer = (request: Request, response: object): void => {
    const { method, originalUrl: url, headers, params, body } = request
    express.sendResponse(200, response, {
      result: { service: name, instance: hydra.getInstanceID(), method, url, headers, params, body },
    })
  }
  await express.init({ hydra: hydraConfig }, version, () => {
    const api = Router()
    for (const route of routes) {
      const [, method, path] = /^\[(\w+)\](.+)$/.exec(route)!
      api[method!](path, answer)
    }
    express.registerRoutes({ '': api })
  })
} else {
  hydra = require('hydra')
  await hydra.init({ hydra: hydraConfig })
  await hydra.registerService()
  if (routes.length > 0) await hydra.registerRoutes([...routes])
}
hydra.on('message', (message) => {
  say({ event: 'message', message })
  if (message.typ === 'ask')
    void hydra.sendReplyMessage(
      message,
      hydra.createUMFMessage({ body: { answer: message.bdy, instance: hydra.getInstanceID() } }),
    )
})
say({ event: 'ready', instanceId: hydra.getInstanceID(), port: Number(hydra.config.servicePort) })

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, call, args } = JSON.parse(line) as { id: number; call: string; args: unknown[] }
  Promise.resolve(hydra[call]!(...args)).then(
    (result: unknown) => say({ id, result }),
    (error: Error) => say({ id, error: String(error?.message ?? error) }),
  )
})

/** What is used of the library, which has no types. */
interface Hydra {
  readonly config: { readonly servicePort: string | number }
  getInstanceID(): string
  on(event: 'message', listener: (message: Record<string, unknown>) => void): void
  createUMFMessage(message: object): object
  sendReplyMessage(to: object, message: object): Promise<unknown>
  init(config: object): Promise<unknown>
  registerService(): Promise<unknown>
  registerRoutes(routes: string[]): Promise<unknown>
  readonly [method: string]: any
}

interface Request {
  readonly method: string
  readonly originalUrl: string
  readonly headers: object
  readonly params: object
  readonly body: unknown
}
