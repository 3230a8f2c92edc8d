import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { serve } from '@hono/node-server'
import { RENDERED_FRAGMENTS_MIME } from '@hydra-gateway/protocol'
import { connect, fragment, fragmentDoor, type HydraService, type ServiceOptions } from '@hydra-gateway/sdk'
import { hydra as hydraExpress } from '@hydra-gateway/sdk/express'
import { hydra as hydraFastify } from '@hydra-gateway/sdk/fastify'
import { hydra as hydraHono } from '@hydra-gateway/sdk/hono'
import { hydra as hydraNode } from '@hydra-gateway/sdk/node'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

/** Options of a service of `gateway`, and what it says. */
function quiet({ url, publicKey, privateKey }: TestGateway) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const log = { info: say, warn: say, error: say }
  const options = { gateway: url, publicKey, privateKey, signals: false, graceMs: 2000, log }
  return { said, options }
}

const portOf = (server: unknown): number => ((server as Server).address() as AddressInfo).port
const asking = (ref: string, values: object = {}) => ({
  attributes: {},
  requests: [{ id: 'one', service: 'orders', ref, fallback: null, imports: [], exports: [], values }],
})
const post = (port: number, key: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`http://127.0.0.1:${port}/h/fragment/${key}/requestFragment`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  })

const checkout = fragment('checkout', { imports: ['sku'], exports: ['total'] }, ({ imports }) => ({
  html: `<p>${imports.sku}</p>`,
  exports: { total: 12 },
  session: { seen: true },
}))

/** Apps whose every request wants a login and has its body read, in each framework; resolves with the port. */
const guarded: Record<string, (t: TestContext, options: ServiceOptions) => Promise<[HydraService, number]>> =
  {
    async express(_t, options) {
      const app = express()
      app.use(express.json())
      app.use((_request, response) => void response.status(401).send('log in'))
      const service = await hydraExpress(app, options)
      const server = app.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return [service, portOf(server)]
    },
    async fastify(_t, options) {
      const app = Fastify()
      const service = await hydraFastify(app, options)
      app.addHook('preHandler', async (_request, reply) => reply.code(401).send('log in'))
      app.all('/*', async () => 'app')
      await app.listen({ port: 0, host: '127.0.0.1' })
      return [service, portOf(app.server)]
    },
    async hono(_t, options) {
      const app = new Hono()
      app.use(async (context) => {
        await context.req.text()
        return context.text('log in', 401)
      })
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
      const service = await hydraHono(app, { ...options, server })
      await eventually(() => assert.ok(portOf(server)))
      return [service, portOf(server)]
    },
    async node(_t, options) {
      const server = createServer((request, response) => {
        request.resume().on('end', () => response.writeHead(401).end('log in'))
      })
      const service = await hydraNode(server, options)
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return [service, portOf(server)]
    },
    async 'a server the SDK does not know'(t, options) {
      let door: ReturnType<typeof fragmentDoor> | undefined
      const server = createServer((request, response) => {
        const app = () => void request.resume().on('end', () => response.writeHead(401).end('log in'))
        if (door) door(request, response, app)
        else app()
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => {
        server.close()
        server.closeAllConnections()
      })
      const service = await connect({ ...options, port: portOf(server) })
      door = fragmentDoor(service)
      return [service, portOf(server)]
    },
    async 'express with the door behind its body parser'(t, options) {
      const app = express()
      const server = app.listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => {
        server.close()
        server.closeAllConnections()
      })
      const service = await connect({ ...options, port: portOf(server) })
      app.use(express.json())
      app.use(fragmentDoor(service))
      app.use((_request, response) => void response.status(401).send('log in'))
      return [service, portOf(server)]
    },
  }

for (const [framework, start] of Object.entries(guarded)) {
  test(`${framework}: the gateway gets fragments whatever the app wants of its visitors`, async (t) => {
    const gateway = await startGateway(t)
    const { options, said } = quiet(gateway)
    const [service, port] = await start(t, { name: 'orders', ...options, fragments: [checkout] })
    t.after(() => service.close())
    await service.ready
    const body = asking('checkout', { sku: 7, other: 8 })
    const fragments = [{ id: 'one', renderedHTML: '<p>7</p>', exports: { total: 12 } }]
    const ours = await post(port, gateway.publicKey, body, { accept: RENDERED_FRAGMENTS_MIME })
    assert.deepEqual(await ours.json(), { fragments, session: { seen: true } })
    assert.deepEqual(await (await post(port, gateway.publicKey, body)).json(), fragments)
    assert.equal((await post(port, 'wrong', body)).status, 404)
    for (const path of ['/', '/h/fragment/x'])
      assert.equal((await fetch(`http://127.0.0.1:${port}${path}`)).status, 401)
    assert.ok(
      said.some(
        (text) =>
          text.includes(`fragment from port ${port}`) &&
          text.includes('checkout (imports sku; exports total)'),
      ),
      said.join('\n'),
    )
    assert.ok(!said.some((text) => text.includes('no routes were found')), said.join('\n'))
    await service.close()
  })
}

