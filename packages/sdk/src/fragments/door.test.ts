import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { type TestContext, test } from 'node:test'
import { RENDERED_FRAGMENTS_MIME } from '@hydra-gateway/protocol'
import { watchServer } from '../server.ts'
import type { FragmentDefinition } from './definition.ts'
import { createDoor } from './door.ts'
import { fragment } from './fragment.ts'
import { createLocalFragments } from './local.ts'
import { createRenders } from './renders.ts'

const KEY = 'public key/1'
const PATH = `/h/fragment/${encodeURIComponent(KEY)}/requestFragment`

/** A service whose app answers everything else. */
async function serving(
  t: TestContext,
  definitions: readonly FragmentDefinition[],
  { maxRenders = 10, maxBodyBytes = 1000 } = {},
) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const log = { info: say, warn: say, error: say }
  const closed = new AbortController()
  let keys: readonly string[] = [KEY, 'old']
  const local = { service: 'orders', definitions, identify: undefined, log, nested: () => undefined }
  const fragments = createLocalFragments(local)
  const renders = createRenders({ fragments, log, maxRenders, now: () => performance.now() })
  const door = createDoor({ renders, keys: () => keys, maxBodyBytes, log, closed: closed.signal })
  const server = createServer((request, response) => response.end(`app ${request.method} ${request.url}`))
  watchServer(server).serveFirst(door)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  return {
    said,
    closed,
    door,
    url,
    port,
    server,
    know: (next: readonly string[]) => {
      keys = next
    },
    post: (body: unknown, headers: Record<string, string> = {}, path = PATH) =>
      fetch(url + path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: { 'content-type': 'application/json', ...headers },
      }),
  }
}

const asking = (...refs: string[]) => ({
  attributes: {},
  requests: refs.map((ref) => ({ id: `id-${ref}`, service: 'orders', ref, fallback: null })),
})
const hello = fragment('hello', { exports: ['n'] }, () => ({
  html: '<p>Hello</p>',
  exports: { n: 1 },
  session: { seen: true },
}))

test('a gateway of ours gets an object with the session, others the bare list', async (t) => {
  const { post } = await serving(t, [hello])
  const ours = await post(asking('hello', 'nobody'), { accept: RENDERED_FRAGMENTS_MIME })
  assert.equal(ours.status, 200)
  assert.equal(ours.headers.get('content-type'), RENDERED_FRAGMENTS_MIME)
  assert.equal(ours.headers.get('cache-control'), 'no-store')
  const fragments = [
    { id: 'id-hello', renderedHTML: '<p>Hello</p>', exports: { n: 1 } },
    { id: 'id-nobody', renderedHTML: null, reason: 'unknown-ref' },
  ]
  const { fragments: rendered, session } = (await ours.json()) as { fragments: object[]; session: unknown }
  assert.deepEqual(new Set(rendered), new Set(fragments))
  assert.deepEqual(session, { seen: true })
  const theirs = await post(asking('hello'), {}, `/h/fragment/old/requestFragment?x=1`)
  assert.equal(theirs.headers.get('content-type'), 'application/json')
  assert.deepEqual(await theirs.json(), fragments.slice(0, 1))
  assert.deepEqual(await (await post(asking())).json(), [])
})

test('to who doesn’t know the key there is nothing, and before it is known to nobody', async (t) => {
  const { post, know, url } = await serving(t, [hello])
  for (const path of [
    '/h/fragment/wrong/requestFragment',
    '/h/fragment//requestFragment',
    '/h/fragment/%/requestFragment',
  ]) {
    const answer = await post(asking('hello'), {}, path)
    assert.deepEqual([answer.status, await answer.text()], [404, ''], path)
  }
  const got = await fetch(url + PATH)
  assert.deepEqual([got.status, got.headers.get('allow'), await got.text()], [405, 'POST', ''])
  know([])
  assert.equal((await post(asking('hello'))).status, 404)
})

test('the app answers everything else', async (t) => {
  const { url } = await serving(t, [hello])
  for (const path of ['/', '/h/fragment', `${PATH}/more`, `/x${PATH}`, '/h/fragment/a/b/requestFragment'])
    assert.equal(await (await fetch(url + path)).text(), `app GET ${path}`)
})

