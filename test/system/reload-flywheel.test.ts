import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { type Config, type ConfigInput, parseConfig } from '@hydra-gateway/gateway'
import { startGateway } from '../support/gateway.ts'

const TOKEN = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
const base = {
  port: 0,
  host: '127.0.0.1',
  keys: { publicKey: 'public-key-of-this-test', privateKey: 'private-key-of-this-test' },
  http: { stopGrace: 500, stopIdle: 0 },
}

test('token, CORS, routes elsewhere and patience of hydra-router’s configuration change with a reload, and what needs a restart says so', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/elsewhere') response.end('there')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  let next: Config = parseConfig({})
  const flywheel = { enabled: true }
  const gateway = await startGateway(
    t,
    { ...base, flywheel },
    {
      readConfig: async () => ({ config: next, warnings: [] }),
    },
  )
  const reload = async (more: NonNullable<ConfigInput['flywheel']>) => {
    next = parseConfig({ ...base, flywheel: { ...flywheel, ...more } })
    return [...(await gateway.reload()).changed].sort()
  }
  const ask = (path: string) => fetch(gateway.url + path, { headers: { accept: 'application/json' } })
  const version = '/v1/router/version'
  assert.equal((await ask(version)).status, 200)
  assert.equal((await ask('/elsewhere')).status, 404)

  assert.deepEqual(
    await reload({
      routerToken: TOKEN,
      cors: { 'access-control-allow-origin': 'https://shop.example' },
      externalRoutes: { [elsewhere]: ['[get]/elsewhere', '[get]/slow'] },
      requestTimeout: 300,
    }),
    ['cors', `externalRoutes.${elsewhere}`, 'requestTimeout', 'routerToken'].map(
      (name) => `flywheel.${name}`,
    ),
  )
  assert.equal((await ask(version)).status, 404)
  const opened = await ask(`${version}?token=${TOKEN}`)
  assert.equal(opened.status, 200)
  assert.equal(opened.headers.get('access-control-allow-origin'), 'https://shop.example')
  const there = await ask('/elsewhere')
  assert.equal(await there.text(), 'there')
  assert.equal(there.headers.get('access-control-allow-origin'), 'https://shop.example')
  const began = performance.now()
  assert.equal((await ask('/slow')).status, 504)
  assert.ok(performance.now() - began < 3000, 'not the 5 s it had before')

  await reload({ disableRouterEndpoint: true })
  assert.equal((await ask(`${version}?token=${TOKEN}`)).status, 404)
  assert.equal((await ask('/elsewhere')).status, 404)
  await assert.rejects(reload({ queuerDB: 3 }), /flywheel\.queuerDB needs? a restart/)
  await assert.rejects(reload({ enabled: false }), /flywheel\.enabled needs? a restart/)
})
