import assert from 'node:assert/strict'
import { test } from 'node:test'
import { externalServices } from '../channels/external.ts'
import { registerStaticServices } from '../channels/static.ts'
import { durationOf } from './page.ts'
import { startApi } from './testing/api-rig.ts'

const TOKEN = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'

test('the page shows services, instances, routes and who was here before, and nothing that is marked up by others', async (t) => {
  const { get, network, registry } = await startApi(t)
  await registry.join('orders', ['/orders/{id}'])
  const entry = {
    serviceName: 'hello',
    instanceID: 'f'.repeat(32),
    version: '<script>alert(1)</script>',
    updatedOn: new Date().toISOString(),
    ip: '10.0.0.7',
    port: 3000,
    hostName: '"><img src=x>',
  }
  network.instances.push({
    entry,
    health: { uptimeSeconds: 3725.5, memory: { rss: 64 * 2 ** 20 } },
    log: [],
  })
  network.nodes.push(entry, {
    ...entry,
    instanceID: 'e'.repeat(32),
    updatedOn: new Date(Date.now() - 90_000).toISOString(),
  })
  network.routes.set('hello', ['[get]/v1/hello/<b>'])
  const response = await get('/')
  const page = await response.text()
  assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
  assert.ok(page.includes('<h1>Both services serve.</h1>'))
  for (const text of [
    '10.0.0.7:3000',
    '1 h 2 min',
    '64 MiB',
    '/orders/:id',
    '/v1/hello/&lt;b&gt;',
    '1 min 30 s ago',
  ])
    assert.ok(page.includes(text), text)
  for (const text of ['<script>', '<img', '<b></code>', '<meta http-equiv="refresh"'])
    assert.ok(!page.includes(text), text)
  assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/)
})

test('services elsewhere are called by their address; versions are told as hydra services does, of instances nobody reaches too', async (t) => {
  const address = 'http://127.0.0.1:23910'
  const { get, registry } = await startApi(t, {}, { externalRoutes: () => ({ [address]: ['[get]/ext'] }) })
  const external = externalServices({ externalRoutes: { [address]: ['[get]/ext'] } }, registry.log)
  registerStaticServices(external, registry.registry)
  const { instanceId } = await registry.join('orders', ['/orders'], { version: '1.2.0' })
  registry.vitals.of(instanceId).resting = true
  const { result } = (await (await get('/v1/router/list/services')).json()) as any
  const elsewhere = result.find((one: any) => one.serviceName === address)
  assert.deepEqual([elsewhere.serviceDescription, elsewhere.version], [address, '-'])
  const page = await (await get('/')).text()
  const versionOf = (name: string) =>
    new RegExp(`<th scope="row">${name}</th>\\s*<td>.*</td>\\s*<td><code>(.*?)</code>`).exec(page)?.[1]
  assert.deepEqual([versionOf(address), versionOf('orders')], ['-', '1.2.0'])
  // It may never have been seen: an age would be made up.
  assert.match(page, /Known, not here now[\s\S]*<th scope="row">orders<\/th>[\s\S]*>not reached now</)
})

test('whatever stands in Redis in the place of health, the page is there, and nobody is anybody else', async (t) => {
  const { get, network } = await startApi(t)
  const entry = { serviceName: 'orders', instanceID: 'a'.repeat(32), ip: '10.0.0.1', port: 1, updatedOn: '' }
  const never = { version: { a: 1 }, hostName: [1], ip: null, uptimeSeconds: 'x', memory: 5, updatedOnTS: {} }
  for (const health of [never, { serviceName: { a: 1 }, instanceID: 7 }, { serviceName: 'shop' }, ['x']]) {
    network.instances = [{ entry, health: health as Readonly<Record<string, unknown>>, log: [] }]
    assert.equal((await get('/')).status, 200, JSON.stringify(health))
    const { result } = (await (await get('/v1/router/list/services')).json()) as any
    assert.deepEqual(
      result.map((one: any) => one.serviceName),
      ['hydra-router', 'orders'],
    )
    assert.equal(result[1].instanceID, entry.instanceID)
  }
})

test('whatever stands in Redis in the place of an entry, the page and the lists are there', async (t) => {
  const { get, network } = await startApi(t)
  // No text can be made of it.
  const never = { toString: 1, valueOf: 1 } as unknown as string
  const odd = { version: never, updatedOn: never, ip: never, port: never, hostName: never }
  network.nodes = [
    { ...odd, serviceName: 'orders', instanceID: 'b'.repeat(32) },
    { ...odd, serviceName: 'orders', instanceID: 'a'.repeat(32) },
  ]
  network.instances = [{ entry: network.nodes[1]!, log: [] }]
  for (const path of ['/', '/v1/router/list/services', '/v1/router/list/nodes'])
    assert.equal((await get(path)).status, 200, path)
  const { result } = (await (await get('/v1/router/list/nodes')).json()) as any
  assert.deepEqual(
    result.map((one: any) => [one.serviceName, Number.isInteger(one.elapsed)]),
    [
      ['hydra-router', true],
      ['orders', true],
      ['orders', true],
    ],
  )
})

test('its links keep the token, and nobody else is told of it', async (t) => {
  const { get } = await startApi(t, { routerToken: TOKEN })
  const response = await get(`/?token=${TOKEN}`)
  const page = await response.text()
  assert.ok(page.includes(`href="/v1/router/list/routes?token=${TOKEN}"`))
  assert.ok(page.includes(`href="/?token=${TOKEN}&amp;follow"`))
  assert.equal(response.headers.get('referrer-policy'), 'no-referrer')
  assert.ok(page.includes('No service is here yet.'))
})

test('it opens itself anew for who asks for that, without a script', async (t) => {
  const { get } = await startApi(t, {}, { withoutRedis: true })
  const page = await (await get('/?follow')).text()
  assert.ok(page.includes('<meta http-equiv="refresh" content="5">'))
  assert.ok(page.includes('There is no Redis'))
  assert.ok(!page.includes('<script'))
})

test('a site of thousands has a page that can be read', async (t) => {
  const { get, network } = await startApi(t)
  for (let i = 0; i < 3000; i++) {
    const instanceID = i.toString(16).padStart(32, '0')
    const entry = {
      serviceName: `s${i}`,
      instanceID,
      updatedOn: new Date().toISOString(),
      ip: '10.0.0.7',
      port: 3000,
    }
    network.instances.push({ entry, log: [] })
    network.routes.set(`s${i}`, [`[get]/s${i}`])
  }
  const page = await (await get('/')).text()
  assert.ok(page.length < 1_000_000, `${page.length}`)
  assert.ok(page.includes('more stand in the lists below'))
})

test('durations are said by their two largest parts', () => {
  for (const [seconds, text] of [
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3661, '1 h 1 min'],
    [86_400 * 3 + 5, '3 d'],
  ] as const)
    assert.equal(durationOf(seconds), text)
})
