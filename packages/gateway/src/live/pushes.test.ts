import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createPushes } from './pushes.ts'
import type { LiveStream } from './stream.ts'
import type { View } from './view.ts'

/** Views with so many streams each; telling one takes `tellMs`. */
function site(sizes: readonly number[], tellMs: number) {
  const manual = createManualClock()
  let worked = 0
  const clock = { ...manual, monotonic: () => manual.monotonic() + worked }
  const views = sizes.map((size) => {
    const view = { streams: [] as object[] }
    for (let i = 0; i < size; i++) view.streams.push({ view })
    return view as unknown as View<LiveStream>
  })
  const told: LiveStream[] = []
  const refreshed: unknown[] = []
  const errors: unknown[] = []
  const onTell: ((stream: LiveStream) => void)[] = []
  /** Views that are done, and how many had been told by then. */
  const done: [view: unknown, told: number][] = []
  const pushes = createPushes({
    views: () => views,
    refresh: (view) => void refreshed.push(view),
    tell(stream) {
      worked += tellMs
      told.push(stream)
      for (const each of onTell) each(stream)
    },
    done: (view) => void done.push([view, told.length]),
    everyMs: 100,
    clock,
    onError: (error) => void errors.push(error),
  })
  return { pushes, views, told, refreshed, done, errors, clock, manual, onTell, worked: () => worked }
}

test('a round stands back for others, and goes on until everybody was told', () => {
  const { pushes, views, told, refreshed, done, manual } = site([500, 1, 0, 300], 0.1)
  pushes.changed()
  assert.ok(told.length > 0 && told.length < 200, `${told.length} in the first turn`)
  for (let i = 0; i < 100; i++) manual.advance(1)
  assert.equal(new Set(told).size, 801)
  assert.equal(told.length, 801)
  assert.equal(refreshed.length, 3, 'of nobody nothing is looked up')
  assert.deepEqual(
    done.map(([view, told]) => [views.indexOf(view as never), told]),
    [
      [3, 300],
      [2, 300],
      [1, 301],
      [0, 801],
    ],
  )
})

test('it stands back as well where every page shows something else', () => {
  const { pushes, told, done, manual } = site(new Array<number>(1000).fill(1), 0.1)
  pushes.changed()
  assert.ok(told.length > 0 && told.length < 100, `${told.length} in the first turn`)
  for (let i = 0; i < 100; i++) manual.advance(1)
  assert.deepEqual([new Set(told).size, told.length, done.length], [1000, 1000, 1000])
})

test('streams that leave meanwhile keep nobody from being told', () => {
  const { pushes, views, told, onTell, manual } = site([200], 0.1)
  const streams = views[0]!.streams as LiveStream[]
  const all = [...streams]
  // As the hub does it: the last takes the place of who leaves.
  const leave = (i: number): void => {
    const last = streams.pop()!
    if (i < streams.length) streams[i] = last
  }
  onTell.push((stream) => leave(streams.indexOf(stream)))
  const gone = new Set<LiveStream>()
  pushes.changed()
  for (let i = 0; i < 50; i++) {
    if (streams.length > 10) {
      gone.add(streams[3]!)
      leave(3)
    }
    manual.advance(1)
  }
  for (const stream of all) assert.ok(told.includes(stream) || gone.has(stream))
})

test('one that fails keeps nobody from being told', () => {
  const { pushes, views, told, onTell, errors } = site([3, 3], 0)
  onTell.push((stream) => {
    if (stream === views[1]!.streams[1]) throw new Error('broken')
  })
  pushes.changed()
  assert.equal(told.length, 6)
  assert.equal(errors.length, 1)
})

test('what takes long is done less often', () => {
  const { pushes, told, manual, worked } = site([1000], 1)
  manual.every(1, pushes.changed)
  // A round works for a second, and then leaves two to others.
  while (told.length < 2000) manual.advance(1)
  const idleMs = manual.monotonic()
  assert.ok(idleMs >= 2 * 1000, `${idleMs} ms for others in two rounds`)
  assert.equal(worked(), told.length)
})

test('nothing is told after the end', () => {
  const { pushes, told, manual } = site([1], 0)
  pushes.changed()
  pushes.changed()
  pushes.stop()
  manual.advance(1000)
  pushes.changed()
  manual.advance(1000)
  assert.equal(told.length, 1)
})
