import assert from 'node:assert/strict'
import { createPublicKey, generateKeyPairSync, webcrypto } from 'node:crypto'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryIdentityStore } from '../store/identity/memory.ts'
import type { KeyRingStore } from '../store/identity/port.ts'
import { StoreAway } from '../store/redis/port.ts'
import { createKeyRing, type KeyRingDeps } from './key-ring.ts'
import type { KeyRing } from './port.ts'
import { createSealer } from './sealing.ts'

const LIFE = 3_600_000
const OVERLAP = 60_000

function setUp() {
  const clock = createManualClock(1_800_000_000_000)
  const store = createMemoryIdentityStore().keyRing
  const lines: string[] = []
  const write = (_: unknown, line: string) => void lines.push(line)
  const log = { info: write, warn: write } as unknown as KeyRingDeps['log']
  const open = (more: Partial<KeyRingDeps> = {}): Promise<KeyRing> =>
    createKeyRing({ store, sealer: createSealer(['key'], 'ring'), tokenLifeMs: LIFE, clock, log, ...more })
  return { clock, store, lines, open }
}

const kids = (ring: KeyRing) => ring.list().map(({ kid }) => kid)
const pemOf = (bits = 2048, cipher?: object) =>
  generateKeyPairSync('rsa', {
    modulusLength: bits,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', ...cipher } as { type: 'pkcs8'; format: 'pem' },
  }).privateKey

async function signs(ring: KeyRing, kid?: string): Promise<string> {
  const { kid: by, key } = ring.signingKey(kid)
  const bytes = Buffer.from('text')
  const signature = await webcrypto.subtle.sign('RSASSA-PKCS1-v1_5', key, bytes)
  assert.ok(await webcrypto.subtle.verify('RSASSA-PKCS1-v1_5', ring.verifyingKey(by)!, signature, bytes))
  return by
}

test('a first ring has one key, which a restart finds again', async () => {
  const { open, store, clock } = setUp()
  const ring = await open()
  assert.match(ring.activeKid, /^[\w-]{16}$/)
  assert.equal(await signs(ring), ring.activeKid)
  assert.deepEqual(ring.list(), [{ kid: ring.activeKid, state: 'active', createdAt: clock.now() }])
  const spki = createPublicKey({ key: Buffer.from(ring.publicKey, 'base64'), format: 'der', type: 'spki' })
  const { publicKey, keys } = ring.answer()
  assert.equal(publicKey, ring.publicKey)
  assert.deepEqual(keys, [
    { ...spki.export({ format: 'jwk' }), kid: ring.activeKid, alg: 'RS256', use: 'sig' },
  ])
  assert.doesNotMatch((await store.load())!.sealed, /"d"/)
  assert.deepEqual(ring.warnings, [])

  const again = await open()
  assert.deepEqual(kids(again), kids(ring))
})

test('nodes that start together end with the same ring', async () => {
  const { open } = setUp()
  const rings = await Promise.all([open(), open(), open()])
  assert.equal(new Set(rings.map(({ activeKid }) => activeKid)).size, 1)
})

test('after a rotation the new key signs, and the old one verifies until its last token has expired', async () => {
  const { open, clock } = setUp()
  const [here, there] = [await open(), await open()]
  const old = here.activeKid
  const seen: string[] = []
  here.onChange(() => seen.push('here'))
  const end = there.onChange(() => seen.push('there'))

  const fresh = await here.rotate()
  assert.deepEqual(fresh, { kid: here.activeKid, state: 'active', createdAt: clock.now() })
  assert.notEqual(here.activeKid, old)
  assert.deepEqual(kids(here), [here.activeKid, old])
  assert.equal(here.list()[1]!.until, clock.now() + LIFE + OVERLAP)
  assert.equal(await signs(here), here.activeKid)
  assert.equal(await signs(here, old), old, 'for those who know only that one')
  assert.equal(await signs(here, 'nobody knows it'), here.activeKid)

  assert.equal(there.activeKid, old)
  await there.look()
  assert.deepEqual(kids(there), kids(here))
  await Promise.all([here.look(), there.look()])
  assert.deepEqual(seen, ['here', 'there'], 'once each')
  end()

  clock.advance(LIFE + OVERLAP - 1)
  assert.ok(there.has(old))
  clock.advance(1)
  assert.ok(!there.has(old))
  assert.equal(there.verifyingKey(old), undefined)
  assert.deepEqual(kids(there), [fresh.kid])
  assert.equal(there.answer().keys.length, 1)
  assert.equal(there.signingKey(old).kid, fresh.kid)
})

