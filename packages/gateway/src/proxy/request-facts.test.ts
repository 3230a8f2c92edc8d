import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseAuthority } from './authority.ts'
import { createExchangeIds, systemRandom25 } from './exchange-id.ts'
import { connectFailure, streamFailure } from './failure.ts'
import { readOrigin } from './forwarded.ts'
import { isAllowedOrigin } from './origin.ts'
import { headerLines } from './testing/header-lines.ts'

test('no two exchange ids are alike, and they sort by time, even when the clock goes back', () => {
  let now = 1_700_000_000_000
  const nextId = createExchangeIds({ now: () => now, random25: systemRandom25() })
  const ids: string[] = []
  for (let i = 0; i < 20_000; i++) {
    if (i % 7 === 0) now += i % 3 === 0 ? 1 : -1
    ids.push(nextId())
  }
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(ids, [...ids].sort())
  assert.match(ids[0]!, /^[0-9A-HJKMNP-TV-Z]{8}-[0-9A-HJKMNP-TV-Z]{12}$/)
})

test('ids do not run out in one millisecond', () => {
  const last = 2 ** 25 - 1
  const nextId = createExchangeIds({ now: () => 5, random25: () => last })
  const ids = [nextId(), nextId(), nextId()]
  assert.equal(new Set(ids).size, 3)
  assert.deepEqual(ids, [...ids].sort())
})

test('a host is a name or an address with at most a port', () => {
  assert.deepEqual(parseAuthority('Shop.Example.:8080'), { host: 'shop.example', port: 8080 })
  assert.deepEqual(parseAuthority('[::1]:80'), { host: '::1', port: 80 })
  for (const bad of [
    '',
    ' ',
    'a:',
    'a:b',
    'a:65536',
    '[::1',
    '[zz]',
    'a..b',
    'a/b',
    'a?b',
    'a@b',
    'é',
    'a,b',
    '.',
    ':80',
  ]) {
    assert.equal(parseAuthority(bad), undefined, bad)
  }
})

test('the visitor is the last address no trusted proxy vouches against', () => {
  const trusted = { has: (address: string) => address.startsWith('10.') }
  const from = (peer: string, ...flat: string[]) => readOrigin(peer, false, headerLines(flat), trusted)
  assert.equal(from('9.9.9.9', 'X-Forwarded-For', '1.1.1.1').client, '9.9.9.9')
  assert.equal(from('10.0.0.1', 'X-Forwarded-For', '1.1.1.1, 2.2.2.2').client, '2.2.2.2')
  assert.equal(
    from('10.0.0.1', 'X-Forwarded-For', '1.1.1.1', 'X-Forwarded-For', '2.2.2.2:99, 10.0.0.2').client,
    '2.2.2.2',
  )
  assert.equal(from('10.0.0.1', 'X-Forwarded-For', 'unknown, 10.0.0.2').client, '10.0.0.2')
  assert.equal(from('10.0.0.1', 'X-Forwarded-For', '[2001:db8::1]:7').client, '2001:db8::1')
  assert.equal(from('10.0.0.1').client, '10.0.0.1')
  assert.equal(
    from('10.0.0.1', 'X-Forwarded-For', '1.1.1.1, 10.0.0.2', 'X-Forwarded-Proto', 'https, http').secure,
    true,
  )
  assert.equal(from('10.0.0.1', 'X-Request-Id', 'a b').requestId, undefined)
  assert.equal(from('10.0.0.1', 'X-Forwarded-For', '::FFFF:1.2.3.4').client, '1.2.3.4')
})

test('a visitor can claim what he likes: behind no trusted proxy he stays who he is', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (address, protocol) => {
      const origin = readOrigin(
        '9.9.9.9',
        false,
        headerLines(['X-Forwarded-For', address, 'X-Forwarded-Proto', protocol, 'X-Request-Id', address]),
        { has: () => false },
      )
      assert.deepEqual(origin, { client: '9.9.9.9', secure: false, requestId: undefined, fromTrusted: false })
    }),
  )
})

test('WebSockets open from our own pages, from allowed origins and from programs', () => {
  const settings = { allowedOrigins: ['https://partner.example'], publicUrl: 'https://shop.example' }
  const from = (origin: string | undefined, authority = 'internal:8080') =>
    isAllowedOrigin(origin, authority, settings)
  assert.ok(from(undefined))
  assert.ok(from('http://internal:8080'))
  assert.ok(from('https://shop.example'))
  assert.ok(from('https://partner.example'))
  assert.ok(from('https://site.example', 'site.example:443'))
  assert.ok(from('http://SITE.example', 'site.example'))
  for (const bad of [
    'null',
    '',
    'http://internal',
    'http://internal:8081',
    'http://evil.example',
    'https://shop.example.evil',
    'file:///x',
    'http://internal:8080@evil',
  ]) {
    assert.ok(!from(bad), bad)
  }
})

test('the words for failures tell the dead from the broken', () => {
  const error = (code: string) => Object.assign(new Error(code), { code })
  assert.deepEqual(
    [connectFailure(error('ECONNREFUSED')).reason, connectFailure(error('ECONNREFUSED')).refused],
    ['refused', true],
  )
  assert.equal(connectFailure(new AggregateError([error('ECONNREFUSED')])).reason, 'refused')
  assert.deepEqual(
    [connectFailure(error('CERT_HAS_EXPIRED')).reason, connectFailure(error('CERT_HAS_EXPIRED')).refused],
    ['handshake', false],
  )
  assert.equal(connectFailure(error('EMFILE')).reason, 'no-sockets')
  assert.equal(streamFailure(error('ECONNRESET'), true).reason, 'stale')
  assert.equal(streamFailure(undefined, false).reason, 'reset')
})
