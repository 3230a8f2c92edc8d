import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { parseUmf, readUmf, type UmfMessage } from '@hydra-gateway/protocol/umf'
import fc from 'fast-check'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryBus } from '../store/bus/memory.ts'
import { createSignatures } from './signature.ts'

/** The messages of `hydra` itself, as services and clients sign them. */
const original = createRequire(import.meta.url)('hydra/lib/umfmessage.js') as {
  createMessage(message: object): {
    signMessage(algorithm: string, secret: string): void
    toJSON(): object
    toShort(): object
  }
}

const secret = 'd632dd6d-fb75-44cc-bdbf-ee4364f3716c'
const SETTINGS = { mostRemembered: 1000, rememberMs: 60_000 }
const source = { now: () => 0, newId: () => 'unused' }

const plain = {
  to: 'orders:/',
  from: 'client:/',
  mid: 'a',
  timestamp: '2026-01-02T03:04:05.678Z',
  body: { b: 1, a: [null, 1.5, 'ä'], 7: true },
}

function signedByTheOriginal(message: object, by = secret): UmfMessage {
  const made = original.createMessage(message)
  made.signMessage('sha256', by)
  return parseUmf(JSON.stringify(made.toShort()), source)
}

test('what the original signed is right, long or short, and what we sign is what it would have', () => {
  const text = fc.string({ minLength: 1, maxLength: 20 })
  const message = fc.record(
    {
      to: text,
      from: text,
      mid: text,
      timestamp: text,
      body: fc.oneof(fc.object(), fc.array(fc.jsonValue()), text),
      type: text,
      via: text,
      forward: text,
      rmid: text,
      headers: fc.dictionary(text, text),
      timeout: fc.integer({ min: 1, max: 999 }),
      authorization: text,
    },
    { requiredKeys: ['to', 'from', 'body'] },
  )
  fc.assert(
    fc.property(message, (given) => {
      const signatures = createSignatures({ secret, settings: SETTINGS, clock: createManualClock() })
      const made = original.createMessage(JSON.parse(JSON.stringify(given)))
      made.signMessage('sha256', secret)
      const long = readUmf(JSON.parse(JSON.stringify(made.toJSON())), source)
      const short = readUmf(JSON.parse(JSON.stringify(made.toShort())), source)
      assert.deepEqual(short, long)
      assert.equal(signatures.sign(long), long.signature)
      assert.equal(signatures.check(short), undefined)
    }),
  )
})

test('a message without a signature is told from one with a wrong one', () => {
  const signatures = createSignatures({ secret, settings: SETTINGS, clock: createManualClock() })
  const signed = signedByTheOriginal(plain)
  const { signature, ...unsigned } = signed
  assert.equal(signatures.check(unsigned), 'missing')
  for (const wrong of [
    { ...signed, to: 'payments:/' },
    { ...signed, body: { ...plain.body, b: 2 } },
    { ...signed, via: 'r-c@hydra-router:/' },
    { ...signed, signature: signature!.toUpperCase() },
    { ...signed, signature: signature!.slice(2) },
    { ...signed, signature: `${signature}00` },
    { ...signed, signature: 'ä'.repeat(32) },
    signedByTheOriginal(plain, 'another secret'),
  ])
    assert.equal(signatures.check(wrong), 'wrong')
  assert.equal(signatures.check(signed), undefined, 'what failed before spoils nothing')
})

test('a signed message that somebody overheard does not count a second time', () => {
  const clock = createManualClock()
  const signatures = createSignatures({ secret, settings: { ...SETTINGS, rememberMs: 1000 }, clock })
  const signed = signedByTheOriginal(plain)
  assert.equal(signatures.check(signed), undefined)
  assert.equal(signatures.check(signed), 'replayed')
  assert.equal(signatures.check(signedByTheOriginal({ ...plain, mid: 'b' })), undefined)
  clock.advance(999)
  assert.equal(signatures.check(signed), 'replayed')
  clock.advance(1)
  assert.equal(signatures.check(signed), undefined)
})

test('what is remembered is bounded in number and in time, and what was forgotten early is counted', () => {
  const clock = createManualClock()
  const signatures = createSignatures({ secret, settings: { mostRemembered: 100, rememberMs: 1000 }, clock })
  const messages = Array.from({ length: 250 }, (_, index) =>
    signedByTheOriginal({ ...plain, mid: `m${index}` }),
  )
  for (const message of messages) assert.equal(signatures.check(message), undefined)
  assert.deepEqual(signatures.facts(), { remembered: 100, forgotten: 150 })
  for (const message of messages.slice(-100)) assert.equal(signatures.check(message), 'replayed')

  clock.advance(1000)
  assert.equal(signatures.check(messages[0]!), undefined)
  assert.deepEqual(signatures.facts(), { remembered: 1, forgotten: 150 })
})

test('a flood of wrong signatures is not remembered', () => {
  const signatures = createSignatures({ secret, settings: SETTINGS, clock: createManualClock() })
  for (let index = 0; index < 100; index++)
    signatures.check({ ...signedByTheOriginal(plain, 'guess'), mid: `${index}` })
  assert.deepEqual(signatures.facts(), { remembered: 0, forgotten: 0 })
})

test('with nothing to remember, messages count as often as they come', () => {
  const signatures = createSignatures({
    secret,
    settings: { ...SETTINGS, mostRemembered: 0 },
    clock: createManualClock(),
  })
  const signed = signedByTheOriginal(plain)
  assert.equal(signatures.check(signed), undefined)
  assert.equal(signatures.check(signed), undefined)
})

test('a signed message that one node took is not taken by another one', async () => {
  const bus = createMemoryBus()
  const clock = createManualClock()
  const settings = { ...SETTINGS, mostRemembered: 3 }
  const [a, b] = [1, 2].map(() => createSignatures({ secret, settings, bus, clock })) as [Node, Node]
  const messages = ['m1', 'm2'].map((mid) => signedByTheOriginal({ ...plain, mid }))
  for (const message of messages) assert.equal(a.check(message), undefined)
  await turn()
  for (const message of messages) assert.equal(b.check(message), 'replayed')
  assert.deepEqual(b.facts(), { remembered: 2, forgotten: 0 })
})
type Node = ReturnType<typeof createSignatures>
