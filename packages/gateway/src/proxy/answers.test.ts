import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, test } from 'node:test'
import { literalPattern, PROBLEM_TYPE, problem } from '@hydra-gateway/protocol'
import { CODES, type ErrorCode, HydraError } from '../errors.ts'
import { createLog } from '../observe/log.ts'
import { createMetrics } from '../observe/metrics.ts'
import type { Route } from '../routing/route.ts'
import type { Service } from '../routing/upstream.ts'
import { createAnswers } from './answers.ts'
import type { Exchange } from './exchange.ts'
import { listen } from './listener.ts'
import { proxyDefaults } from './settings.ts'

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
const LIVE = '<script src="/_hydra/live.js" data-wait async></script>'
const NOW = Date.UTC(2026, 4, 3, 14, 4, 9)

const services = new Map<string, Service>()
const serving = new Set<string>()
const logged: string[] = []
const metrics = createMetrics()
const log = createLog('debug', { write: (line) => void logged.push(line) })
const answers = createAnswers({
  settings: { siteTitle: 'Lerna & "Outfitters"' },
  serviceOf: (name) => services.get(name),
  isServing: (path) => serving.has(path),
  openPages: (caller) => [
    { path: 'javascript:alert(1)', label: 'Script' },
    { path: '//elsewhere.example/', label: 'Elsewhere' },
    { path: '/catalog', label: 'Catalog <all>' },
    ...(caller ? [{ path: '/vault', label: `Vault of ${caller.identities[0]?.username}` }] : []),
  ],
  clock: { now: () => NOW },
  log,
  metrics,
})

let act: (exchange: Exchange) => void = () => {}
const listener = await listen({
  port: 0,
  host: '127.0.0.1',
  settings: proxyDefaults,
  handler: (exchange) => act(exchange),
  log: createLog('silent'),
  metrics: createMetrics(),
})
after(() => listener.close(0))

interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** Sends one real request; what the gateway does with it is given. */
async function ask(
  does: (exchange: Exchange) => void,
  { method = 'GET', path = '/orders/7', accept = BROWSER as string | null } = {},
): Promise<Answer> {
  act = does
  const sent = request({
    host: '127.0.0.1',
    port: listener.port,
    method,
    path,
    agent: false,
    headers: accept === null ? {} : { accept },
  })
  sent.end()
  const [response] = await once(sent, 'response')
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

function route(more: Partial<Route> = {}): Route {
  return { service: 'orders', claims: [], kind: 'page', pattern: literalPattern('/orders/7'), ...more }
}

/** Asks for a route nobody serves. */
function askDown(
  fallback: { route?: string; service?: string },
  how: Parameters<typeof ask>[1] = {},
): Promise<Answer> {
  const { service } = fallback
  const downSince = NOW - 42_000
  services.set('orders', {
    name: 'orders',
    title: 'Orders',
    channel: 'rsocket',
    downSince,
    ...(service === undefined ? {} : { fallback: service }),
  })
  const down = route(fallback.route === undefined ? {} : { fallback: fallback.route })
  return ask((exchange) => answers.unavailable(exchange, down), how)
}

const isPage = ({ headers }: Answer): boolean => headers['content-type'] === 'text/html; charset=utf-8'
const isProblem = ({ headers }: Answer): boolean => headers['content-type'] === PROBLEM_TYPE

for (const [code, [status, title]] of Object.entries(CODES) as [ErrorCode, readonly [number, string]][]) {
  test(`${code} is a page for people and a problem for machines, under one code and exchange id`, async () => {
    services.set('orders', { name: 'orders', title: 'Orders', channel: 'rsocket' })
    const does = (exchange: Exchange) => answers.problem(exchange, code)
    const page = await ask(does)
    assert.equal(page.status, status)
    assert.ok(isPage(page))
    assert.equal(page.headers['hydra-problem'], code)
    assert.ok(page.body.includes(`href="/_hydra/errors/${code}"`))
    assert.ok(page.body.includes(`<samp>${page.headers['x-request-id']}</samp>`))
    assert.equal(page.headers['cache-control'], 'no-store')
    assert.equal(page.headers['x-content-type-options'], 'nosniff')
    assert.equal(page.headers['referrer-policy'], 'same-origin')
    assert.equal(page.headers['content-language'], 'en')
    assert.equal(page.headers['retry-after'], status === 503 ? '5' : undefined)
    assert.doesNotMatch(
      page.body.replace(/<style>[\s\S]*?<\/style>|<script>[\s\S]*?<\/script>/g, ''),
      /[Uu]pstream|[Ii]nstance/,
    )

    for (const accept of ['*/*', 'application/json', null]) {
      const machine = await ask(does, { accept })
      assert.equal(machine.status, status)
      assert.ok(isProblem(machine))
      const said = problem.parse(JSON.parse(machine.body))
      assert.deepEqual([said.code, said.title, said.exchange], [code, title, machine.headers['x-request-id']])
      assert.equal(machine.headers['retry-after'], status === 503 ? '5' : undefined)
    }

    const head = await ask(does, { method: 'HEAD' })
    assert.deepEqual(
      [head.status, head.body, head.headers['content-type']],
      [status, '', page.headers['content-type']],
    )
  })
}

test('headers that belong to an answer go with it', async () => {
  const answer = await ask((exchange) =>
    answers.problem(exchange, 'HYDRA_METHOD_NOT_ALLOWED', undefined, { allow: 'GET, HEAD' }),
  )
  assert.equal(answer.headers.allow, 'GET, HEAD')
})

test('a refused WebSocket gets a small problem, whatever it says it accepts', async () => {
  act = (exchange) => answers.problem(exchange, 'HYDRA_FORBIDDEN_ORIGIN')
  const socket = connect(listener.port, '127.0.0.1')
  socket.write(
    `GET /live HTTP/1.1\r\nHost: shop.example\r\nAccept: text/html\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  )
  const answer = await text(socket)
  assert.match(answer, /^HTTP\/1.1 403 /)
  assert.match(answer, /application\/problem\+json[\s\S]*"code":"HYDRA_FORBIDDEN_ORIGIN"/)
})

test('nothing a visitor or a service wrote becomes markup', async () => {
  const evil = `<script>alert('1')</script>"`
  services.set('orders', { name: 'orders', title: evil, channel: 'http', downSince: NOW })
  for (const code of Object.keys(CODES) as ErrorCode[]) {
    const { body } = await ask(
      (exchange) => {
        exchange.route = route()
        answers.problem(exchange, code, evil)
      },
      { path: '/x/%3Cscript%3E/<script>alert(1)</script>"\'' },
    )
    assert.ok(!body.includes('<script>alert'), code)
    assert.ok(!body.includes('<all>'), code)
  }
})

test('the path of a 404 is shown, escaped and shortened', async () => {
  const does = (exchange: Exchange) => answers.problem(exchange, 'HYDRA_NO_ROUTE')
  assert.match((await ask(does, { path: "/a'b?secret=1" })).body, /<code>\/a&#39;b<\/code>/)
  const { body } = await ask(does, { path: `/${'long'.repeat(200)}` })
  assert.match(body, /<code>\/long[long]{90}…<\/code>/)
})

test('menu items lead nowhere but to pages of this site', async () => {
  const { body } = await ask((exchange) => answers.problem(exchange, 'HYDRA_NO_ROUTE'))
  const links = [...body.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href]) => href)
  assert.deepEqual(links, ['/', '/catalog', '/_hydra/errors/HYDRA_NO_ROUTE'])
})

test('a mistyped path is led to the open page it is near to', async () => {
  serving.add('/catalog')
  const does = (exchange: Exchange) => answers.problem(exchange, 'HYDRA_NO_ROUTE')
  assert.match((await ask(does, { path: '/cataolg' })).body, /href="\/catalog">Did you mean \/catalog\?/)
  assert.doesNotMatch((await ask(does, { path: '/checkout' })).body, /Did you mean/)
  serving.clear()
})

test('no page of an error names what is not for its visitor', async () => {
  serving.add('/vault')
  for (const code of Object.keys(CODES) as ErrorCode[]) {
    const does = (exchange: Exchange) => answers.problem(exchange, code)
    assert.doesNotMatch((await ask(does, { path: '/vautl' })).body, /[Vv]ault\b/, code)
  }
  const lost = (exchange: Exchange) => {
    exchange.caller = { identities: [{ username: 'mira' }] } as unknown as NonNullable<Exchange['caller']>
    answers.problem(exchange, 'HYDRA_NO_ROUTE')
  }
  const { body } = await ask(lost, { path: '/vautl' })
  assert.match(body, /Did you mean \/vault\?/)
  assert.match(body, />Vault of mira</)
  serving.clear()
})

test('a service that is down says since when, and the page waits for it', async () => {
  const { status, headers, body } = await askDown({})
  assert.equal(status, 503)
  assert.equal(headers['retry-after'], '5')
  assert.match(body, /Orders is away for a moment/)
  assert.match(body, /<time class="num" datetime="2026-05-03T14:03:27.000Z">14:03:27 UTC<\/time>/)
  assert.match(body, /<noscript><meta http-equiv="refresh" content="5"><\/noscript>/)
  assert.match(body, /data-phase="waiting" data-away="42" data-spread="1000"/)
  assert.match(body, />0:42</)
  assert.match(body, /<script src="\/_hydra\/live.js" data-quiet async><\/script>/)
  assert.match(body, /<a hidden data-hydra-link="\/orders\/7" href="\/orders\/7"><\/a>/)
  assert.match(
    headers['content-security-policy'] as string,
    /script-src 'sha256-[^']+' 'self'; connect-src 'self'; worker-src 'self'/,
  )
})

