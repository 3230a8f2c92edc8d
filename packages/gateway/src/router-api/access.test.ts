import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { eventually } from '../../../../test/support/eventually.ts'
import { ROUTER_ID, startApi } from './testing/api-rig.ts'

const TOKEN = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
const OTHER = '198ebe18-7e1b-4ddd-ae2a-cc6521e5b641'
const PATHS = [
  'version',
  'list/routes',
  'list/services',
  'list/nodes',
  'nodes',
  'health',
  'log',
  'stats',
  'clear',
]

/** With a Host header of one's own, which fetch does not send. */
function statusOf(url: string, headers: Record<string, string>, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end(method === 'POST' ? '{"to":"a:/","frm":"b:/","bdy":{}}' : undefined)
  })
}

test('with a token nothing is answered without it, the page and what takes messages included', async (t) => {
  const { get, post, given, network } = await startApi(t, { routerToken: TOKEN })
  const message = { to: 'hello:/', frm: 'me:/', bdy: {} }
  for (const query of [
    '',
    `?token=${OTHER}`,
    '?token=',
    `?token=${TOKEN}0`,
    `?token=${TOKEN.slice(1)}`,
    `?token=${OTHER}&token=${TOKEN}`,
    `?Token=${TOKEN}`,
    `?token[]=${TOKEN}`,
    '?token=%zz',
  ]) {
    for (const path of PATHS)
      assert.equal((await get(`/v1/router/${path}${query}`)).status, 404, path + query)
    for (const path of ['message', 'send', 'queue', 'stream/x'])
      assert.equal((await post(path + query, message)).status, 404, path + query)
    const page = await get(`/${query}`)
    assert.equal(page.status, 404)
    assert.equal(await page.text(), 'nothing here')
  }
  assert.equal(given.length + network.queued.length + network.streamed.length + network.cleared, 0)
  for (const path of PATHS) assert.ok((await get(`/v1/router/${path}?token=${TOKEN}`)).status < 400, path)
  assert.equal((await post(`send?token=${TOKEN}`, message)).status, 200)
  assert.equal((await get(`/?a=1&token=${TOKEN}`)).status, 200)
})

test('neither a Host of localhost nor a path that ends in .js opens it (B2: both did)', async (t) => {
  const { url, settings, given, network } = await startApi(t, { routerToken: TOKEN })
  const all = async () => {
    for (const host of ['localhost', 'localhost:80', '127.0.0.1']) {
      assert.equal(await statusOf(`${url}/v1/router/version`, { host }), 404, host)
      assert.equal(await statusOf(`${url}/v1/router/stream/x.js`, { host }, 'POST'), 404, host)
      assert.equal(await statusOf(`${url}/v1/router/refresh/x.css`, { host }), 404, host)
      assert.equal(await statusOf(`${url}/`, { host }), 404, host)
    }
  }
  await all()
  settings.routerToken = ''
  settings.isDisabled = true
  await all()
  assert.equal(given.length + network.streamed.length, 0)
})

test('disabled, it is not there, whatever token somebody has', async (t) => {
  const { get } = await startApi(t, { routerToken: TOKEN, isDisabled: true })
  for (const path of PATHS) {
    const response = await get(`/v1/router/${path}?token=${TOKEN}`)
    assert.equal(response.status, 404, path)
    assert.deepEqual(((await response.json()) as any).result, {})
  }
  assert.equal((await get(`/?token=${TOKEN}`)).status, 404)
})

test('a socket is told no more than a request: without the token nothing is routable (B13: it was told everything)', async (t) => {
  const { api, settings } = await startApi(t, { routerToken: TOKEN })
  const refused = { error: 'Route /v1/router/version is not routable.' }
  assert.deepEqual(JSON.parse(await api.overSocket('/v1/router/version', { body: {} })), refused)
  assert.deepEqual(
    JSON.parse(await api.overSocket(`/v1/router/version?token=${OTHER}`, { body: {} })),
    refused,
  )
  assert.deepEqual(
    JSON.parse(await api.overSocket('/v1/router/version', { body: { token: [TOKEN] } })),
    refused,
  )
  const known = { version: '0.1.0' }
  assert.deepEqual(JSON.parse(await api.overSocket(`/v1/router/version?token=${TOKEN}`, { body: {} })), known)
  assert.deepEqual(JSON.parse(await api.overSocket('/v1/router/version', { body: { token: TOKEN } })), known)
  settings.routerToken = ''
  assert.deepEqual(JSON.parse(await api.overSocket('/v1/router/version', { body: {} })), known)
  settings.isDisabled = true
  assert.deepEqual(
    JSON.parse(await api.overSocket('/v1/router/version', { body: { token: TOKEN } })),
    refused,
  )
})

