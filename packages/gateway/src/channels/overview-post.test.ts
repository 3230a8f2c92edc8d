import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createOverviewPost } from './overview-post.ts'

test('one service is told at once; of many each has its turn, and others work in between', () => {
  const clock = createManualClock()
  let spent = 0
  const post = createOverviewPost({ clock: { ...clock, monotonic: () => clock.monotonic() + spent } })
  const told: number[] = []
  const deliveries = Array.from({ length: 20 }, (_, i) => () => {
    told.push(i)
    spent++
  })
  for (const deliver of deliveries) post.ask(deliver, 'nothing')
  assert.deepEqual(told, [0])
  // Asked again before its turn, and not wanted any more.
  post.ask(deliveries[3]!, 'nothing')
  post.drop(deliveries[4]!)
  clock.advance(2)
  assert.ok(told.length > 1)
  assert.ok(told.length <= 6, 'a slice has an end')
  clock.advance(200)
  assert.deepEqual(
    told,
    deliveries.map((_, i) => i).filter((i) => i !== 4),
  )
})

test('changes one after the other are each told at once while everybody hears them in time', () => {
  const clock = createManualClock()
  const post = createOverviewPost({ clock })
  let told = 0
  const deliver = () => told++
  for (let i = 1; i <= 20; i++) {
    post.changed()
    post.ask(deliver, 'ours')
    assert.equal(told, i)
    clock.advance(30)
  }
})

test('while hundreds come back, who knows an overview is told when it is quiet, or after three seconds', () => {
  const clock = createManualClock()
  let spent = 0
  const post = createOverviewPost({ clock: { ...clock, monotonic: () => clock.monotonic() + spent } })
  let told = 0
  // To tell all of them takes longer than until the next change.
  const deliveries = Array.from({ length: 40 }, () => () => {
    told++
    spent += 5
  })
  const change = () => {
    post.changed()
    for (const deliver of deliveries) post.ask(deliver, 'ours')
  }
  for (let i = 0; i < 8; i++) {
    change()
    clock.advance(50)
  }
  // What waited before the swarm was noticed still goes out.
  for (let i = 0; i < 15; i++) {
    change()
    clock.advance(50)
  }
  const before = told
  assert.ok(before <= 2 * deliveries.length, `${before}`)
  let isNewTold = false
  post.ask(() => {
    isNewTold = true
  }, 'nothing')
  change()
  clock.advance(20)
  assert.ok(isNewTold, 'who has none is not kept waiting')
  assert.ok(told < before + deliveries.length)
  clock.advance(2000)
  assert.ok(told >= before + deliveries.length, 'when it is quiet all are told')
  const quiet = told
  const begun = clock.monotonic()
  while (told < quiet + 2 * deliveries.length) {
    change()
    clock.advance(50)
    assert.ok(clock.monotonic() - begun < 8000, 'a swarm that does not end keeps nobody waiting for ever')
  }
})

test('who comes back with what a gateway before said keeps it until nobody comes any more', () => {
  const clock = createManualClock()
  const post = createOverviewPost({ clock })
  const told: string[] = []
  for (let i = 0; i < 10; i++) {
    post.changed()
    post.ask(() => told.push(`back ${i}`), 'former')
    clock.advance(100)
  }
  assert.equal(told.length, 0)
  post.ask(() => told.push('here'), 'ours')
  post.ask(() => told.push('new'), 'nothing')
  assert.deepEqual(told, ['here', 'new'], 'others are told at once')
  clock.advance(500)
  assert.equal(told.length, 12)
  post.ask(() => told.push('late'), 'former')
  assert.equal(told[12], 'late', 'when it is quiet anyway there is nothing to wait for')
})

test('who comes back and must not wait for ever is told after three seconds', () => {
  const clock = createManualClock()
  const post = createOverviewPost({ clock })
  let told = 0
  const since = clock.monotonic()
  post.changed()
  const deliver = () => told++
  post.ask(deliver, 'former')
  while (told === 0) {
    clock.advance(100)
    post.changed()
    post.ask(deliver, 'former')
    assert.ok(clock.monotonic() - since < 3500)
  }
  assert.ok(clock.monotonic() - since >= 3000)
})