test('a sent form is never sent again by the page that answers it', async () => {
  const down = await askDown({}, { method: 'POST' })
  assert.equal(down.status, 503)
  assert.doesNotMatch(down.body, /<script|http-equiv="refresh"|href=""/)
  for (const code of ['HYDRA_UPSTREAM_BROKEN', 'HYDRA_UPSTREAM_TIMEOUT'] as const) {
    const does = (exchange: Exchange) => answers.problem(exchange, code)
    assert.match((await ask(does)).body, /href="">Try again/)
    const sent = await ask(does, { method: 'POST' })
    assert.doesNotMatch(sent.body, /href=""/)
    assert.match(sent.body, /look before you send it again/)
  }
})

test('a fallback is for visitors who want HTML and only look', async () => {
  const html = ' <h1>Orders is closed</h1>'
  for (const method of ['GET', 'HEAD']) {
    const shown = await askDown({ route: html }, { method })
    assert.deepEqual([shown.status, shown.headers['retry-after'], isPage(shown)], [503, '5', true])
    assert.equal(shown.body, method === 'GET' ? html + LIVE : '')
    const led = await askDown({ route: 'https://status.example/' }, { method })
    assert.deepEqual([led.status, led.headers.location], [302, 'https://status.example/'])
    assert.deepEqual(
      [led.headers['cache-control'], led.headers['retry-after'], led.body],
      ['no-store', '5', ''],
    )
  }
  for (const fallback of [html, 'https://status.example/']) {
    for (const how of [
      { accept: '*/*' },
      { accept: 'application/json' },
      { accept: null },
      { method: 'POST', accept: '*/*' },
    ]) {
      const machine = await askDown({ route: fallback }, how)
      assert.deepEqual([machine.status, machine.headers['retry-after'], isProblem(machine)], [503, '5', true])
    }
    const form = await askDown({ route: fallback }, { method: 'POST' })
    assert.deepEqual([form.status, form.headers.location], [503, undefined])
    assert.match(form.body, /Orders is away for a moment/)
  }
})

