/**
 * Our codec beside llhttp, Node's own parser: whatever we take, it takes with the same method, target, lines, body
 * and end, however the bytes are cut. `npm run fuzz` does the same for as long as one likes.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { readCase } from './testing/codec.ts'
import { outcomeOf, readCorpus } from './testing/corpus.ts'
import { makeCase } from './testing/mutations.ts'
import { createOracle } from './testing/oracle.ts'
import { Random } from './testing/random.ts'

const SEED = 20_261
const CASES = 8_000
const LEAST_PAIRS = 200_000

const corpus = readCorpus()

test('what we take of generated and tampered messages, llhttp takes as the same, for every cut', async (t) => {
  const oracle = createOracle()
  const seeds = corpus.map(({ tested }) => tested)
  for (let i = 0; i < CASES; i += 1) {
    const random = new Random(SEED * CASES + i)
    const tested = makeCase(random, seeds)
    const wrong = await oracle.check(tested, random)
    assert.equal(wrong, undefined, `case ${i}: ${JSON.stringify(tested.bytes.toString('latin1'))}`)
    // Node lets go of a connection in a later tick.
    if (i % 64 === 0) await setImmediate()
  }
  const { cases, pairs, taken, refused } = oracle.counts
  t.diagnostic(
    `seed ${SEED}: ${cases} messages (${taken} taken, ${refused} refused), ${pairs} (message, cut) pairs`,
  )
  assert.ok(pairs >= LEAST_PAIRS, `${pairs} pairs are fewer than promised`)
  assert.ok(taken > cases / 4 && refused > cases / 4, 'a generator that makes only one kind proves nothing')
})

suite('kept messages', () => {
  const oracle = createOracle()
  for (const { name, tested, outcome } of corpus) {
    test(name.replaceAll('-', ' '), async () => {
      assert.equal(await oracle.check(tested, new Random(1)), undefined)
      if (outcome) assert.deepEqual(outcomeOf(readCase(tested, [tested.bytes.length])), outcome)
    })
  }
})
