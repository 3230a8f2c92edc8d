import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inTurn } from './in-turn.ts'
import { type RedisLine, StoreAway } from './port.ts'

/** A line whose commands are answered when the test says so. */
function setUp() {
  const asked: { readonly key: string; answer(): void; fail(): void }[] = []
  const order: string[] = []
  const line = {
    place: 'a test',
    prefix: 'p:',
    send: (key: string) =>
      new Promise((resolve, reject) => {
        order.push(key)
        asked.push({ key, answer: () => resolve(key), fail: () => reject(new StoreAway('away')) })
      }),
    run: (_script: unknown, [key = '']: readonly string[]) => line.send(key),
    publish: async () => {},
    subscribe: () => () => {},
    close: async () => {},
  }
  return { asked, order, line: line as unknown as RedisLine }
}
const turn = () => new Promise((resolve) => setImmediate(resolve))
const script = { name: 's', source: '' }

test('so many commands are under way at a time, the others follow in their order, and what goes past them waits for none', async () => {
  const { asked, order, line } = setUp()
  const turns = inTurn(line, { most: 2 })
  const answers = ['a', 'b', 'c', 'd', 'e'].map((key, i) =>
    i % 2 ? turns.send(key, []) : turns.run(script, [key], []),
  )
  await turn()
  assert.deepEqual(order, ['a', 'b'])
  void line.send('beat', [])
  assert.deepEqual(order, ['a', 'b', 'beat'])
  asked[0]!.answer()
  // Who comes now does not overtake who waits.
  answers.push(turns.send('f', []))
  await turn()
  assert.deepEqual(order, ['a', 'b', 'beat', 'c'])
  for (let i = 1; i < 7; i++) {
    asked[i]!.answer()
    await turn()
  }
  assert.deepEqual(order, ['a', 'b', 'beat', 'c', 'd', 'e', 'f'])
  assert.deepEqual(await Promise.all(answers), ['a', 'b', 'c', 'd', 'e', 'f'])
})

test('a command that fails makes room as well, and more than may wait are refused', async () => {
  const { asked, order, line } = setUp()
  const turns = inTurn(line, { most: 1, mostWaiting: 1 })
  const [first, second] = [turns.send('a', []), turns.send('b', [])]
  await assert.rejects(turns.send('c', []), StoreAway)
  asked[0]!.fail()
  await assert.rejects(first!, StoreAway)
  await turn()
  asked[1]!.answer()
  assert.equal(await second, 'b')
  assert.deepEqual(order, ['a', 'b'])
  const third = turns.send('d', [])
  asked[2]!.answer()
  assert.equal(await third, 'd')
})