test('rotations of several nodes at once all count', async () => {
  const { open } = setUp()
  const [here, there] = [await open(), await open()]
  await Promise.all([here.rotate(), there.rotate(), here.rotate()])
  await Promise.all([here.look(), there.look()])
  assert.equal(kids(here).length, 4)
  assert.deepEqual(kids(here), kids(there))
})

test('nobody can fill the ring without end', async () => {
  const { open } = setUp()
  const ring = await open()
  for (let i = 0; i < 15; i += 1) await ring.rotate()
  await assert.rejects(ring.rotate(), { code: 'HYDRA_CONFLICT' })
})

test('keys whose time is over leave the store', async () => {
  const { open, store, clock } = setUp()
  const ring = await open()
  await ring.rotate()
  const before = (await store.load())!.sealed.length
  clock.advance(LIFE + OVERLAP)
  await open()
  assert.ok((await store.load())!.sealed.length < before * 0.6)
})

test('a ring that a changed private key can’t open is replaced, with a warning', async () => {
  const { open, lines } = setUp()
  const before = await open()
  const after = await open({ sealer: createSealer(['another'], 'ring') })
  assert.notEqual(after.activeKid, before.activeKid)
  assert.match(after.warnings.join(), /could not be opened and were replaced/)
  assert.match(lines.join(), /could not be opened/)

  // The other one goes on with what it has, and says so once.
  await before.look()
  await before.look()
  assert.ok(before.has(before.activeKid) && !before.has(after.activeKid))
  assert.equal(lines.filter((line) => line.includes('another private key')).length, 1)
})

test('a private key can be changed without losing the ring', async () => {
  const { open } = setUp()
  const ring = await open()
  const during = await open({ sealer: createSealer(['new', 'key'], 'ring') })
  const after = await open({ sealer: createSealer(['new'], 'ring') })
  assert.deepEqual([during.activeKid, after.activeKid], [ring.activeKid, ring.activeKid])
})

test('a store that lost the ring gets it again', async () => {
  const { open } = setUp()
  let store: KeyRingStore = createMemoryIdentityStore().keyRing
  const ring = await open({ store: { load: () => store.load(), save: (...all) => store.save(...all) } })
  store = createMemoryIdentityStore().keyRing
  await ring.look()
  assert.equal((await open({ store })).activeKid, ring.activeKid)
})

test('a store that does not answer changes nothing', async () => {
  const { open, store } = setUp()
  let isAway = false
  const load = async () => {
    if (isAway) throw new Error('away')
    return store.load()
  }
  const ring = await open({ store: { ...store, load } })
  isAway = true
  await assert.rejects(ring.look(), /away/)
  await assert.rejects(ring.rotate(), /away/)
  await signs(ring)
  isAway = false
  await ring.rotate()
})

/** A store that may be away, and that may fall back to what it was. */
function fickle(store: KeyRingStore) {
  const state = { isAway: false, saves: 0, current: store }
  const check = () => {
    if (state.isAway) throw new StoreAway('away')
  }
  return {
    state,
    store: {
      async load() {
        check()
        return state.current.load()
      },
      async save(...all: Parameters<KeyRingStore['save']>) {
        check()
        state.saves++
        return state.current.save(...all)
      },
    } satisfies KeyRingStore,
  }
}

test('a node that starts while the store is away signs with a key of its own, and takes over the ring later', async () => {
  const { open, store, lines } = setUp()
  const cluster = await open()
  const { store: away, state } = fickle(store)
  state.isAway = true
  const node = await open({ store: away })
  const own = await signs(node)
  assert.notEqual(own, cluster.activeKid)
  assert.match(node.warnings.join(), /can’t be reached: a key of this node signs until they are/)
  assert.equal(lines.filter((line) => line.includes('out of reach')).length, 1)
  await assert.rejects(node.look(), StoreAway)
  assert.equal(node.activeKid, own)

  state.isAway = false
  await node.look()
  assert.equal(node.activeKid, cluster.activeKid, 'the ring of the others is never replaced')
  assert.deepEqual(node.warnings, [])
  assert.equal(await signs(node, own), own, 'what was signed meanwhile verifies here')
  await cluster.look()
  assert.equal(cluster.activeKid, node.activeKid)
  assert.equal(await signs(cluster, own), own, 'and elsewhere')
  await Promise.all([node.look(), cluster.look()])
  assert.deepEqual(kids(node), kids(cluster))
})

