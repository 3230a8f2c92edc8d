import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { filterCookies } from './cookies.ts'
import { encodeName } from './request-lines.ts'
import { answerHeaders, type RequestFacts, refusalOf, requestHeaders } from './testing/head-lines.ts'
import { headerLines } from './testing/header-lines.ts'

const registered = { service: 'my shop', channel: 'rsocket' } as const
const fixed = { service: 'legacy', channel: 'static' } as const

function facts(flat: string[], more: Partial<RequestFacts> = {}): RequestFacts {
  return {
    id: 'ID',
    method: 'GET',
    hasBody: false,
    isUpgrade: false,
    peerAddress: '9.9.9.9',
    fromTrusted: false,
    secure: false,
    authority: 'shop.example:8080',
    headers: headerLines(flat),
    ...more,
  }
}

const sent = (flat: string[], more: Partial<RequestFacts> = {}) =>
  headerLines(requestHeaders(facts(flat, more), registered))

test('a service sees who asked and for what, whatever the visitor claims', () => {
  const lines = sent([
    'Host', 'evil',
    'X-Forwarded-For', '1.1.1.1',
    'X-Forwarded-Prefix', '/evil',
    'X-Forwarded-Host', 'evil',
    'X-Real-IP', '1.1.1.1',
    'Forwarded', 'for=1.1.1.1',
    'X-Request-Id', 'evil',
    'Hydra-Path', 'evil',
    'hydra_path', 'evil',
    'Hydra-User', 'root',
  ]) // biome-ignore format: pairs
  assert.ok(!lines.flat.join().includes('evil') && !lines.flat.join().includes('1.1.1.1'), lines.flat.join())
  assert.equal(lines.get('hydra-user'), undefined)
  assert.deepEqual(lines.all('host'), ['shop.example:8080'])
  assert.equal(lines.get('x-forwarded-for'), '9.9.9.9')
  assert.equal(lines.get('x-forwarded-proto'), 'http')
  assert.equal(lines.get('x-forwarded-host'), 'shop.example:8080')
  assert.equal(lines.get('x-forwarded-port'), '8080')
  assert.equal(lines.get('forwarded'), 'for=9.9.9.9;host="shop.example:8080";proto=http')
  assert.equal(lines.get('x-request-id'), 'ID')
  assert.deepEqual(lines.all('hydra-path'), ['my%20shop'])
})

test('what a trusted proxy says is continued', () => {
  const lines = sent(
    [
      'X-Forwarded-For',
      '1.1.1.1',
      'X-Forwarded-Proto',
      'https',
      'X-Forwarded-Prefix',
      '/p',
      'Forwarded',
      'for=1.1.1.1',
    ],
    { fromTrusted: true, secure: true, peerAddress: '::1', authority: 'shop.example' },
  )
  assert.equal(lines.get('x-forwarded-for'), '1.1.1.1, ::1')
  assert.equal(lines.get('x-forwarded-proto'), 'https')
  assert.equal(lines.get('x-forwarded-port'), '443')
  assert.equal(lines.get('x-forwarded-prefix'), '/p')
  assert.equal(lines.get('forwarded'), 'for=1.1.1.1, for="[::1]";host=shop.example;proto=https')
})

test('headers of the connection stay on it, and so does what Connection names, but for the framing', () => {
  const lines = sent(
    [
      'Connection', 'close, X-Secret, Content-Length, Host',
      'Keep-Alive', '5',
      'Proxy-Connection', 'keep-alive',
      'TE', 'trailers',
      'Trailer', 'X',
      'Upgrade', 'h2c',
      'HTTP2-Settings', 'x',
      'X-Secret', '1',
      'Content-Length', '3',
      'Accept', 'a',
      'Accept', 'b',
    ],
    { hasBody: true, method: 'POST' },
  ) // biome-ignore format: pairs
  for (const name of [
    'connection',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
    'http2-settings',
    'x-secret',
  ]) {
    assert.equal(lines.get(name), undefined, name)
  }
  assert.equal(lines.get('content-length'), '3')
  assert.deepEqual(lines.all('accept'), ['a', 'b'])
})

test('a request says how long it is in exactly one way', () => {
  const chunked = sent(['Connection', 'Transfer-Encoding'], { hasBody: true, method: 'POST' })
  assert.deepEqual(chunked.all('transfer-encoding'), ['chunked'])
  assert.equal(chunked.get('content-length'), undefined)
  assert.equal(sent([], { method: 'POST' }).get('content-length'), '0')
  assert.equal(sent([]).get('content-length'), undefined)
})

