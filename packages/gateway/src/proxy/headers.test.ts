import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { cookieValues, forwardCookies } from './cookies.ts'
import { cookiePrefixOf } from './own-cookies.ts'
import { encodeName } from './request-lines.ts'
import { settleSetCookie } from './set-cookie.ts'
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
  assert.equal(forwardCookies(['HYDRA-ROUTE=x; a="b; c";d=é; HYDRA-SSO=t']), 'a="b; c";d=é')
  assert.equal(forwardCookies(['a=1;HYDRA-DEBUG=1']), 'a=1')
  assert.equal(forwardCookies(['__Host-HYDRA-ROUTE=1']), undefined)
  assert.equal(forwardCookies(['__Host-HYDRA-SSO=1; __Secure-HYDRA-SSO=2;HYDRA-SSO']), undefined)
  assert.equal(forwardCookies(['X-HYDRA-ROUTE=1; hydra-route=2']), 'X-HYDRA-ROUTE=1; hydra-route=2')
  assert.equal(forwardCookies(['a=1; HYDRA-RENEW=1', 'HYDRA-SSO=t', 'b=2']), 'a=1; b=2')
  fc.assert(
    fc.property(fc.string(), (value) => {
      fc.pre(!value.includes('HYDRA-') && value.trim() !== '' && !/^[ \t]/.test(value))
      assert.equal(forwardCookies([value]), value)
    }),
  )
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,5}=[a-zA-Z0-9"]{0,8}$/)), fc.nat(), (pairs, at) => {
      const with_ = [...pairs]
      with_.splice(at % (pairs.length + 1), 0, 'HYDRA-ROUTE=v1.abc')
      assert.equal(forwardCookies([with_.join('; ')]), pairs.length === 0 ? undefined : pairs.join('; '))
    }),
  )
})

test('a cookie of ours is found by its whole name alone, as often as it came', () => {
  const values = (line: string) => cookieValues([line], 'HYDRA-SSO')
  assert.deepEqual(values('a=1; HYDRA-SSO=t.u; b=2'), ['t.u'])
  assert.deepEqual(values('HYDRA-SSO=t;HYDRA-SSO= u '), ['t', 'u'])
  assert.deepEqual(values('HYDRA-SSO='), [''])
  for (const other of ['__Host-HYDRA-SSO=t', 'X-HYDRA-SSO=t', 'HYDRA-SSO2=t', 'hydra-sso=t', 'a=HYDRA-SSO=t'])
    assert.deepEqual(values(other), [], other)
  assert.deepEqual(cookieValues(['HYDRA-SSO=t', 'a=1; \tHYDRA-SSO=u'], 'HYDRA-SSO'), ['t', 'u'])
})

test('an instance is told who calls by what we found out, and by nothing a visitor wrote', () => {
  const told = { loginCookie: 'our.to.ken', loginHeader: 'for.this.one' }
  for (const [cookies, expected] of [
    [['a=1; HYDRA-SSO=their.own; b=2'], 'a=1; b=2; HYDRA-SSO=our.to.ken'],
    [['HYDRA-SSO=their.own'], 'HYDRA-SSO=our.to.ken'],
    [['a=1; HYDRA-SSO=x', '__Host-HYDRA-SSO=y', 'b=2'], 'a=1; b=2; HYDRA-SSO=our.to.ken'],
  ] as const) {
    const lines = sent([...cookies.flatMap((value) => ['Cookie', value]), 'Hydra-Token', 'evil'], told)
    assert.deepEqual(lines.all('cookie'), [expected])
    assert.deepEqual(lines.all('hydra-token'), ['for.this.one'])
  }
})

test('nobody can write Hydra-Token from outside, nor have ours taken out', () => {
  const tricks = [
    ['Hydra-Token', 'evil'],
    ['HYDRA-TOKEN', 'evil', 'hydra-token', 'evil'],
    ['hydra_token', 'evil', 'Hydra_Token', 'evil', 'HYDRA-token', 'evil'],
    ['Connection', 'hydra-token, cookie', 'Hydra-Token', 'evil', 'Cookie', 'HYDRA-SSO=evil'],
  ]
  for (const flat of tricks) {
    const without = sent(flat)
    assert.ok(!without.flat.join().includes('evil'), flat.join())
    const lines = sent(flat, { loginCookie: 'ours', loginHeader: 'ours' })
    assert.ok(!lines.flat.join().includes('evil'), flat.join())
    assert.deepEqual([lines.all('hydra-token'), lines.all('cookie')], [['ours'], ['HYDRA-SSO=ours']])
  }
})

test('a login cookie does not reach a service disguised as a part of another', () => {
  const prefix = cookiePrefixOf('shop')
  for (const hidden of [
    ',HYDRA-SSO=t',
    'b=2,HYDRA-SSO=t',
    'b=2, HYDRA-SSO=t',
    'b=2 HYDRA-SSO=t',
    '"HYDRA-SSO=t',
    '\u00a0HYDRA-SSO=t',
    '\u0085HYDRA-SSO =t',
    '\u00a0__Host-HYDRA-SSO=t',
    '=HYDRA-SSO=t',
  ]) {
    assert.equal(forwardCookies([`a=1; ${hidden};c=3`]), 'a=1; c=3', hidden)
    assert.equal(forwardCookies([hidden]), undefined, hidden)
    assert.equal(forwardCookies([`a=1; ${hidden};c=3`], prefix), 'a=1; c=3', hidden)
    assert.equal(forwardCookies([`HYDRA-shop.${hidden}; a=1`], prefix)?.includes('HYDRA-SSO'), false, hidden)
  }
  assert.equal(forwardCookies(['HYDRA-shop.HYDRA-SSO=t; __Host-HYDRA-shop.HYDRA-SSO=t'], prefix), undefined)
  for (const kept of ['theme={"x":"HYDRA-1"}', 'next=/?q=HYDRA-SSO=1', 'X-HYDRA-SSO=1', 'a=HYDRA-SSO=1'])
    assert.equal(forwardCookies([`${kept}; HYDRA-SSO=t`]), kept)
})

