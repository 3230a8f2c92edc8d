import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { UmfError } from './message.ts'
import { parseUmf, readUmf } from './read.ts'
import { body, message, original, source } from './testing/original.ts'
import { formatUmf, formatUmfAround, signedText, toLong, toShort, umfWriter } from './write.ts'

/** What JSON makes of it, as it arrives on the other side. */
function sent(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

test('a message is the same after it went over a wire, with short names or long ones', () => {
  fc.assert(
    fc.property(message, (given) => {
      const arrived = sent(given)
      assert.deepEqual(parseUmf(formatUmf(given), source), arrived)
      assert.deepEqual(readUmf(sent(toShort(given)), source), arrived)
      assert.deepEqual(readUmf(sent(toLong(given)), source), arrived)
      assert.deepEqual(readUmf(arrived, source), arrived)
    }),
  )
})

test('a message for many is written for each as if it were for them alone', () => {
  const id = fc.stringMatching(/^[0-9a-z]{1,48}$/)
  fc.assert(
    fc.property(message, id, id, ({ forward: _, ...given }, one, two) => {
      const write = umfWriter({ ...given, forward: 'is not looked at' })
      for (const to of [`${one}@client:/`, `${two}@client:/`]) {
        assert.equal(write(to), formatUmf({ ...given, to }))
        assert.equal(write(to, to), formatUmf({ ...given, to, forward: to }))
      }
    }),
  )
})

test('around a body that is written already a message is written as around any other', () => {
  fc.assert(
    fc.property(message, ({ authorization: _, ...given }) => {
      assert.equal(formatUmfAround(given, JSON.stringify(given.body)), formatUmf(given))
    }),
  )
})

test('messages are written as hydra writes them, to the letter, whatever names they came with', () => {
  const field = (long: string, short: string, value: fc.Arbitrary<unknown>) =>
    fc.oneof(
      fc.constant({}),
      value.map((one) => ({ [long]: one })),
      value.map((one) => ({ [short]: one })),
      fc.tuple(value, value).map(([one, two]) => ({ [short]: two, [long]: one })),
    )
  const text = fc.oneof(fc.string({ minLength: 1, maxLength: 20 }), fc.constantFrom('', null, false, 0))
  const given = fc
    .tuple(
      field('to', 'to', text),
      field('from', 'frm', text),
      field('body', 'bdy', fc.jsonValue()),
      field('headers', 'hdr', fc.dictionary(fc.string(), fc.string())),
      field('rmid', 'rmid', text),
      field('signature', 'sig', text),
      field('timeout', 'tmo', fc.nat()),
      field('type', 'typ', text),
      field('version', 'ver', text),
      field('via', 'via', text),
      field('forward', 'fwd', text),
      field('authorization', 'aut', text),
      fc.dictionary(fc.string(), fc.jsonValue()),
    )
    .map((fields) => Object.assign({ mid: 'a', ts: '2026-01-02T03:04:05.678Z' }, fields.pop(), ...fields))
    .filter(({ mid, ts }) => mid === 'a' && typeof ts === 'string' && ts !== '')
  let valid = 0
  fc.assert(
    fc.property(given, (value) => {
      const theirs = original.createMessage(value)
      if (!theirs.validate()) {
        assert.throws(() => readUmf(value, source), {
          name: 'UmfError',
          message: 'UMF message requires "to", "from" and "body" fields',
        })
        return
      }
      valid++
      const ours = readUmf(value, source)
      assert.equal(formatUmf(ours), JSON.stringify(theirs.toShort()))
      assert.equal(JSON.stringify(toLong(ours)), JSON.stringify(theirs.toJSON()))
      const { signature: _, ...unsigned } = theirs.toJSON()
      assert.equal(signedText(ours), JSON.stringify(unsigned))
    }),
    { numRuns: 3000 },
  )
  assert.ok(valid > 200, `only ${valid} messages were valid`)
})

test('the order of names does not depend on how a message was put together', () => {
  fc.assert(
    fc.property(message, (given) => {
      const shuffled = Object.fromEntries(Object.entries(given).reverse()) as unknown as typeof given
      assert.equal(formatUmf(shuffled), formatUmf(given))
      assert.equal(signedText(shuffled), signedText(given))
    }),
  )
})

test('names that UMF does not have change nothing, whatever they are', () => {
  const known = new Set(
    'to from frm body bdy mid rmid rmi timestamp ts version ver type typ headers'.split(' '),
  )
  for (const name of 'hdr forward fwd via timeout tmo signature sig authorization aut'.split(' '))
    known.add(name)
  const names = fc.oneof(
    fc.string(),
    fc.constantFrom('priority', 'pri', 'ttl', 'for', '__proto__', 'constructor', 'toJSON', 'hasOwnProperty'),
  )
  fc.assert(
    fc.property(message, fc.dictionary(names, fc.jsonValue()), (given, more) => {
      const strange = Object.entries(more).filter(([name]) => !known.has(name))
      const mixed = JSON.parse(JSON.stringify(Object.fromEntries([...strange, ...Object.entries(given)])))
      assert.deepEqual(readUmf(mixed, source), sent(given))
      assert.equal(({} as { polluted?: unknown }).polluted, undefined)
    }),
  )
})

test('any JSON is a message or is refused with a reason', () => {
  const name = fc.constantFrom(
    ...'to from frm body bdy mid rmid rmi timestamp ts version ver type typ headers hdr'.split(' '),
    ...'forward fwd via timeout tmo signature sig authorization aut __proto__'.split(' '),
  )
  const value = fc.oneof(fc.jsonValue(), fc.dictionary(name, fc.jsonValue(), { maxKeys: 24 }))
  fc.assert(
    fc.property(value, (given) => {
      try {
        const read = readUmf(given, source)
        assert.deepEqual(parseUmf(formatUmf(read), source), read)
      } catch (error) {
        assert.ok(error instanceof UmfError, String(error))
        assert.ok(error.message.length < 200)
      }
    }),
    { numRuns: 3000 },
  )
})

test('any text is a message or is refused with a reason', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
      try {
        parseUmf(text, source)
      } catch (error) {
        assert.ok(error instanceof UmfError, String(error))
      }
    }),
  )
  assert.throws(() => parseUmf('{', source), /is not JSON/)
  assert.throws(() => parseUmf('', source), /is not JSON/)
  assert.throws(() => parseUmf('['.repeat(1_000_000), source), /nested too deep/)
  for (const falsy of ['null', 'false', '0', '""', '[]', '{}', '7', '"x"'])
    assert.throws(() => parseUmf(falsy, source), /requires "to", "from" and "body"/)
})