test('a fallback turns back by itself, unless it says otherwise', async () => {
  const page = '<html><body><h1>Closed</h1></body></html>'
  for (let n = 0; n < 2; n += 1)
    assert.equal((await askDown({ route: page })).body, page.replace('</body>', `${LIVE}</body>`))
  const quiet = '<meta name="hydra-live" content="off"><h1>Closed</h1>'
  assert.equal((await askDown({ route: quiet })).body, quiet)
})

test("a route's fallback comes before its service's", async () => {
  assert.equal((await askDown({ route: '<p>route', service: '<p>service' })).body, `<p>route${LIVE}`)
  assert.equal((await askDown({ service: '<p>service' })).body, `<p>service${LIVE}`)
})

test('a fallback never leads to a route that is down, nor round in circles', async () => {
  serving.add('/closed').add('/orders/7')
  const redirect = async (fallback: string, how = {}) => {
    const { status, headers } = await askDown({ route: fallback }, how)
    return status === 302 ? headers.location : status
  }
  const own = `http://127.0.0.1:${listener.port}`
  assert.equal(await redirect('/closed?from=orders#top'), '/closed?from=orders#top')
  assert.equal(await redirect('/closed', { path: '/orders/7?page=2' }), '/closed')
  assert.equal(await redirect(`${own}/closed`), `${own}/closed`)
  assert.equal(await redirect('/down'), 503)
  assert.equal(await redirect(`${own}/down`), 503)
  assert.equal(await redirect('/orders/7'), 503)
  assert.equal(await redirect('/orders/7?again'), 503)
  assert.equal(await redirect('/x/../orders/7'), 503)
  assert.equal(await redirect(`${own}/orders/7`), 503)
  assert.equal(await redirect('//elsewhere.example/'), 503)
  serving.clear()
})

test('a known error is answered with its code, detail and faults', async () => {
  const errors = [{ path: 'port', message: 'missing' }]
  const error = new HydraError('HYDRA_BAD_REGISTRATION', 'one fault', { errors })
  const answer = await ask((exchange) => answers.failure(exchange, error), { accept: '*/*' })
  assert.equal(answer.status, 400)
  const said = JSON.parse(answer.body)
  assert.deepEqual([said.detail, said.errors], ['one fault', errors])
  const { body } = await metrics.text()
  assert.match(body, /hydra_refused_total\{what="request",reason="HYDRA_BAD_REGISTRATION"\} 1/)
})

test('an error nobody foresaw is logged whole and shown as its exchange id only', async () => {
  for (const accept of ['*/*', BROWSER]) {
    logged.length = 0
    const error = new Error('connect to 10.1.2.3 with key s3cret failed')
    const answer = await ask((exchange) => answers.failure(exchange, error), { accept })
    assert.equal(answer.status, 500)
    assert.match(answer.body, /HYDRA_INTERNAL/)
    assert.doesNotMatch(answer.body, /s3cret|10\.1\.2\.3/)
    const line = JSON.parse(logged.find((text) => text.includes('"error"')) as string)
    assert.equal(line.exchange, answer.headers['x-request-id'])
    assert.match(line.err.stack, /s3cret/)
  }
})