test('a fragment that is being rendered when the service closes is rendered to its end', async (t) => {
  const gateway = await startGateway(t)
  let go = () => {}
  let signal: AbortSignal | undefined
  const slow = fragment('slow', async (input) => {
    signal = input.signal
    await new Promise<void>((resolve) => (go = resolve))
    return '<p>to its end</p>'
  })
  const server = createServer((_request, response) => response.end('app'))
  const service = await hydraNode(server, { name: 'orders', ...quiet(gateway).options, fragments: [slow] })
  server.listen(0, '127.0.0.1')
  await service.ready
  const rendering = post(portOf(server), gateway.publicKey, asking('slow'))
  await eventually(() => assert.ok(signal))
  const closing = service.close()
  await eventually(() => assert.equal(service.state, 'closing'))
  assert.equal(signal?.aborted, false)
  go()
  assert.deepEqual(await (await rendering).json(), [
    { id: 'one', renderedHTML: '<p>to its end</p>', exports: {} },
  ])
  await closing
})

test('one that never ends is told when the time is over, and the service closes', async (t) => {
  const gateway = await startGateway(t)
  let signal: AbortSignal | undefined
  const stuck = fragment('stuck', (input) => {
    signal = input.signal
    return new Promise<string>(() => {})
  })
  const server = createServer((_request, response) => response.end('app'))
  const options = { ...quiet(gateway).options, graceMs: 100 }
  const service = await hydraNode(server, { name: 'orders', ...options, fragments: [stuck] })
  server.listen(0, '127.0.0.1')
  await service.ready
  const rendering = post(portOf(server), gateway.publicKey, asking('stuck')).catch(() => 'cut')
  await eventually(() => assert.ok(signal))
  await service.close()
  assert.equal(signal?.aborted, true)
  await rendering
})

test('a service doesn’t wait for a fragment nobody waits for', async (t) => {
  const gateway = await startGateway(t)
  let signal: AbortSignal | undefined
  const stuck = fragment('stuck', (input) => {
    signal = input.signal
    return new Promise<string>(() => {})
  })
  const server = createServer((_request, response) => response.end('app'))
  const options = { ...quiet(gateway).options, graceMs: 60_000 }
  const service = await hydraNode(server, { name: 'orders', ...options, fragments: [stuck] })
  server.listen(0, '127.0.0.1')
  await service.ready
  const visitor = new AbortController()
  const request = { method: 'POST', body: JSON.stringify(asking('stuck')), signal: visitor.signal }
  const url = `http://127.0.0.1:${portOf(server)}/h/fragment/${gateway.publicKey}/requestFragment`
  const rendering = fetch(url, request).catch(() => 'given up')
  await eventually(() => assert.ok(signal))
  visitor.abort()
  await rendering
  await eventually(() => assert.equal(signal?.aborted, true))
  await service.close()
})

test('before the gateway’s key is known nobody gets a fragment, and the service that lacks it says so', async (t) => {
  const server = createServer((_request, response) => response.end('app'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const service = await connect({
    name: 'orders',
    server,
    gateway: 'http://127.0.0.1:1',
    publicKey: '',
    privateKey: '',
    signals: false,
    log: { info: say, warn: say, error: say },
    fragments: [checkout],
  })
  t.after(() => service.close())
  for (const key of ['', 'undefined', 'x']) {
    const answer = await post(portOf(server), key, asking('checkout'))
    assert.equal(answer.status, 404)
  }
})

test('a page with a fault is thrown before anything is started', async () => {
  const page = {
    compile: () => {
      throw new TypeError('product.html:1:2: a fault')
    },
    bind: () => assert.fail('bound'),
    uses: () => assert.fail('used'),
  }
  const server = createServer()
  await assert.rejects(
    connect({ name: 'shop', server, log: false, pages: [page] }),
    /product\.html:1:2: a fault/,
  )
  assert.equal(server.listening, false)
  assert.throws(() => fragmentDoor({} as HydraService), /what connect or hydra returned/)
})
