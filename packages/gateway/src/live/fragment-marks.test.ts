import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFragmentMarks } from './fragment-marks.ts'

const marks = createFragmentMarks({ privateKeys: ['one', 'two'] })

test('a mark names its fragment, again and again the same', () => {
  const mark = marks.make('orders', 'last-orders', 1)
  assert.equal(marks.make('orders', 'last-orders', 1), mark)
  assert.deepEqual(marks.read(mark), { service: 'orders', ref: 'last-orders', occurrence: 1 })
  assert.deepEqual(marks.read(mark), { service: 'orders', ref: 'last-orders', occurrence: 1 })
  assert.notEqual(marks.make('orders', 'last-orders', 0), mark)
})

test('whatever a fragment is called, nothing in its mark ends a comment or an address', () => {
  for (const ref of ['--><script>', '--!>', 'a.b.c', 'ä/ö?&#', '%2e%2e', "it's (so) ~*_!", '-']) {
    const mark = marks.make('s-1.x', ref, 0)
    assert.match(mark, /^[\w~*'()%.]+$/, mark)
    assert.deepEqual(marks.read(mark), { service: 's-1.x', ref, occurrence: 0 })
    assert.equal(new URLSearchParams(`fragment=${encodeURIComponent(mark)}`).get('fragment'), mark)
  }
})

test('what was made with the key before is read; with keys of others it is not', () => {
  const before = createFragmentMarks({ privateKeys: ['two'] }).make('orders', 'list', 0)
  assert.equal(marks.read(before)?.service, 'orders')
  const foreign = createFragmentMarks({ privateKeys: ['three'] }).make('orders', 'list', 0)
  assert.equal(marks.read(foreign), undefined)
})

test('what is no mark is none', () => {
  const mark = marks.make('orders', 'list', 0)
  const [service, ref, , proof] = mark.split('.')
  const wrong = ['', '.', '...', 'orders.list.0', `${service}.${ref}.1.${proof}`, `x.${ref}.0.${proof}`]
  wrong.push(
    `${mark}.x`,
    `${mark} `,
    `${service}.%zz.0.${proof}`,
    `${service}.${ref}.0.%zz`,
    'a'.repeat(5000),
  )
  for (const each of wrong) assert.equal(marks.read(each), undefined, each)
})
