import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatAddress, MAX_ADDRESS_LENGTH, parseAddress } from './address.ts'
import { type UmfAddress, UmfError } from './message.ts'
import { original } from './testing/original.ts'

const READ: readonly (readonly [text: string, address: UmfAddress])[] = [
  ['orders:/', { service: 'orders', path: '/' }],
  ['orders:', { service: 'orders', path: '' }],
  ['hydra-router:/refresh', { service: 'hydra-router', path: '/refresh' }],
  ['orders:[get]/v1/orders/7', { service: 'orders', method: 'get', path: '/v1/orders/7' }],
  ['orders:[GET]/v1?at=12:30', { service: 'orders', method: 'get', path: '/v1?at=12:30' }],
  ['orders:[get]', { service: 'orders', method: 'get', path: '' }],
  ['orders:/v1/[x]', { service: 'orders', path: '/v1/[x]' }],
  ['2945p8eigxz@client:/', { service: 'client', instance: '2945p8eigxz', path: '/' }],
  [
    'a1-2945p8eigxz@hydra-router:/',
    { service: 'hydra-router', instance: 'a1', subid: '2945p8eigxz', path: '/' },
  ],
  ['a-b-c@hydra-router:/', { service: 'hydra-router', instance: 'a', subid: 'b', path: '/' }],
  ['a1@orders:[post]/v1', { service: 'orders', instance: 'a1', method: 'post', path: '/v1' }],
  ['@orders:/', { service: 'orders', path: '/' }],
  ['orders:/a@b:c', { service: 'orders', path: '/a@b:c' }],
  ['https://shop.example:[get]/p', { service: 'https://shop.example', method: 'get', path: '/p' }],
  ['a1@http://shop.example:/p', { service: 'http://shop.example', instance: 'a1', path: '/p' }],
  ['httpbin:/get', { service: 'httpbin', path: '/get' }],
  ['http:/get', { service: 'http', path: '/get' }],
  // In these the original loses the port, or the rest of the address.
  ['http://h:9000:[get]/p', { service: 'http://h:9000', method: 'get', path: '/p' }],
  ['https://h:443:/p:1', { service: 'https://h:443', path: '/p:1' }],
  ['http://[::1]:9000:[get]/p', { service: 'http://[::1]:9000', method: 'get', path: '/p' }],
  ['http://[2001:db8::7]:/p', { service: 'http://[2001:db8::7]', path: '/p' }],
]

for (const [text, address] of READ) {
  test(`${text} is an address of ${address.service}`, () => {
    assert.deepEqual(parseAddress(text), address)
    assert.deepEqual(parseAddress(formatAddress(address)), address)
  })
}

const SEGMENTS = 'route field has invalid number of routable segments'
const VERB = 'route field has ill-formed HTTP method verb in segment'
const SERVICE = 'route field has no service, or one that is ill-formed'
for (const [text, reason] of [
  ['', SEGMENTS],
  ['orders', SEGMENTS],
  ['https://shop.example', SEGMENTS],
  ['orders:[get/v1', VERB],
  ['orders:[', VERB],
  ['orders:[]/v1', VERB],
  ['orders:[get post]/v1', VERB],
  [':/', SERVICE],
  ['a1@:/', SERVICE],
  ['a@b@orders:/', SERVICE],
  ['my orders:/', SERVICE],
  ['orders:/a\r\nHost: b', 'route field contains control characters'],
  [
    `orders:/${'a'.repeat(MAX_ADDRESS_LENGTH)}`,
    `route field is longer than ${MAX_ADDRESS_LENGTH} characters`,
  ],
] as const) {
  test(`${JSON.stringify(text.slice(0, 40))} is no address: ${reason}`, () => {
    assert.throws(() => parseAddress(text), { name: 'UmfError', message: reason })
  })
}

