import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  addresses,
  count,
  duration,
  flag,
  keyList,
  origin,
  parseDuration,
  parseSize,
  port,
  word,
} from './setting.ts'

const cases: [
  what: string,
  read: (given: unknown) => unknown,
  accepted: [unknown, unknown][],
  refused: unknown[],
][] = [
  [
    'a duration',
    (given) => duration().parse(given),
    [
      [5000, 5000],
      ['5000', 5000],
      ['5s', 5000],
      ['250ms', 250],
      ['1.5m', 90_000],
      ['2 h', 7_200_000],
      ['1d', 86_400_000],
    ],
    [0, -1, '', 's', '5 weeks', '5S', '25d', Number.NaN, Number.POSITIVE_INFINITY, null, true, [5], '1e3'],
  ],
  [
    'a size',
    (given) => parseSize(given),
    [
      [1024, 1024],
      ['16KiB', 16_384],
      ['8 MiB', 8_388_608],
      ['0', 0],
      ['1.5KiB', 1536],
    ],
    ['8MB', '8mib', '-1', '', null, {}],
  ],
  [
    'a port',
    (given) => port().parse(given),
    [
      [0, 0],
      ['8080', 8080],
      [65_535, 65_535],
    ],
    [65_536, -1, '80a', '', 1.5, '0x50', null],
  ],
  [
    'a whole number',
    (given) => count(1, 10).parse(given),
    [
      [1, 1],
      ['10', 10],
    ],
    [0, 11, 1.5, '1.0', ''],
  ],
  [
    'yes or no',
    (given) => flag().parse(given),
    [
      [true, true],
      ['off', false],
      ['yes', true],
    ],
    ['constructor', 1, '', null],
  ],
  [
    'one of some words',
    (given) => word('p2c', 'round-robin').parse(given),
    [['p2c', 'p2c']],
    ['P2C', '', null],
  ],
  [
    'ranges of addresses',
    (given) => addresses().parse(given),
    [
      ['loopback, 10.0.0.0/8', ['loopback', '10.0.0.0/8']],
      [
        ['::1', 'fd00::/8', 'any'],
        ['::1', 'fd00::/8', 'any'],
      ],
      ['', []],
    ],
    ['localhost', ['10.0.0.0/33'], '10.1', 7, [null], '300.0.0.1'],
  ],
  [
    'an origin',
    (given) => origin().parse(given),
    [
      ['https://shop.example', 'https://shop.example'],
      ['HTTPS://Shop.Example:443/', 'https://shop.example'],
    ],
    ['shop.example', 'ftp://x', 'https://x/path', 'https://u:p@x', 'https://x?y', ''],
  ],
  [
    'public keys',
    (given) => keyList('public').parse(given),
    [
      ['new,old', ['new', 'old']],
      [['one'], ['one']],
    ],
    ['', 'a b', 'a/b', [], ['a,b'], 'ä'],
  ],
  [
    'private keys',
    (given) => keyList('private').parse(given),
    [['p!a:s/s', ['p!a:s/s']]],
    ['with space', '', 'line\nbreak'],
  ],
]

for (const [what, read, accepted, refused] of cases) {
  test(`${what} is read from whatever people write for it, and nothing else`, () => {
    for (const [given, expected] of accepted) assert.deepEqual(read(given), expected, String(given))
    for (const given of refused) {
      const outcome = (() => {
        try {
          return read(given)
        } catch {
          return undefined
        }
      })()
      assert.equal(outcome, undefined, `${JSON.stringify(given)} was taken as ${outcome}`)
    }
  })
}

test('no text whatsoever makes a duration or a size that is not a whole, positive number', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.stringMatching(/^\d{1,18}\.?\d{0,8} ?[a-zA-Z]{0,4}$/), fc.double()),
      (given) => {
        for (const read of [parseDuration, parseSize]) {
          const value = read(given)
          assert.ok(value === undefined || (Number.isInteger(value) && value >= 0))
        }
      },
    ),
  )
})