test('what a message does not say is filled in: an id, the time, the version', () => {
  const read = readUmf({ to: 'orders:/', frm: 'client:/', bdy: {} }, source)
  assert.deepEqual(read, {
    to: 'orders:/',
    from: 'client:/',
    mid: 'new-id',
    timestamp: '2026-01-02T00:00:00.000Z',
    version: 'UMF/1.4.6',
    body: {},
  })
})

test('an address that is no string is refused by name, where it stopped the original altogether', () => {
  const whole = { to: 'orders:/', from: 'client:/', body: {}, mid: 'm1' }
  for (const [name, value] of [
    ['to', 7],
    ['to', { a: 1 }],
    ['to', ['orders:/']],
    ['from', true],
    ['frm', 7],
    ['forward', 1],
    ['fwd', { toString: 'x' }],
    ['via', []],
  ] as const) {
    const long = { frm: 'from', fwd: 'forward' }[name as string] ?? name
    const given: Record<string, unknown> = { ...whole, [name]: value }
    if (name === 'frm') delete given.from
    assert.throws(() => readUmf(given, source), {
      name: 'UmfError',
      message: `UMF message field "${long}" must be a string`,
      rmid: 'm1',
    })
  }
})

test('numbers where names belong are taken as text, as the original takes them', () => {
  const read = readUmf({ to: 'a:/', from: 'b:/', body: {}, mid: 7, rmi: 8, ts: 9, ver: 1.4, typ: 2 }, source)
  assert.deepEqual(
    [read.mid, read.rmid, read.timestamp, read.version, read.type],
    ['7', '8', '9', '1.4', '2'],
  )
})

