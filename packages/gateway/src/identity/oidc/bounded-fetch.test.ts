import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { askingRules, createAsk, isTakenUrl } from './bounded-fetch.ts'
import { faultOf } from './faults.ts'

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const here = askingRules('http://127.0.0.1/', false)
const anywhere = askingRules('http://id.example/', true)

const get = { method: 'GET', headers: {} }

test('providers are asked over TLS, or on this machine, unless the operator says otherwise', async () => {
  for (const url of [
    'https://id.example/',
    'http://localhost:1/',
    'http://a.localhost/',
    'http://127.1/',
    'http://[::1]/',
  ]) {
    assert.equal(isTakenUrl(url, here), true, url)
  }
  for (const url of ['http://id.example/', 'http://127.0.0.1.example/', 'http://10.0.0.1/']) {
    assert.equal(isTakenUrl(url, here), false, url)
    assert.equal(isTakenUrl(url, anywhere), true, url)
  }
  for (const url of [
    'javascript:alert(1)',
    'file:///etc/passwd',
    'https://a:b@id.example/',
    '/auth',
    '',
    undefined,
    7,
  ]) {
    assert.equal(isTakenUrl(url, anywhere), false, String(url))
  }
  const ask = createAsk({ rules: here, timeoutMs: 1000 })
  await assert.rejects(ask('http://id.example/', get), { code: 'insecure' })
})

test('a provider does not have us ask this machine, nor what tells credentials of machines', () => {
  const elsewhere = askingRules('https://id.example/', false)
  const own = [
    'http://127.0.0.1:9200/',
    'https://localhost/',
    'https://localhost./',
    'http://[::ffff:7f00:1]/',
  ]
  for (const url of own) {
    assert.equal(isTakenUrl(url, elsewhere), false, url)
    assert.equal(isTakenUrl(url, anywhere), true, url)
  }
  for (const host of [
    '169.254.169.254',
    '0xa9fea9fe',
    '[::ffff:a9fe:a9fe]',
    '[fe80::1]',
    '0.0.0.0',
    '[fd00:ec2::254]',
  ])
    for (const rules of [elsewhere, here, anywhere])
      for (const scheme of ['http', 'https'])
        assert.equal(isTakenUrl(`${scheme}://${host}/`, rules), false, host)
  assert.equal(isTakenUrl('https://id.example/token', elsewhere), true)
})

test('an answer is read up to its limit, however it is packed, and no further', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/small') return response.end('{"a":1}')
    if (request.url === '/bomb') {
      return response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(5_000_000)))
    }
    const more = () => response.writable && response.write('x'.repeat(65_536), more)
    more()
  })
  const ask = createAsk({ rules: here, timeoutMs: 5000, maxBytes: 100_000 })
  assert.deepEqual(await (await ask(`${url}small`, get)).json(), { a: 1 })
  await assert.rejects(ask(`${url}bomb`, get), { code: 'oversize' })
  await assert.rejects(ask(`${url}endless`, get), { code: 'oversize' })
})

test('a provider that hangs, or sends its answer drop by drop, is given up', async (t) => {
  const url = await serve(t, (request, response) => {
    if (request.url === '/drops') response.write('{')
  })
  const ask = createAsk({ rules: here, timeoutMs: 150 })
  for (const path of ['silent', 'drops']) {
    const error = await ask(`${url}${path}`, get).catch((failed: unknown) => failed)
    assert.deepEqual(faultOf(error), { reason: 'timeout', kind: 'down' })
  }
})

test('nobody is followed anywhere', async (t) => {
  let asked = 0
  const url = await serve(t, (_, response) => {
    asked++
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  const ask = createAsk({ rules: here, timeoutMs: 1000 })
  assert.equal((await ask(url, get)).status, 302)
  assert.equal(asked, 1)
})

test('a closed port is a provider that is down', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const ask = createAsk({ rules: here, timeoutMs: 1000 })
  const error = await ask(`http://127.0.0.1:${port}/`, get).catch((failed: unknown) => failed)
  assert.deepEqual(faultOf(error), { reason: 'unreachable', kind: 'down' })
})
