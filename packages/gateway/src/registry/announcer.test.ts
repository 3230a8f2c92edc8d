import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import { createManualClock } from '../observe/manual-clock.ts'
import { createAnnouncer } from './announcer.ts'

/** An announcer whose overviews are numbered; compiling one takes `tookMs` of the clock. */
function setUp(tookMs: number) {
  const clock = createManualClock()
  let compiled = 0
  const announcer = createAnnouncer({
    clock,
    compile() {
      clock.advance(tookMs)
      return { hash: String(++compiled) } as Overview
    },
  })
  return { clock, announcer }
}

test('on a small site the overview is always as it is now', () => {
  const { announcer } = setUp(0)
  assert.equal(announcer.current().hash, '1')
  announcer.touch()
  assert.equal(announcer.latest().hash, '1', 'but nobody compiles it for whoever may not wait')
  assert.equal(announcer.current().hash, '2')
  assert.equal(announcer.current().hash, '2')
})

test('many changes are one announcement, also when somebody asked in between', () => {
  const { clock, announcer } = setUp(0)
  const heard: string[] = []
  announcer.listen(({ hash }) => heard.push(hash))
  for (let i = 0; i < 5; i++) announcer.touch()
  announcer.current()
  clock.advance(10)
  assert.deepEqual(heard, ['2'])
  clock.advance(1000)
  assert.deepEqual(heard, ['2'])
})

test('on a large site who asks gets the last one, and the newest is announced soon', () => {
  const { clock, announcer } = setUp(20)
  const heard: string[] = []
  announcer.listen(({ hash }) => heard.push(hash))
  announcer.touch()
  clock.advance(10)
  assert.deepEqual(heard, ['2'])
  announcer.touch()
  assert.equal(announcer.current().hash, '2', 'a swarm of registrations costs no swarm of overviews')
  clock.advance(250)
  assert.deepEqual(heard, ['2', '3'])
})

test('who stopped listening hears nothing', () => {
  const { clock, announcer } = setUp(0)
  const heard: string[] = []
  const stop = announcer.listen(({ hash }) => heard.push(hash))
  stop()
  announcer.touch()
  clock.advance(1000)
  assert.deepEqual(heard, [])
})