const name = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,12}$/).filter((text) => !text.startsWith('http'))
const id = fc.stringMatching(/^[0-9a-z]{1,12}$/)
const path = fc.array(fc.constantFrom('/', 'a', ':', '@', '-', '?x=1', '[b]', 'é', '%20'), { maxLength: 8 })
const host = fc.constantFrom('h', 'h.example', '[::1]', '[2001:db8::7]', '127.0.0.1')
const url = fc
  .tuple(fc.constantFrom('http', 'https'), host, fc.option(fc.integer({ min: 1, max: 65_535 })))
  .map(([scheme, at, port]) => `${scheme}://${at}${port === null ? '' : `:${port}`}`)

const address = (service: fc.Arbitrary<string>): fc.Arbitrary<UmfAddress> =>
  fc.record(
    {
      service,
      instance: id,
      subid: id,
      method: fc.constantFrom('get', 'post', 'delete', 'm-search'),
      path: path.map((parts) => `/${parts.join('')}`),
    },
    { requiredKeys: ['service', 'path'], noNullPrototype: true },
  )

test('an address is the same after it was written and read, URLs with ports included', () => {
  fc.assert(
    fc.property(address(fc.oneof(name, url)), (given) => {
      assert.deepEqual(parseAddress(formatAddress(given)), given)
    }),
    { numRuns: 2000 },
  )
})

test('what is read stays the same however often it is written and read', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        path.map((parts) => parts.join('')),
      ),
      (text) => {
        let read: UmfAddress
        try {
          read = parseAddress(text)
        } catch (error) {
          assert.ok(error instanceof UmfError, String(error))
          return
        }
        assert.deepEqual(parseAddress(formatAddress(read)), read)
      },
    ),
    { numRuns: 5000 },
  )
})

test('addresses are read as hydra reads them, where it can', () => {
  const piece = fc.constantFrom(
    'orders',
    'client',
    'a1',
    '-',
    '@',
    ':',
    '/',
    '[',
    ']',
    'get',
    'POST',
    'x',
    '?',
  )
  const text = fc.oneof(
    address(name).map(formatAddress),
    fc.array(piece, { maxLength: 9 }).map((parts) => parts.join('')),
    // It has no room for ports and for colons in hosts.
    address(url.filter((at) => at.split(':').length === 2)).map(formatAddress),
  )
  let read = 0
  fc.assert(
    fc.property(text, (given) => {
      const theirs = original.parseRoute(given)
      let ours: UmfAddress
      try {
        ours = parseAddress(given)
      } catch (error) {
        const { message } = error as Error
        // An empty verb or service, or one with a second @, is an address to it.
        if (theirs.error) assert.equal(message, theirs.error)
        else assert.ok(message === SERVICE || message === VERB, message)
        return
      }
      read++
      assert.deepEqual(
        {
          instance: ours.instance ?? '',
          subID: ours.subid ?? '',
          serviceName: ours.service,
          httpMethod: ours.method,
          apiRoute: ours.path,
          error: '',
        },
        theirs,
      )
    }),
    { numRuns: 5000 },
  )
  assert.ok(read > 1000, `only ${read} addresses were read`)
})

test('hostile addresses are answered at once', () => {
  for (const unit of ['-', '@', ':', '[', ']', 'http://', 'http://[', 'http://h:1', '1:', '[]', 'a@', ':['])
    for (const text of [unit, `http://${unit}`, `a@http://[::${unit}`, `http://h:${unit}`, `s:[${unit}`]) {
      const hostile = text + unit.repeat(MAX_ADDRESS_LENGTH)
      const begin = performance.now()
      for (let round = 0; round < 100; round++) {
        try {
          parseAddress(hostile.slice(0, MAX_ADDRESS_LENGTH))
        } catch (error) {
          assert.ok(error instanceof UmfError)
        }
      }
      // Backtracking takes minutes; a busy machine never takes this long for linear work.
      assert.ok(performance.now() - begin < 2000, text)
    }
})
