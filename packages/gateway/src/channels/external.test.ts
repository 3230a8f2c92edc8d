import assert from 'node:assert/strict'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createLog } from '../observe/log.ts'
import { flywheelDefaults } from '../proxy/flywheel-settings.ts'
import { TLS_CERT, TLS_KEY } from '../proxy/testing/certificate.ts'
import { realAnswers } from '../proxy/testing/flywheel-site.ts'
import { httpService } from '../proxy/testing/raw.ts'
import { startRig } from '../proxy/testing/rig.ts'
import { setUpRegistry } from '../registry/testing/registry-rig.ts'
import { externalServices } from './external.ts'
import { registerStaticServices, replaceStaticServices } from './static.ts'

const silent = createLog('silent')
const services = (externalRoutes: Record<string, string[]>, log = silent) =>
  externalServices({ externalRoutes }, log)

/** A service that says what it was asked. */
async function echo(t: TestContext): Promise<number> {
  const { port } = await httpService(t, (asked, answer) => {
    const { method, url, headers } = asked
    answer.end(JSON.stringify({ method, url, headers }))
  })
  return port
}

test('routes elsewhere are served with their port, their own Host and nobody’s session; hydra-router answered each with 400 or 503', async (t) => {
  const port = await echo(t)
  const { registry, live } = setUpRegistry()
  t.after(() => registry.stop())
  const address = `http://127.0.0.1:${port}`
  registerStaticServices(services({ [address]: ['[get]/api/v2/token/:id', '/any/*rest'] }), registry)
  const rig = await startRig(t, {
    table: live.table,
    flywheel: { ...flywheelDefaults, enabled: true },
    answers: realAnswers,
  })
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`${rig.url}${path}`, init)
    return { response, told: (await response.json()) as any }
  }
  const { response, told } = await ask('/api/v2/token/7?x=%2F', {
    headers: { cookie: 'HYDRA-SSO=a; HYDRA-ROUTE=b; HYDRA-DEBUG=c; own=d', authorization: 'Bearer x' },
  })
  assert.equal(told.url, '/api/v2/token/7?x=%2F')
  assert.equal(told.headers.host, `127.0.0.1:${port}`)
  assert.equal(told.headers.cookie, 'own=d')
  assert.equal(told.headers.authorization, 'Bearer x')
  assert.equal(told.headers['x-hydra-tracer'], response.headers.get('x-hydra-tracer'))
  assert.equal((await ask('/any/where/deep', { method: 'POST', body: '{}' })).told.method, 'POST')
  // Whatever the verb, as everywhere by these rules; and no site belongs to an address.
  assert.equal((await ask('/api/v2/token/7', { method: 'PUT' })).told.method, 'PUT')
  assert.equal((await fetch(`${rig.url}/api/v2/token/7`, { method: 'OPTIONS' })).status, 204)
  assert.equal((await ask('/else', { headers: { referer: `${rig.url}/${address}/` } })).response.status, 404)
  assert.deepEqual(
    [...live.table.services()].map(({ name }) => name),
    [address],
  )
})

test('an address may begin with https, and is not trusted without a certificate for its name', async (t) => {
  const server = createTlsServer({ cert: TLS_CERT, key: TLS_KEY }, (_asked, answer) => answer.end('secret'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const { registry, live } = setUpRegistry()
  t.after(() => registry.stop())
  registerStaticServices(services({ [`https://127.0.0.1:${port}`]: ['/secret'] }), registry)
  const rig = await startRig(t, {
    table: live.table,
    flywheel: { ...flywheelDefaults, enabled: true },
    answers: realAnswers,
  })
  const answer = await fetch(`${rig.url}/secret`)
  assert.equal(answer.status, 502)
  assert.doesNotMatch(await answer.text(), /"secret"/)
})

test('addresses are read as people write them; a route nobody can read is left out and said', () => {
  const lines: string[] = []
  const log = createLog('warn', { write: (line) => void lines.push(line) })
  const read = services(
    {
      'https://API.example/': ['[get,post]/a', '[get/b', '[get]'],
      'http://[::1]:9000': ['/c'],
      'http://api.example:80': ['[put]/d'],
    },
    log,
  )
  assert.deepEqual(
    read.map(({ name, instances: [first], routes }) => [
      name,
      first!.protocol,
      first!.host,
      first!.port,
      routes.map(({ path, methods }) => [path, methods]),
    ]),
    [
      ['https://api.example', 'https', 'api.example', 443, [['/a', ['GET', 'POST']]]],
      ['http://[::1]:9000', 'http', '::1', 9000, [['/c', undefined]]],
      ['http://api.example:80', 'http', 'api.example', 80, [['/d', ['PUT']]]],
    ],
  )
  assert.equal(lines.length, 2)
  assert.match(lines[0]!, /\[get\/b/)
})

test('a service that registers has its route before any address, whoever came first, and keeps it while it is down', async (t) => {
  const { registry, live, clock, join } = setUpRegistry()
  t.after(() => registry.stop())
  const address = 'http://127.0.0.1:9'
  const configured = services({ [address]: ['/a', '/b'] })
  registerStaticServices(configured, registry)
  const ownerOf = (path: string) => live.table.match('', path, 'GET', false)?.service
  assert.equal(ownerOf('/a'), address)
  const { instanceId } = await join('shop', ['/a'])
  assert.equal(ownerOf('/a'), 'shop')
  assert.equal(ownerOf('/b'), address)
  assert.deepEqual(
    live.table.conflicts().map(({ incumbent, newcomer }) => [incumbent, newcomer]),
    [['shop', address]],
  )
  await join('late', ['/a'])
  registry.deregister(instanceId)
  const { revision } = live.table
  clock.advance(29_000)
  assert.equal(ownerOf('/a'), 'shop')
  clock.advance(60_000)
  // The one that waited has it by then, never the address.
  assert.notEqual(ownerOf('/a'), address)
  assert.ok(live.table.revision - revision < 10)
})

test('what is configured anew replaces what was; the rest is not touched', (t) => {
  const { registry, live } = setUpRegistry()
  t.after(() => registry.stop())
  const before = services({ 'http://127.0.0.1:8': ['/a'], 'http://127.0.0.1:9': ['/b'] })
  registerStaticServices(before, registry)
  const kept = live.table.match('', '/b', 'GET', false)
  const after = services({ 'http://127.0.0.1:9': ['/b'], 'http://127.0.0.1:7': ['/c'] })
  replaceStaticServices(before, after, registry)()
  assert.equal(live.table.match('', '/a', 'GET', false), undefined)
  assert.equal(live.table.match('', '/b', 'GET', false), kept)
  assert.equal(live.table.match('', '/c', 'GET', false)?.service, 'http://127.0.0.1:7')
})
