import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { DEFAULT_WEIGHT, instanceWeight, versionShares } from './share.ts'
import type { Instance } from './upstream.ts'

let made = 0
function instance(given: Partial<Instance> = {}): Instance {
  return {
    id: `i${++made}`,
    service: 'orders',
    manifest: 'm',
    channel: 'rsocket',
    address: { protocol: 'http', host: '127.0.0.1', port: 1 },
    version: 0,
    weight: DEFAULT_WEIGHT,
    awakening: 'NEWEST_VERSION_WINS',
    affinity: false,
    ...given,
  }
}
/** `version:percent` of every slice, newest first. */
function shares(...given: Partial<Instance>[]): string[] {
  return versionShares(given.map(instance)).map(
    ({ version, share }) => `${version}:${Math.round(share * 100)}`,
  )
}
const times = (count: number, given: Partial<Instance>): Partial<Instance>[] => Array(count).fill(given)

test('the newest version gets every visitor, its instances share them', () => {
  const [newest, old] = versionShares([
    instance({ version: 1 }),
    instance({ version: 2 }),
    instance({ version: 2 }),
  ])
  assert.equal(newest!.share, 1)
  assert.deepEqual(newest!.instances.map(instanceWeight), [10, 10])
  assert.equal(old!.share, 0)
})

test('versions that ask for equal shares get a third each, however many instances they have', () => {
  const awakening = 'EQUAL_SHARE'
  assert.deepEqual(
    shares(
      { version: 1, awakening },
      ...times(3, { version: 2, awakening }),
      ...times(2, { version: 3, awakening }),
    ),
    ['3:33', '2:33', '1:33'],
  )
})

test('instances of an equal-share version are equal whatever they weigh, and 0 still takes nobody', () => {
  assert.equal(instanceWeight({ awakening: 'EQUAL_SHARE', weight: 500 }), DEFAULT_WEIGHT)
  assert.equal(instanceWeight({ awakening: 'EQUAL_SHARE', weight: 0 }), 0)
  assert.equal(instanceWeight({ awakening: 'NEWEST_VERSION_WINS', weight: 500 }), 500)
})

test('the newest version decides how versions awake', () => {
  assert.deepEqual(shares({ version: 1 }, { version: 2, awakening: 'EQUAL_SHARE' }), ['2:50', '1:50'])
  assert.deepEqual(shares({ version: 1, awakening: 'EQUAL_SHARE' }, { version: 2 }), ['2:100', '1:0'])
})

test('a service that declares weights shows the new version to 10 % of visitors and the old one to 90 %', () => {
  assert.deepEqual(shares({ version: 1, weight: 90 }, { version: 2, weight: 10 }), ['2:10', '1:90'])
  assert.deepEqual(shares(...times(3, { version: 1, weight: 90 }), { version: 2, weight: 10 }), [
    '2:10',
    '1:90',
  ])
})

test('a rollout half way is 50 to 50 and does not jump to the newest version', () => {
  assert.deepEqual(shares({ version: 1, weight: 50 }, { version: 2, weight: 50 }), ['2:50', '1:50'])
})

test('a rollout begins with weight 0 and ends with it', () => {
  assert.deepEqual(shares({ version: 1 }, { version: 2, weight: 0 }), ['2:0', '1:100'])
  assert.deepEqual(shares({ version: 1, weight: 0 }, { version: 2 }), ['2:100', '1:0'])
})

test('taking one instance of the newest version out by weight 0 does not wake the old version', () => {
  assert.deepEqual(shares({ version: 1 }, { version: 2 }, { version: 2, weight: 0 }), ['2:100', '1:0'])
})

test('weight 0 everywhere is equal', () => {
  assert.deepEqual(shares({ version: 1, weight: 0 }, { version: 2, weight: 0 }), ['2:50', '1:50'])
})

test('two services of one group share visitors by their weights, though they have no version', () => {
  assert.deepEqual(
    versionShares([
      instance({ service: 'orders', weight: 90 }),
      instance({ service: 'orders-next', weight: 10 }),
    ]).map(({ key, share }) => [key, share]),
    [
      ['orders-next@0', 0.1],
      ['orders@0', 0.9],
    ],
  )
})

test('numbers compare as numbers, text by its dotted parts', () => {
  assert.deepEqual(shares({ version: 9 }, { version: 10 }), ['10:100', '9:0'])
  assert.deepEqual(shares({ version: 1.25 }, { version: 1.5 }), ['1.5:100', '1.25:0'])
  assert.deepEqual(shares({ version: '2.9.0' }, { version: '2.10.0' }), ['2.10.0:100', '2.9.0:0'])
  assert.deepEqual(shares({ version: '2.4.0-beta' }, { version: '2.4.0' }), ['2.4.0:100', '2.4.0-beta:0'])
  assert.deepEqual(shares({ version: 1_763_668_800 }, { version: '2.4.0' }), ['1763668800:100', '2.4.0:0'])
})

test('a number and its text are one version', () => {
  assert.equal(versionShares([instance({ version: 2 }), instance({ version: '2' })]).length, 1)
})

test('no instances have no slices', () => assert.deepEqual(versionShares([]), []))

const anyInstance = fc
  .record({
    service: fc.constantFrom('orders', 'orders-next'),
    version: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom('1.0.0', '1.10.0', '2.0.0')),
    weight: fc.oneof(
      fc.constant(DEFAULT_WEIGHT),
      fc.constant(0),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
    ),
    awakening: fc.constantFrom('NEWEST_VERSION_WINS' as const, 'EQUAL_SHARE' as const),
  })
  .map(instance)

test('shares make a whole, every instance is in one slice, and who weighs 0 gets nobody else’s visitors', () => {
  fc.assert(
    fc.property(fc.array(anyInstance, { minLength: 1, maxLength: 12 }), (instances) => {
      const slices = versionShares(instances)
      assert.ok(Math.abs(slices.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-9)
      assert.deepEqual(new Set(slices.flatMap((slice) => slice.instances)), new Set(instances))
      assert.equal(slices.flatMap((slice) => slice.instances).length, instances.length)
      const isAnyTaking = instances.some(({ weight }) => weight > 0)
      for (const slice of slices) {
        assert.ok(slice.share >= 0)
        if (isAnyTaking && slice.instances.every(({ weight }) => weight === 0)) assert.equal(slice.share, 0)
      }
    }),
  )
})

test('the order in which instances registered changes nothing', () => {
  const seen = (instances: readonly Instance[]) =>
    versionShares(instances).map(({ key, share }) => [key, share])
  fc.assert(
    fc.property(
      fc
        .array(anyInstance, { minLength: 1, maxLength: 8 })
        .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }))),
      ([instances, shuffled]) => assert.deepEqual(seen(shuffled), seen(instances)),
    ),
  )
})
