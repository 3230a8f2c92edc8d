import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { headerLines } from './testing/header-lines.ts'
import { type CookieFault, createVisitorCookies, isPubliclyCacheable } from './visitor-cookie.ts'
import type { Pin } from './visitor-pins.ts'

const VISITOR = 'q8fWm2xYp0aZr4Bt'
const PINS: readonly Pin[] = [
  { kind: 'instance', of: 'one', is: '0123456789abcdef0123456789abcdef' },
  { kind: 'version', of: 'orders', is: 'orders@2.4.0' },
]

function codec(...privateKeys: string[]) {
  const faults: CookieFault[] = []
  const cookies = createVisitorCookies({
    privateKeys: privateKeys.length ? privateKeys : ['secret'],
    onFault: (fault) => faults.push(fault),
  })
  /** What a browser sends back. */
  const pair = (pins: readonly Pin[]) => cookies.write(VISITOR, pins, true).line.split(';')[0]!
  return { ...cookies, pair, faults }
}

test('a visitor comes back with what was pinned', () => {
  const { read, pair } = codec()
  const line = `a=1; ${pair(PINS)}; b="x; y"`
  for (let i = 0; i < 3; i++) assert.deepEqual(read([line]), { visitor: VISITOR, pins: PINS, isFresh: true })
  assert.deepEqual(read(['a=1', pair(PINS)])?.pins, PINS)
})

test('the cookie is for this site, for HTTP and for the session', () => {
  const { write } = codec()
  assert.match(
    write(VISITOR, PINS, true).line,
    /^HYDRA-ROUTE=1\.q8fWm2xYp0aZr4Bt\.i:one:[0-9a-f]{32}\|v:orders:orders%402~4~0\.[\w-]{22}; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
  )
  assert.ok(!write(VISITOR, PINS, false).line.includes('Secure'))
})

test('any name, id and version survives the way to the browser and back', () => {
  const pin = fc.record(
    {
      kind: fc.constantFrom('instance' as const, 'version' as const),
      of: fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme' }),
      is: fc.string({ minLength: 1, maxLength: 4, unit: 'grapheme' }),
    },
    { noNullPrototype: true },
  )
  const { read, write } = codec()
  fc.assert(
    fc.property(fc.array(pin, { maxLength: 3 }), (pins) => {
      const [sent] = write(VISITOR, pins, true).line.split('; Path')
      // cookie-octet of RFC 6265, 4.1.1
      assert.match(sent!, /^HYDRA-ROUTE=[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/)
      const { dropped } = write(VISITOR, pins, true)
      assert.deepEqual(read([sent!])?.pins, pins.slice(dropped))
    }),
  )
})

test('a cookie in which one character was changed is as none', () => {
  const { read, pair } = codec()
  const whole = pair(PINS)
  const at = fc.integer({ min: 'HYDRA-ROUTE='.length, max: whole.length - 1 })
  fc.assert(
    fc.property(at, fc.constantFrom(...'Aa0_-.:|~%'), (i, character) => {
      fc.pre(whole[i] !== character)
      assert.equal(read([whole.slice(0, i) + character + whole.slice(i + 1)]), undefined)
    }),
  )
})

test('a cookie from elsewhere, cut, doubled or too long is as none, and is counted by its fault', () => {
  const { read, pair, faults } = codec()
  const good = pair(PINS)
  const cases: [CookieFault, ...string[]][] = [
    ['forged', codec('another secret').pair(PINS)],
    ['malformed', good.slice(0, -1)],
    ['malformed', 'HYDRA-ROUTE='],
    ['malformed', good.replace('=1.', '=2.')],
    ['malformed', `HYDRA-ROUTE="${good.slice('HYDRA-ROUTE='.length)}"`],
    ['oversize', `HYDRA-ROUTE=${'x'.repeat(1013)}`],
    ['duplicate', `${good}; ${good}`],
    ['duplicate', good, 'HYDRA-ROUTE='],
  ]
  for (const [fault, ...lines] of cases) {
    assert.equal(read(lines), undefined, lines.join(' '))
    assert.equal(faults.pop(), fault, lines.join(' '))
  }
  assert.equal(read([]), undefined)
  assert.equal(read(['X-HYDRA-ROUTE=1; HYDRA-ROUTES=2']), undefined)
  assert.deepEqual(faults, [])
})

test('a good cookie that was seen before does not make a doubled one good', () => {
  const { read, pair } = codec()
  assert.ok(read([pair(PINS)]))
  assert.equal(read([`${pair(PINS)}; ${pair(PINS)}`]), undefined)
})

test('while keys change, cookies of both are good and those of the old one are known as such', () => {
  const [before, during, after] = [codec('old'), codec('new', 'old'), codec('new')]
  assert.equal(during.read([before.pair(PINS)])?.isFresh, false)
  assert.equal(during.read([after.pair(PINS)])?.isFresh, true)
  assert.equal(during.pair(PINS), after.pair(PINS))
  assert.equal(after.read([before.pair(PINS)]), undefined)
})

test('the oldest pins leave when there is no room, and the cookie never exceeds 1 KB', () => {
  const { read, write } = codec()
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 200 }), { maxLength: 60 }), (lengths) => {
      const pins = lengths.map(
        (length, i): Pin => ({ kind: 'instance', of: `s${i}`, is: 'x'.repeat(length + 1) }),
      )
      const { line, dropped } = write(VISITOR, pins, true)
      const sent = line.slice(0, line.indexOf(';'))
      assert.ok(sent.length <= 1024)
      assert.deepEqual(read([sent])?.pins, pins.slice(dropped))
      if (dropped > 0) {
        const more = pins.slice(dropped - 1).reduce((sum, { of, is }) => sum + of.length + is.length + 4, 0)
        assert.ok(more > 900, 'room was left unused')
      }
    }),
  )
})

test('a service with a name no cookie can hold does not push out the others', () => {
  const { read, write } = codec()
  const { line, dropped } = write(
    VISITOR,
    [...PINS, { kind: 'version', of: '頭'.repeat(128), is: 'x' }],
    true,
  )
  assert.equal(dropped, 1)
  assert.deepEqual(read([line.slice(0, line.indexOf(';'))])?.pins, PINS)
})

test('many visitors are remembered only in part, and all of them are served', () => {
  const { read, write } = codec()
  const lines = Array.from(
    { length: 6000 },
    (_, i) => write(String(i).padStart(16, '0'), PINS, true).line.split(';')[0]!,
  )
  for (const [i, line] of lines.entries()) assert.equal(read([line])?.visitor, String(i).padStart(16, '0'))
  assert.ok(read([lines[0]!]))
})

for (const [lines, expected] of [
  [[], false],
  [['no-cache, no-store, max-age=0, must-revalidate'], false],
  [['private, max-age=600'], false],
  [['no-cache'], false],
  [['public'], true],
  [['Public, no-cache'], true],
  [['max-age=600'], true],
  [['max-age=0'], true],
  [['private, s-maxage=60'], true],
  [['private="set-cookie", max-age=60'], true],
  [['no-cache', 'max-age=60'], true],
] as [string[], boolean][]) {
  test(`an answer with Cache-Control ${lines.join(' and ') || 'absent'} is ${expected ? 'for everybody' : 'for one visitor'}`, () => {
    const headers = headerLines(lines.flatMap((line) => ['Cache-Control', line]))
    assert.equal(isPubliclyCacheable(headers), expected)
  })
}

test('what only a CDN is told counts too', () => {
  assert.ok(isPubliclyCacheable(headerLines(['Cache-Control', 'private', 'CDN-Cache-Control', 'max-age=60'])))
})