test('over a socket the answers are what stands in result, and the rest says that it is not routable', async (t) => {
  const { api, network } = await startApi(t)
  const ask = async (path: string): Promise<any> =>
    JSON.parse(await api.overSocket(`/v1/router/${path}`, { body: {} }))
  assert.equal((await ask('health')).serviceName, 'hydra-router')
  assert.deepEqual(Object.keys(await ask('stats')), ['httpStats', 'wsStats', 'errorStats'])
  for (const path of ['list/routes', 'list/services', 'list/nodes'])
    assert.equal((await ask(path))[0].serviceName, 'hydra-router', path)
  // The original never answered these two.
  assert.deepEqual(await ask('refresh'), {})
  assert.deepEqual(await ask('log'), { logs: [] })
  assert.deepEqual(await ask('clear'), {})
  assert.equal(network.cleared, 1)
  for (const path of ['list/other', 'message', '__proto__'])
    assert.deepEqual(await ask(path), { error: `Route /v1/router/${path} is not routable.` })
  assert.deepEqual(JSON.parse(await api.overSocket('/elsewhere', { body: {} })), {
    error: 'Route /elsewhere is not routable.',
  })
})

test('the log tells whole ids of clients to those who know the token only: an id is all it takes to be one', async (t) => {
  const { api, get, settings } = await startApi(t)
  const free = `c0123456789abcdefghijklmnopqrstuvwx`
  const bound = `s0123456789abcdefghijklmnopqrstuvwxyz0123456789a`
  const original = '2945p8eigxz'
  api.note('info', { from: `${free}@client:/`, body: { id: bound, text: `is "${bound}" there?` } })
  api.note('message', { to: `${original}@client:/`, from: `${ROUTER_ID}-${original}@hydra-router:/` })
  api.note('request', { path: `/v1/of/${free}`, status: 200 })
  const read = async () => [
    await (await get(`/v1/router/log?token=${TOKEN}`)).text(),
    await api.overSocket(`/v1/router/log?token=${TOKEN}`, { body: {} }),
  ]
  for (const text of await read()) {
    for (const id of [free, bound, original]) assert.ok(!text.includes(id.slice(0, -2)), text)
    for (const known of ['c01234…@client:/', '2945p8…@client:/', `${ROUTER_ID}-2945p8…@hydra-router:/`])
      assert.ok(text.includes(known), text)
    assert.equal(JSON.parse(text).statusCode ?? 200, 200)
  }
  settings.routerToken = TOKEN
  for (const text of await read())
    for (const id of [free, bound, original]) assert.ok(text.includes(id), text)
})

test('a list is made and written once for all who ask within a while, over sockets too', async (t) => {
  let made = 0
  let written = 0
  const externalRoutes = () => {
    made++
    return {}
  }
  const { api, get, post, network } = await startApi(t, { listForMs: 60_000 }, { externalRoutes })
  const entry = { serviceName: 'hello', instanceID: 'a'.repeat(32), updatedOn: '', ip: '10.0.0.7', port: 1 }
  network.nodes.push({
    ...entry,
    toJSON() {
      written++
      return entry
    },
  })
  for (let i = 0; i < 20; i++) {
    for (const list of ['routes', 'nodes', 'wsdir']) {
      const path = `/v1/router/list/${list}`
      const { result } = (await (await get(path)).json()) as any
      assert.deepEqual(JSON.parse(await api.overSocket(path, { body: {} })), result)
      const posted = await post('message', { to: `hydra-router:[get]${path}`, frm: 'me:/', bdy: {} })
      assert.deepEqual(((await posted.json()) as any).result, result)
    }
  }
  assert.equal(made, 1)
  assert.equal(written, 2, 'once for requests, and once for messages')
  await get('/v1/router/refresh')
  await get('/v1/router/list/routes')
  assert.equal(made, 2)
})

test('with a port for operators the public one takes messages and tells nothing, over sockets neither', async (t) => {
  const { get, post, api } = await startApi(t, { hasControlPort: true }, { control: false })
  for (const path of PATHS) assert.equal((await get(`/v1/router/${path}`)).status, 404, path)
  assert.equal((await post('send', { to: 'hello:/', frm: 'me:/', bdy: {} })).status, 200)
  assert.match(await api.overSocket('/v1/router/version', { body: {} }), /not routable/)
})

test('nor does a message to the router itself, sent to the public port, bring what is told to operators', async (t) => {
  const { post, settings } = await startApi(t, { hasControlPort: true }, { control: false })
  const ask = (query: string) =>
    Promise.all([
      post(`message${query}`, { to: 'hydra-router:[get]/v1/router/list/nodes', frm: 'me:/', bdy: {} }),
      post(`message${query}`, { to: 'x:/', fwd: 'hydra-router:[get]/v1/router/log', frm: 'me:/', bdy: {} }),
    ])
  for (const response of await ask('')) {
    assert.equal(response.status, 400)
    assert.match(((await response.json()) as any).result.reason, /is not routable/)
  }
  // Whoever knows the token is an operator wherever they ask, as over sockets.
  settings.routerToken = TOKEN
  for (const response of await ask('')) assert.equal(response.status, 404)
  for (const response of await ask(`?token=${TOKEN}`)) assert.equal(response.status, 200)
})

test('the token never stands in the log', async (t) => {
  const { get, lines } = await startApi(t, { routerToken: TOKEN, debugLogging: true })
  await get(`/v1/router/version?token=${TOKEN}`)
  await get(`/?token=${TOKEN}`)
  await get(`/v1/router/none?token=${TOKEN}`)
  await eventually(() => assert.equal(lines.filter(({ msg }) => msg === 'exchange').length, 3))
  assert.ok(!JSON.stringify(lines).includes(TOKEN))
  const log = await (await get(`/v1/router/log?token=${TOKEN}`)).text()
  assert.ok(!log.includes(TOKEN))
})