test('an instance of the config file gets its own Host and neither our name for it nor the login', () => {
  const lines = headerLines(
    requestHeaders(facts(['Cookie', 'a=1; HYDRA-SSO=token; b=2']), { ...fixed, hostHeader: 'old.example' }),
  )
  assert.equal(lines.get('host'), 'old.example')
  assert.equal(lines.get('x-forwarded-host'), 'shop.example:8080')
  assert.equal(lines.get('hydra-path'), undefined)
  assert.equal(lines.get('cookie'), 'a=1; b=2')
})

test('our cookies stay here, all other bytes of the header go on as they came', () => {
  assert.equal(filterCookies('HYDRA-ROUTE=x; a="b; c";d=é; HYDRA-SSO=t', true), 'a="b; c";d=é; HYDRA-SSO=t')
  assert.equal(filterCookies('a=1;HYDRA-DEBUG=1', true), 'a=1')
  assert.equal(filterCookies('__Host-HYDRA-ROUTE=1', true), undefined)
  assert.equal(filterCookies('X-HYDRA-ROUTE=1; hydra-route=2', true), 'X-HYDRA-ROUTE=1; hydra-route=2')
  fc.assert(
    fc.property(fc.string(), (value) => {
      fc.pre(!value.includes('HYDRA-'))
      assert.equal(filterCookies(value, false), value)
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,5}=[a-zA-Z0-9"]{0,8}$/)), fc.nat(), (pairs, at) => {
      const with_ = [...pairs]
      with_.splice(at % (pairs.length + 1), 0, 'HYDRA-ROUTE=v1.abc')
      assert.equal(filterCookies(with_.join('; '), true), pairs.length === 0 ? undefined : pairs.join('; '))
    }),
  )
})

test('a visitor who goes over every header name can never set one of ours', () => {
  const name = fc.oneof(
    fc.constantFrom('Hydra-Path', 'HYDRA-USER', 'Connection', 'Host', 'X-Forwarded-For', 'Cookie', 'X-A'),
    fc.stringMatching(/^[a-zA-Z-]{1,12}$/),
  )
  const value = fc.oneof(
    fc.constantFrom('hydra-path', 'x-request-id', 'host', 'close'),
    fc.stringMatching(/^[a-z ,;=-]{0,12}$/),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      fc.pre(refusalOf(facts(pairs.flat())) === undefined)
      const lines = sent(pairs.flat())
      for (const ours of ['hydra-path', 'host', 'x-forwarded-for', 'x-request-id', 'forwarded']) {
        assert.equal(lines.all(ours).length, 1, ours)
      }
      assert.equal(lines.get('hydra-user'), undefined)
      assert.equal(lines.get('hydra-path'), 'my%20shop')
    }),
  )
})

test('an answer keeps its repeated cookies and loses what belongs to the connection', () => {
  const lines = headerLines(
    answerHeaders(
      headerLines([
        'Set-Cookie',
        'a=1',
        'Connection',
        'X-Hop',
        'X-Hop',
        '1',
        'Keep-Alive',
        'timeout=5',
        'Set-Cookie',
        'b=2',
        'Transfer-Encoding',
        'chunked',
        'X-Request-Id',
        'theirs',
      ]),
      200,
      'rsocket',
    ),
  )
  assert.deepEqual(lines.flat, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2'])
})

test('a Medusa app gets the headers its old gateway added, unless it has its own', () => {
  const lines = headerLines(answerHeaders(headerLines(['X-Frame-Options', 'DENY']), 200, 'http'))
  assert.deepEqual(lines.all('x-frame-options'), ['DENY'])
  assert.equal(lines.get('referrer-policy'), 'same-origin')
  assert.equal(lines.get('x-content-type-options'), 'nosniff')
})

test('an answer that agrees to a WebSocket says so once, in our words', () => {
  const agreed = [
    'Upgrade',
    'WebSocket',
    'Connection',
    'upgrade, X-Hop',
    'X-Hop',
    '1',
    'Sec-WebSocket-Accept',
    'x',
  ]
  const lines = headerLines(answerHeaders(headerLines(agreed), 101, 'http', true))
  assert.deepEqual(lines.flat, ['Sec-WebSocket-Accept', 'x', 'Connection', 'Upgrade', 'Upgrade', 'websocket'])
})

test('names of services are encoded as Medusa decodes them', () => {
  assert.equal(encodeName("a-b_c.d~e!'()* é"), 'a-b_c.d~e%21%27%28%29%2A%20%C3%A9')
})