for (const [name, value, reason] of [
  ['mid', { a: 1 }, '"mid" must be a string'],
  ['rmid', [], '"rmid" must be a string'],
  ['type', true, '"type" must be a string'],
  ['timestamp', {}, '"timestamp" must be a string'],
  ['version', [1], '"version" must be a string'],
  ['signature', {}, '"signature" must be a string'],
  ['authorization', 7, '"authorization" must be a string'],
  ['timeout', 'soon', '"timeout" must be a number of seconds'],
  ['timeout', -1, '"timeout" must be a number of seconds'],
  ['timeout', {}, '"timeout" must be a number of seconds'],
  ['headers', 'x', '"headers" must be an object'],
  ['headers', ['x'], '"headers" must be an object'],
  ['headers', { a: { b: 1 } }, '"headers" must have strings as values'],
  [
    'headers',
    Object.fromEntries(Array.from({ length: 101 }, (_, at) => [at, ''])),
    '"headers" has more than 100',
  ],
  ['mid', 'x'.repeat(257), '"mid" is longer than 256 characters'],
  ['to', 'x'.repeat(2049), '"to" is longer than 2048 characters'],
  ['via', 'x'.repeat(2049), '"via" is longer than 2048 characters'],
] as const) {
  test(`a message whose ${name} is ${JSON.stringify(value).slice(0, 20)} is refused: ${reason}`, () => {
    const given = { to: 'a:/', from: 'b:/', body: {}, [name]: value }
    assert.throws(
      () => readUmf(given, source),
      (error) => error instanceof UmfError && error.message.includes(reason),
    )
  })
}

test('headers are bounded by number and size before a large text is parsed; a body is not', () => {
  const many = (name: string, count: number, value = '') =>
    `{"to":"orders:/","frm":"client:/","mid":"1",${name.startsWith('"b') ? '' : '"bdy":{"a":1},'}${name}:{${Array.from({ length: count }, (_, i) => `"n${i}":"${value}"`)}}}`
  const fault = (text: string): string | undefined => {
    try {
      parseUmf(text, source)
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  const tooMany = 'UMF message field "headers" has more than 100 members'
  for (const name of ['"hdr"', '"headers"', '"h\\u0064r"', '"else"']) {
    assert.equal(fault(many(name, 100)), undefined)
    assert.equal(fault(many(name, 10_000)), tooMany)
    assert.match(fault(many(name, 20, 'x'.repeat(1000)))!, /"headers" is longer than 16384/)
  }
  assert.equal(fault(many('"bdy"', 10_000)), undefined)
  assert.match(fault(`{"to":"a:/","frm":"a:/","bdy":{"hdr":[1,2]},"hdr":[${'1,'.repeat(5000)}1]}`)!, /100/)
  assert.match(
    fault(`{"to":"a:/","frm":"a:/","bdy":1,${'"a":1,'.repeat(1000)}"b":1}`)!,
    /more than 100 fields/,
  )
  // what stands in texts and in the body is none of this
  const body = {
    hdr: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`n${i}`, '},{"'])),
    t: '\\",'.repeat(999),
  }
  const text = JSON.stringify({ to: 'a:/', hdr: { a: '\\"},{' }, frm: 'a:/', bdy: body })
  assert.deepEqual(parseUmf(text, source).body, body)
  // and the bounds are whoever reads it to choose
  const bounds = { maxHeaders: 2000, maxHeaderBytes: 2 ** 20 }
  assert.ok(parseUmf(many('"hdr"', 1000), { ...source, headerBounds: bounds }).headers!.n999 === '')
})

test('headers with numbers become texts, and none of them reaches a prototype', () => {
  const read = parseUmf('{"to":"a:/","frm":"b:/","bdy":{},"hdr":{"x":1,"y":true,"__proto__":"z"}}', source)
  assert.deepEqual(Object.entries(read.headers!), [
    ['x', '1'],
    ['y', 'true'],
    ['__proto__', 'z'],
  ])
})

test('a pong, which the original sends without a sender, is read by who asks for it', () => {
  const pong =
    '{"to":"client:/","mid":"a","rmid":"b","ts":"c","typ":"pong","ver":"UMF/1.4.6","bdy":{"typ":"pong"}}'
  assert.throws(() => parseUmf(pong, source), /requires/)
  const read = parseUmf(pong, { ...source, mayLackFrom: true })
  assert.equal(read.from, '')
  assert.equal(formatUmf(read), pong)
})

test('a body is kept as it is, in its own order', () => {
  fc.assert(
    fc.property(body, (given) => {
      const text = JSON.stringify({ to: 'a:/', frm: 'b:/', mid: 'm', ts: 't', ver: 'v', bdy: given })
      assert.equal(formatUmf(parseUmf(text, source)), text)
    }),
  )
})