test('an answer that has begun is cut, never completed with an error', async () => {
  const late: ((exchange: Exchange) => void)[] = [
    (exchange) => answers.failure(exchange, new Error('late')),
    (exchange) => answers.problem(exchange, 'HYDRA_UPSTREAM_BROKEN'),
    (exchange) => answers.unavailable(exchange, route()),
  ]
  for (const fail of late) {
    let begun: Exchange | undefined
    act = (exchange) => {
      begun = exchange
      const body = new ReadableStream({ start: (half) => half.enqueue(new TextEncoder().encode('half')) })
      void exchange.respond(new Response(body)).catch(() => {})
    }
    const socket = connect(listener.port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.once('error', () => {}).once('close', resolve))
    let received = ''
    socket.on('data', (bytes) => {
      received += bytes
      if (received.includes('half') && begun) fail(begun)
    })
    socket.write('GET /orders/7 HTTP/1.1\r\nHost: shop.example\r\n\r\n')
    await closed
    assert.match(received, /^HTTP\/1.1 200 [\s\S]*half/)
    assert.doesNotMatch(received, /\r\n0\r\n|HYDRA_/)
  }
})

test('a page that can’t be made is no reason to give no answer', async () => {
  const broken = createAnswers({
    settings: { siteTitle: 'Shop', retryAfterSeconds: 7 },
    serviceOf: () => undefined,
    isServing: () => false,
    openPages: () => {
      throw new Error('menus are gone')
    },
    clock: { now: () => NOW },
    log,
    metrics: createMetrics(),
  })
  const answer = await ask((exchange) => broken.problem(exchange, 'HYDRA_STOPPING'))
  assert.deepEqual([answer.status, answer.headers['retry-after'], isProblem(answer)], [503, '7', true])
})

test('a page whose required fragment is missing names the fragment’s service to people, and the fragment to machines', async () => {
  services.set('shop', { name: 'shop', title: 'The shop', channel: 'rsocket' })
  services.set('orders', { name: 'orders', title: 'Orders', channel: 'rsocket', downSince: NOW - 42_000 })
  const shop = route({ service: 'shop', timeoutMs: 9000 })
  const does =
    (code: ErrorCode, service = 'orders') =>
    (exchange: Exchange) => {
      exchange.route = shop
      answers.incomplete(exchange, shop, code, { service, ref: 'buy', reason: 'failed' })
    }
  for (const [code, title] of [
    ['HYDRA_UPSTREAM_BROKEN', 'Orders could not do its part of this page'],
    ['HYDRA_UPSTREAM_TIMEOUT', 'Orders is taking too long'],
    ['HYDRA_NO_INSTANCE', 'Orders is away for a moment'],
  ] as const) {
    const { status, body } = await ask(does(code))
    assert.equal(status, CODES[code][0])
    assert.ok(body.includes(`<title>${title}</title>`), body)
    assert.doesNotMatch(body, /The shop|within 9 s/)
    const machine = await ask(does(code), { accept: 'application/json' })
    const { detail } = problem.parse(JSON.parse(machine.body))
    assert.equal(
      detail,
      "The page can't be shown without the fragment buy of orders, which is not there (failed).",
    )
  }
  assert.match((await ask(does('HYDRA_NO_INSTANCE', 'ordrs'))).body, /<title>ordrs is away/)
  assert.match((await ask(does('HYDRA_NO_INSTANCE'), { method: 'POST' })).body, /What you sent has arrived/)
  // The page itself is there: nothing that is told of its path says when the part is back, so it asks.
  const { body } = await ask(does('HYDRA_NO_INSTANCE'))
  assert.doesNotMatch(body, /live\.js|data-hydra-link=/)
  assert.match(body, /<script>/)
})

test('the fallback of a route is shown for a required fragment nobody can render, and for nothing else', async () => {
  const shop = route({ service: 'shop', fallback: '<h1>Later</h1>' })
  const does = (code: ErrorCode) => (exchange: Exchange) =>
    answers.incomplete(exchange, shop, code, { service: 'orders', ref: 'buy', reason: 'no-instance' })
  const later = await ask(does('HYDRA_NO_INSTANCE'))
  assert.equal(later.body, '<h1>Later</h1>', 'which does not turn back: the page itself is there')
  assert.equal(later.headers['hydra-problem'], 'HYDRA_NO_INSTANCE', 'no service made it')
  assert.ok(isPage(await ask(does('HYDRA_UPSTREAM_BROKEN'))))
})
