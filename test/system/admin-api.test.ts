import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  drainAnswer,
  forgetAnswer,
  fragmentsAnswer,
  menusAnswer,
  nodesAnswer,
  problem,
  type RouteInfo,
  reloadAnswer,
  revokeAnswer,
  routesAnswer,
  servicesAnswer,
  sessionsAnswer,
  signingKeysAnswer,
  userAnswer,
} from '@hydra-gateway/protocol'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { startUpstream } from '../support/upstream.ts'

/** An answer with all its members known is the same after it was read by its schema. */
function assertWhole(schema: { parse(value: unknown): unknown }, answer: unknown): void {
  assert.deepEqual(schema.parse(answer), answer)
}

test('what the admin API answers is what its schemas say, with no member they leave out', async (t) => {
  const { port } = await startUpstream(t, 'configured')
  const gateway = await startGateway(t, {
    services: { configured: { url: `http://127.0.0.1:${port}`, routes: ['/configured', '/configured/**'] } },
    identity: {
      users: [{ username: 'mira', password: 'secret' }],
      database: false,
      rules: [
        { path: '/configured', providers: ['local'] },
        { path: '/configured/admin', roles: ['ADMIN'] },
      ],
    },
    lease: { ttl: '1s', check: '20ms' },
  })
  const register = (bean: object) =>
    fetch(`${gateway.discovery}/registration`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ host: '127.0.0.1', port, ...bean }),
    })
  const menuItems = { main: [{ endpoint: '/gone', label: 'Gone', order: 1 }] }
  const routes = [{ path: '/gone', methods: ['GET'], host: 'shop.example' }, { path: '/health' }]
  const bean = { name: 'gone', version: '2.0', group: 'g', fallback: '<p>later', menuItems, routes }
  assert.equal((await register({ ...bean, sockets: ['/live'], staticResources: ['a.css'] })).status, 200)
  const rival = [{ path: '/gone', methods: ['GET'], host: 'shop.example' }]
  const uses = [{ place: 'p.html:1:1', service: 'parts', ref: 'teaser', imports: ['zip'] }]
  const unmet = [{ place: 'p.html:2:1', service: 'nobody', ref: 'teaser' }]
  const asking = { name: 'rival', routes: rival, uses: [...uses, ...unmet] }
  assert.equal((await register(asking)).status, 200)
  const refs = [{ ref: 'teaser', attributes: ['zip'], imports: ['user'] }]
  assert.equal((await register({ name: 'parts', protocol: 1, refs })).status, 200)

  const served = await gateway.admin('services')
  assert.equal(served.services.length, 4)
  assertWhole(servicesAnswer, served)
  const answer = await gateway.admin('routes')
  assert.ok(answer.routes.length > 3 && answer.conflicts.length === 1 && answer.refused.length === 1)
  assertWhole(routesAnswer, answer)
  assert.deepEqual(
    answer.routes.flatMap(({ pattern, rule, exceptions }: RouteInfo) =>
      (rule ?? exceptions) ? [[pattern, rule, exceptions?.[0]?.path]] : [],
    ),
    [
      ['/configured', true, undefined],
      ['/configured/**', undefined, '/configured/admin'],
    ],
  )
  const pieces = await gateway.admin('fragments')
  assert.deepEqual(
    [pieces.fragments.length, pieces.conflicts.length, pieces.unmet.length],
    [1, 1, 1],
    'a teaser, refused, and a tag nobody answers',
  )
  assertWhole(fragmentsAnswer, pieces)

  const call = async (method: string, path: string, key = gateway.privateKey) => {
    const authorization = `Basic ${btoa(`${gateway.publicKey}:${key}`)}`
    const response = await fetch(`${gateway.url}/_hydra/api/v1/${path}`, {
      method,
      headers: { authorization },
    })
    return { status: response.status, body: await response.json() }
  }
  for (const [status, method, path, key] of [
    [401, 'GET', 'services', 'another-private-key'],
    [404, 'DELETE', 'services/nobody'],
    [409, 'DELETE', 'services/configured'],
  ] as const) {
    const refusal = await call(method, path, key)
    assert.equal(refusal.status, status)
    assertWhole(problem, refusal.body)
  }

  await eventually(async () => {
    const forgotten = await call('DELETE', 'services/gone')
    assert.equal(forgotten.status, 200)
    assertWhole(forgetAnswer, forgotten.body)
  })
  await eventually(async () => {
    const rest = await gateway.admin('services')
    assert.ok(rest.services.some(({ downSince }: { downSince?: number }) => downSince))
    assertWhole(servicesAnswer, rest)
  })
})

