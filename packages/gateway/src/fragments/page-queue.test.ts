import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PageQueue } from './page-queue.ts'

test('small texts between fragments need little more memory than they have bytes', () => {
  const queue = new PageQueue<{ ref: number }>()
  const lent = Buffer.from('x')
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 20_000; i++) {
    queue.push(lent)
    queue.push({ ref: i })
  }
  queue.keep()
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 2 ** 20)
  assert.equal(queue.bytes, 20_000)
})

test('what is kept is the same text in the same order, however it came', () => {
  const queue = new PageQueue<{ ref: string }>()
  const lent = Buffer.alloc(3000)
  let expected = ''
  let length = 1
  for (let i = 0; i < 400; i++) {
    let at = 0
    for (let k = 0; k < i % 4; k++) {
      const text = String.fromCharCode(97 + (i % 26)).repeat(length % 700)
      length = (length * 31) % 997
      queue.push(lent.subarray(at, (at += lent.write(text, at))))
      expected += text
      if ((i + k) % 5 === 0) {
        queue.push({ ref: `${i}` })
        expected += `[${i}]`
      }
    }
    queue.keep()
    lent.fill('!')
  }
  let shown = ''
  for (let item = queue.first; item !== undefined; item = queue.first) {
    shown += Buffer.isBuffer(item) ? item.toString() : `[${item.ref}]`
    queue.shift()
  }
  assert.equal(shown, expected)
  assert.equal(queue.bytes, 0)
})
