import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createAnswers } from '../proxy/answers.ts'
import { linesOfFlat } from '../proxy/lines-of.ts'
import { FakeExchange } from '../proxy/testing/fake-exchange.ts'
import type { Route } from '../routing/route.ts'
import { createLoginHead } from './login-head.ts'
import type { Refusal } from './port.ts'
import { createServiceWishes } from './service-wishes.ts'
import { createSignInAnswers } from './sign-in-answers.ts'

const log = { debug() {}, error() {} } as any
const NAVIGATION = ['Accept: text/html,*/*;q=0.8', 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: document']
const FETCH = ['Accept: */*', 'Sec-Fetch-Mode: cors']

function setUp() {
  const counted: string[] = []
  const metrics = { refused: (what: string, reason: string) => void counted.push(`${what} ${reason}`) }
  const onHead = createLoginHead({ settings: { host: false } })
  const settings = { siteTitle: 'Käse "Shop"' }
  const answers = createAnswers({
    ...{ settings, onHead, log, metrics, clock: createManualClock() },
    serviceOf: () => ({ name: 'orders', title: 'Orders', channel: 'rsocket' }),
    isServing: () => true,
    openPages: () => [{ path: '/', label: 'Home' }],
  })
  const { refuse } = createSignInAnswers({ answers, settings, onHead, log, metrics })
  const route = { service: 'or/ders', kind: 'page' } as Route
  const ask = (refusal: Refusal, request: string, lines: readonly string[], more: object = {}) => {
    const exchange = Object.assign(new FakeExchange(request, ...lines), { route }, more)
    refuse(exchange, route, refusal)
    const headers = linesOfFlat(exchange.lines)
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.match(headers.all('vary').join(), /cookie/i)
    assert.match(headers.all('vary').join(), /sec-fetch-mode/i)
    return { exchange, headers, status: exchange.status, body: exchange.body }
  }
  return { ask, counted }
}

test('who opens a page is led to the login and comes back to exactly that', () => {
  const { ask, counted } = setUp()
  for (const [method, target, expected] of [
    ['GET', '/orders/7?x=1&y=a%20b', '/login?ref=%2Forders%2F7%3Fx%3D1%26y%3Da%2520b'],
    ['HEAD', '/', '/login?ref=%2F'],
    // Nobody is brought back to what another site could stand for, or to the sign-in.
    ['GET', '//evil.example/', '/login'],
    ['GET', '/login', '/login'],
    ['GET', `/${'x'.repeat(4100)}`, '/login'],
  ] as const) {
    const { status, headers, body } = ask('login', `${method} ${target} HTTP/1.1`, NAVIGATION)
    assert.deepEqual([status, headers.get('location'), body], [303, expected, ''])
  }
  assert.equal(counted[0], 'request login')
  const other = ask('provider', 'GET /a HTTP/1.1', NAVIGATION)
  assert.equal(other.headers.get('location'), '/login?ref=%2Fa&for=or%2Fders')
})

test('everybody else gets a plain no, and never a redirect', () => {
  const { ask } = setUp()
  for (const refusal of ['login', 'provider'] as const) {
    for (const lines of [FETCH, ['Accept: text/html', 'Sec-Fetch-Mode: cors'], []]) {
      const { status, headers, body } = ask(refusal, 'GET /a HTTP/1.1', lines)
      assert.deepEqual([status, headers.get('location')], [401, undefined])
      assert.equal(headers.get('content-type'), 'application/problem+json')
      assert.equal(JSON.parse(body).code, 'HYDRA_LOGIN_REQUIRED')
      assert.equal(
        headers.get('www-authenticate'),
        'Cookie realm="Kse \\"Shop\\"", form-action="/login", cookie-name=HYDRA-SSO',
      )
    }
  }
  const forbidden = ask('forbidden', 'GET /a HTTP/1.1', FETCH)
  assert.deepEqual([forbidden.status, JSON.parse(forbidden.body).code], [403, 'HYDRA_FORBIDDEN'])
})

test('a handshake is refused like any request of a script', () => {
  const { ask, counted } = setUp()
  const { status, headers, body } = ask('login', 'GET /a HTTP/1.1', NAVIGATION, { isUpgrade: true })
  assert.deepEqual([status, headers.get('location')], [401, undefined])
  assert.equal(JSON.parse(body).code, 'HYDRA_LOGIN_REQUIRED')
  assert.deepEqual(counted, ['upgrade login'])
  assert.equal(ask('forbidden', 'GET /a HTTP/1.1', NAVIGATION, { isUpgrade: true }).status, 403)
})

test('a form that was sent gets a page with the way to the login; so does who may not see one', () => {
  const { ask } = setUp()
  const form = ask('login', 'POST /orders HTTP/1.1', NAVIGATION)
  assert.equal(form.status, 401)
  assert.match(form.body, /<h1>Sign in to go on with Orders<\/h1>/)
  assert.match(form.body, /<a class="button" href="\/login">Sign in<\/a>/)
  const caller = { identities: [{ username: 'mira <b>' }] }
  const closed = ask('forbidden', 'GET /orders HTTP/1.1', NAVIGATION, { caller })
  assert.equal(closed.status, 403)
  assert.match(closed.body, /You are signed in as mira &lt;b&gt;, and the page is for other people/)
  assert.match(closed.body, /href="\/login\?ref=%2Forders">Use another account</)
})

test('a session is renewed on the way, a few times at most', () => {
  const { ask, counted } = setUp()
  const { status, headers } = ask('renew', 'GET /a?b=1 HTTP/1.1', NAVIGATION)
  assert.deepEqual([status, headers.get('location')], [303, '/_hydra/session?ref=%2Fa%3Fb%3D1'])
  assert.match(
    headers.get('set-cookie') ?? '',
    /^HYDRA-RENEWING=1; Path=\/; Max-Age=10; HttpOnly; SameSite=Lax$/,
  )
  const again = ask('renew', 'GET /a HTTP/1.1', ['Cookie: HYDRA-RENEWING=3', ...NAVIGATION])
  assert.match(again.headers.get('set-cookie') ?? '', /^HYDRA-RENEWING=4;/)
  assert.deepEqual(counted, [])
})

test('a faulty cookie is taken away with the answer, unless a cache may keep it', () => {
  const taken = (host: boolean, secure: boolean, ...flat: string[]) => {
    const added: string[] = []
    const addHeader = (_name: string, value: string) => void added.push(value)
    const exchange = Object.assign(new FakeExchange(), { isLoginFaulty: true, secure, addHeader })
    createLoginHead({ settings: { host } })(exchange, 200, linesOfFlat(flat))
    return added
  }
  const plain = 'HYDRA-SSO=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax'
  assert.deepEqual(taken(false, false), [plain])
  assert.deepEqual(taken(true, true), [`${plain}; Secure`, `__Host-${plain}; Secure`])
  assert.deepEqual(taken(false, true), [`${plain}; Secure`, `__Host-${plain}; Secure`])
  assert.deepEqual(taken(false, false, 'Cache-Control', 'public, max-age=60'), [])
  const { ask } = setUp()
  for (const lines of [NAVIGATION, FETCH]) {
    const exchange = Object.assign(new FakeExchange('GET /a HTTP/1.1', ...lines), { isLoginFaulty: true })
    const added: string[] = []
    exchange.addHeader = (_name, value) => void added.push(value)
    ask('login', 'GET /a HTTP/1.1', lines, { isLoginFaulty: true, addHeader: exchange.addHeader })
    assert.deepEqual(added, [plain])
  }
})

test('a service says in two ways that somebody has to sign in', () => {
  const { wishOf } = createServiceWishes({ revocations: { isRevoked: () => false } })
  const caller = { identities: [] }
  const ask = (
    status: number,
    flat: string[],
    request = 'GET /a/b?c=1',
    lines = NAVIGATION,
    more: object = {},
  ) =>
    wishOf(Object.assign(new FakeExchange(`${request} HTTP/1.1`, ...lines), more), status, linesOfFlat(flat))
  const there = '/login?ref=%2Fa%2Fb%3Fc%3D1'
  for (const location of [
    '/login',
    '/login?error',
    '../login',
    '//shop.example/login',
    'http://shop.example/login#x',
    'https://SHOP.example/login',
  ]) {
    assert.equal(ask(302, ['Location', location]), there, location)
    assert.equal(ask(303, ['Location', location], 'HEAD /a/b?c=1'), there)
    assert.equal(ask(302, ['Location', location], undefined, undefined, { caller }), there)
  }
  for (const location of [
    '/login/',
    '/loginx',
    '/x/login',
    'login',
    'http://other.example/login',
    'http://shop.example:81/login',
    'http://a@shop.example/login',
    'javascript:/login',
    'http://[/login',
    '',
  ])
    assert.equal(ask(302, ['Location', location]), undefined, location)
  assert.equal(ask(302, []), undefined)
  for (const [request, lines] of [
    ['POST /a', NAVIGATION],
    ['GET /a', FETCH],
    ['GET /a', ['Accept: */*']],
  ] as const) {
    assert.equal(ask(302, ['Location', '/login'], request, [...lines]), undefined)
    assert.equal(ask(401, [], request, [...lines]), undefined)
  }
  assert.equal(ask(401, []), there)
  assert.equal(ask(401, ['WWW-Authenticate', 'Basic']), undefined)
  assert.equal(ask(401, [], undefined, undefined, { caller }), undefined)
})