test('a body that is none, or too large, is refused with its reason', async (t) => {
  const { post, port } = await serving(t, [hello])
  const refused = async (body: unknown) => {
    const answer = await post(body)
    return [answer.status, ((await answer.json()) as { error: string }).error]
  }
  assert.deepEqual(await refused('{'), [400, 'the body is not JSON'])
  assert.deepEqual(await refused('[]'), [400, 'a request for fragments is an object'])
  assert.deepEqual(
    await refused({ requests: [{ id: 'x', ref: 'a', imports: ['a as'] }] }).then(([status]) => status),
    400,
  )
  assert.deepEqual(await refused({ requests: [], x: 'x'.repeat(1000) }), [413, 'a body may have 1000 bytes'])
  // Without a length, in pieces.
  const socket = connectTcp(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(`POST ${PATH} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`)
  for (let i = 0; i < 3; i++) socket.write(`190\r\n${'x'.repeat(0x190)}\r\n`)
  const [answer] = await once(socket, 'data')
  assert.match(String(answer), /^HTTP\/1\.1 413 /)
})

test('when the caller goes away, or the service ends, the fragment is told', async (t) => {
  const signals: AbortSignal[] = []
  let seen = () => {}
  const stuck = fragment('stuck', ({ signal }) => {
    signals.push(signal)
    seen()
    return new Promise<string>(() => {})
  })
  const { url, post, closed } = await serving(t, [hello, stuck])
  const rendering = () => new Promise<void>((resolve) => (seen = resolve))
  const first = rendering()
  const request = httpRequest(url + PATH, { method: 'POST' })
  request.on('error', () => {})
  request.end(JSON.stringify(asking('stuck')))
  await first
  request.destroy()
  await once(signals[0] as AbortSignal, 'abort')
  const second = rendering()
  const answering = post(asking('hello', 'stuck'))
  await second
  // The other one is done by then.
  await new Promise(setImmediate)
  closed.abort()
  assert.equal(signals[1]?.aborted, true)
  const answer = (await (await answering).json()) as { id: string; renderedHTML: string | null }[]
  assert.deepEqual(
    answer.map(({ id, renderedHTML }) => [id, renderedHTML]),
    [
      ['id-hello', '<p>Hello</p>'],
      ['id-stuck', null],
    ],
  )
})

test('a service that renders all it can says so', async (t) => {
  let go = (_html: string) => {}
  const slow = fragment('slow', () => new Promise<string>((resolve) => (go = resolve)))
  const { post, url } = await serving(t, [slow, hello], { maxRenders: 1 })
  const first = post(asking('slow'))
  let answer = await post(asking('hello'))
  // The first may arrive second.
  while (answer.status !== 503) answer = await post(asking('hello'))
  assert.equal(answer.headers.get('retry-after'), '1')
  assert.equal(await (await fetch(url)).text(), 'app GET /')
  go('done')
  assert.equal((await first).status, 200)
  assert.equal((await post(asking('hello'))).status, 200)
})

test('a server of HTTP/2 has the same door', async (t) => {
  const { door } = await serving(t, [hello])
  const server = createHttp2((_request, response) => response.end('app'))
  watchServer(server).serveFirst(door)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.after(() => {
    session.destroy()
    server.close()
  })
  const ask = async (path: string, body: object) => {
    const stream = session.request({ ':method': 'POST', ':path': path })
    stream.end(JSON.stringify(body))
    const [headers] = await once(stream, 'response')
    let text = ''
    for await (const chunk of stream) text += chunk
    return [headers[':status'], text]
  }
  const [status, text] = await ask(PATH, asking('hello'))
  assert.deepEqual([status, JSON.parse(text)[0].renderedHTML], [200, '<p>Hello</p>'])
  assert.deepEqual(await ask(PATH, { x: 'x'.repeat(1000) }), [413, '{"error":"a body may have 1000 bytes"}'])
  assert.deepEqual(await ask('/h/fragment/x/requestFragment', {}), [404, ''])
  assert.deepEqual(await ask('/x', {}), [200, 'app'])
})

test('an app that decides about 100-continue by itself is not asked about fragments', async (t) => {
  const { server, url } = await serving(t, [hello])
  server.on('checkContinue', (_request, response) => response.writeHead(417).end())
  const status = async (path: string) => {
    const request = httpRequest(url + path, { method: 'POST', headers: { expect: '100-continue' } })
    request.flushHeaders()
    request.on('continue', () => request.end(JSON.stringify(asking('hello'))))
    const [response] = await once(request, 'response')
    response.resume()
    request.end()
    return response.statusCode
  }
  assert.equal(await status(PATH), 200)
  assert.equal(await status('/other'), 417)
})