test('a service that keeps its cookies to itself gets them by the names it knows, and nobody else gets them', () => {
  const prefix = cookiePrefixOf('my shop')
  const cookies = [
    'sid=theirs; HYDRA-my%20shop.sid=mine; lang=de; __Host-HYDRA-my%20shop.csrf=x',
    'HYDRA-my%20shop2.sid=other; HYDRA-my%20shop.sid=again; HYDRA-my%20shop.=none',
  ]
  const flat = cookies.flatMap((value) => ['Cookie', value])
  const own = headerLines(requestHeaders(facts(flat), { ...registered, cookiePrefix: prefix }))
  assert.deepEqual(own.all('cookie'), ['lang=de; sid=mine; __Host-csrf=x'])
  assert.deepEqual(sent(flat).all('cookie'), ['sid=theirs; lang=de'])
})

test('no prefix of a service begins with that of another', () => {
  const name = fc.oneof(fc.stringMatching(/^[a-z.%~ -]{1,6}$/), fc.string({ minLength: 1 }))
  fc.assert(
    fc.property(name, name, (one, other) => {
      fc.pre(one.toWellFormed() !== other.toWellFormed())
      assert.ok(!cookiePrefixOf(one).startsWith(cookiePrefixOf(other)))
      assert.match(cookiePrefixOf(one), /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/)
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

test('a cookie of a service never has a name of ours', () => {
  const dropped = [
    'HYDRA-SSO=x; Path=/',
    'HYDRA-SSO',
    '__Host-HYDRA-SSO=x; Path=/; Secure',
    '__Secure-HYDRA-ROUTE=x',
    '__host-HYDRA-SSO=x',
    '__Host-Http-HYDRA-SSO=x',
    'HYDRA-anything=',
    // A browser sends a cookie without a name as its value alone.
    '=HYDRA-SSO=x; Path=/',
    ' = HYDRA-SSO=x',
    '==HYDRA-SSO=x',
    '=__Host-HYDRA-SSO=x',
    'HYDRA-other.sid=x',
  ]
  const kept = [
    'a=HYDRA-SSO=x',
    'hydra-sso=x',
    'XHYDRA-SSO=x',
    '__Host-sid=x; Path=/',
    '_ga=1',
    'Hello=1',
    '=x',
    ';',
  ]
  const flat = [...dropped, ...kept].flatMap((value) => ['Set-Cookie', value])
  for (const [status, isUpgrade] of [
    [200, false],
    [101, true],
  ] as const) {
    const more = isUpgrade ? ['Upgrade', 'websocket', 'Connection', 'upgrade'] : []
    const lines = headerLines(answerHeaders(headerLines([...flat, ...more]), status, 'rsocket', isUpgrade))
    assert.deepEqual(lines.all('set-cookie'), kept)
  }
})

test('a service that keeps its cookies to itself has its prefix before their names', () => {
  const set = [
    'sid=1; Path=/shop',
    '__Host-sid=2; Path=/; Secure',
    '__SECURE-a=3',
    'HYDRA-SSO=4',
    '=x',
    'a b = 5',
  ]
  const flat = set.flatMap((value) => ['Set-Cookie', value])
  const lines = headerLines(answerHeaders(headerLines(flat), 200, 'rsocket', false, cookiePrefixOf('shop')))
  assert.deepEqual(lines.all('set-cookie'), [
    'HYDRA-shop.sid=1; Path=/shop',
    '__Host-HYDRA-shop.sid=2; Path=/; Secure',
    '__SECURE-HYDRA-shop.a=3',
    '=x',
    'HYDRA-shop.a b= 5',
  ])
})

test('where a Medusa app says a visitor was reaches the login page', () => {
  const fates = [
    ['Referer=/secure/a/b; Max-Age=240; HttpOnly', 'Referer=/secure/a/b; Max-Age=240; HttpOnly; Path=/'],
    ['Referer=/a; Path=/', 'Referer=/a; Path=/'],
    ['Referer=/a; path = /secure; HttpOnly', 'Referer=/a; path = /secure; HttpOnly'],
    ['Referer=/a; Path', 'Referer=/a; Path; Path=/'],
    ['Referer=/a; Path=/; Path=', 'Referer=/a; Path=/; Path=; Path=/'],
    ['Referrer=/a', 'Referrer=/a'],
    ['referer=/a', 'referer=/a'],
  ] as const
  for (const [said, expected] of fates) {
    const set = (channel: 'http' | 'rsocket') =>
      headerLines(answerHeaders(headerLines(['Set-Cookie', said]), 200, channel)).all('set-cookie')
    assert.deepEqual(set('http'), [expected])
    assert.deepEqual(set('rsocket'), [said])
  }
  for (const kind of ['static', 'socket'] as const) {
    const settle = (channel: 'http' | 'rsocket') =>
      settleSetCookie('Referer=/static/a.js; HttpOnly', { channel }, kind)
    assert.equal(settle('http'), undefined, 'after its page the files of it are no place to come back to')
    assert.equal(settle('rsocket'), 'Referer=/static/a.js; HttpOnly')
  }
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