test('the examples of the admin API’s page are of its schemas', async () => {
  const page = await readFile(
    fileURLToPath(new URL('../../docs/reference/admin-api.md', import.meta.url)),
    'utf8',
  )
  const examples = [...page.matchAll(/^```json\n([\s\S]*?)^```$/gm)].map(([, json]) => JSON.parse(json!))
  const [
    services,
    down,
    drained,
    routes,
    fragments,
    menus,
    nodes,
    health,
    reloaded,
    forgotten,
    sessions,
    revoked,
    keys,
    user,
    refusal,
  ] = examples
  assert.equal(examples.length, 15)
  assertWhole(reloadAnswer, reloaded)
  assertWhole(nodesAnswer, nodes)
  assert.deepEqual(Object.keys(health), ['status', 'store', 'awayForMs', 'localOnly'])
  assertWhole(servicesAnswer, services)
  assertWhole(servicesAnswer, { revision: 1, services: [{ ...services.services[0], ...down }] })
  assertWhole(drainAnswer, drained)
  assertWhole(routesAnswer, routes)
  assertWhole(fragmentsAnswer, fragments)
  assertWhole(menusAnswer, menus)
  assertWhole(forgetAnswer, forgotten)
  assertWhole(sessionsAnswer, sessions)
  assertWhole(revokeAnswer, revoked)
  assertWhole(signingKeysAnswer, keys)
  assertWhole(userAnswer, user)
  assertWhole(problem, refusal)
})

test('a page of another site changes nothing, though the browser of an operator sends keys it remembers', async (t) => {
  const gateway = await startGateway(t, {
    identity: { users: [{ username: 'mira', password: 'secret' }], database: false },
  })
  const { publicKey, privateKey, port } = gateway
  const authorization = `Basic ${Buffer.from(`${publicKey}:${privateKey}`).toString('base64')}`
  const call = async (method: string, path: string, headers: Record<string, string>) => {
    const body = method === 'POST' ? '{"user":"mira"}' : undefined
    const url = `${gateway.url}/_hydra/api/v1/${path}`
    return fetch(url, { method, headers: { authorization, ...headers }, ...(body ? { body } : {}) })
  }
  const foreign: readonly Record<string, string>[] = [
    { origin: 'https://evil.example', 'content-type': 'text/plain' },
    { origin: 'null', 'content-type': 'text/plain' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: `http://127.0.0.1:${port + 1}` },
  ]
  for (const headers of foreign) {
    for (const [method, path] of [
      ['POST', 'revocations'],
      ['POST', 'keys/rotate'],
      ['DELETE', 'services/shop'],
    ] as const) {
      const answer = await call(method, path, headers)
      assert.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`)
      assert.equal(((await answer.json()) as { code: string }).code, 'HYDRA_FORBIDDEN')
    }
  }
  assert.equal((await gateway.admin<{ revocations: unknown[] }>('revocations')).revocations.length, 0)
  assert.equal((await gateway.admin<{ keys: unknown[] }>('keys')).keys.length, 1)
  assert.equal((await call('POST', 'revocations', {})).status, 200, 'a program says nothing of the kind')
  assert.equal((await call('POST', 'revocations', { origin: gateway.url })).status, 200)
})