test('of nodes that start while an empty store is away one gives its key, and the others’ verify everywhere', async () => {
  const { open, store } = setUp()
  const { store: away, state } = fickle(store)
  state.isAway = true
  const nodes = await Promise.all([open({ store: away }), open({ store: away }), open({ store: away })])
  const own = nodes.map(({ activeKid }) => activeKid)
  assert.equal(new Set(own).size, 3)
  state.isAway = false
  for (let round = 0; round < 5; round++) await Promise.all(nodes.map((node) => node.look()))
  assert.equal(new Set(nodes.map(({ activeKid }) => activeKid)).size, 1)
  for (const node of nodes) {
    for (const kid of own) assert.ok(node.has(kid))
    assert.deepEqual(node.warnings, [])
  }
})

test('a rotation the store lost in a failover costs nobody the login', async () => {
  const { open, store } = setUp()
  const { store: shared, state } = fickle(store)
  const [here, there] = [await open({ store: shared }), await open({ store: shared })]
  const before = (await store.load())!.sealed
  const old = here.activeKid
  await here.rotate()
  await Promise.all([here.look(), there.look()])
  const lost = here.activeKid

  const older = createMemoryIdentityStore().keyRing
  for (const sealed of ['another', 'history', before]) await older.save(sealed, (await older.load())?.version)
  state.current = older
  for (let round = 0; round < 3; round++) await Promise.all([here.look(), there.look()])
  assert.deepEqual([here.activeKid, there.activeKid], [old, old])
  const late = await open({ store: shared })
  for (const node of [here, there, late]) assert.ok(node.has(lost))
  const rotated = await there.rotate()
  await Promise.all([here.look(), late.look()])
  assert.deepEqual([here.activeKid, late.activeKid], [rotated.kid, rotated.kid])
  for (const node of [here, late]) assert.ok(node.has(lost) && node.has(old))
})

test('nodes whose clocks differ don’t write the ring in turns without end', async () => {
  const { open, store, clock } = setUp()
  const { store: shared, state } = fickle(store)
  const late = await open({ store: shared })
  await late.rotate()
  const ahead = createManualClock(clock.now() + LIFE + 2 * OVERLAP)
  const early = await open({ store: shared, clock: ahead })
  for (let round = 0; round < 20; round++) {
    await late.look()
    await early.look()
  }
  assert.ok(state.saves < 12, `${state.saves} writes`)
  assert.equal(late.list().length, 2, 'what may be valid by its own clock verifies')
})

test('a start with a store that is broken fails as it did', async () => {
  const { open, store } = setUp()
  const broken = async () => {
    throw new Error('the file is broken')
  }
  await assert.rejects(open({ store: { ...store, load: broken } }), /the file is broken/)
})

test('keys in memory come with a warning', async () => {
  const { open } = setUp()
  assert.match((await open({ isLasting: false })).warnings.join(), /a restart makes new ones/)
})

test('given keys are not stored, and only the configuration changes them', async () => {
  const { open, store } = setUp()
  const [first, second] = [pemOf(), pemOf(3072)]
  const ring = await open({ given: [`${first}\n${second}`], isLasting: false })
  assert.equal(await store.load(), undefined)
  assert.deepEqual(
    ring.list().map(({ state }) => state),
    ['active', 'retired'],
  )
  await signs(ring)
  await signs(ring, kids(ring)[1])
  await ring.look()
  await assert.rejects(ring.rotate(), { code: 'HYDRA_CONFLICT' })
  assert.deepEqual(ring.warnings, [])

  const turned = await open({ given: [second, first, second] })
  assert.deepEqual(kids(turned), kids(ring).toReversed(), 'a key has the same name wherever it is read')
})

test('given keys that can’t be used are refused, and never repeated', async () => {
  const { open } = setUp()
  const ec = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const locked = pemOf(2048, { cipher: 'aes-256-cbc', passphrase: 'secret' })
  const cases = [
    ['no key', /not in PEM form/],
    [pemOf(1024), /2048 bits/],
    [ec.privateKey, /must be RSA/],
    [ec.publicKey, /can't be read/],
    [locked, /without a password/],
    [`${pemOf()}${pemOf().replace(/\n[^\n]{60}/, '\n')}`, /signing key 2 can't be read/],
  ] as const
  for (const [pem, message] of cases) {
    await assert.rejects(open({ given: [pem] }), (error: Error) => {
      assert.match(error.message, message)
      assert.ok(!error.message.includes('MII') && error.cause === undefined)
      return true
    })
  }
})
