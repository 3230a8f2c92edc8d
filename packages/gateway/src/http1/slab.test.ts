import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Slab } from './slab.ts'

function region(slab: Slab, text: string, size = text.length): Buffer {
  slab.begin(size)
  slab.latin1(text)
  return slab.end()
}

test('what is written comes out in order', () => {
  const slab = new Slab()
  slab.begin(100)
  slab.bytes(Buffer.from('HTTP/1.1 '))
  slab.decimal(200)
  slab.latin1(' J\xe4\r\n')
  slab.range(Buffer.from('xxA: b\r\nxx'), 2, 8)
  slab.hex(255)
  slab.byte(0x21)
  assert.equal(slab.end().toString('latin1'), 'HTTP/1.1 200 J\xe4\r\nA: b\r\nff!')
})

test('numbers are written as JavaScript writes them', () => {
  const slab = new Slab()
  const number = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(),
    fc.nat(2000),
    fc.nat(15).map((n) => 10 ** n),
    fc.nat(15).map((n) => 10 ** n - 1),
    fc.nat(52).map((n) => 2 ** n),
    fc.constant(Number.MAX_SAFE_INTEGER),
  )
  fc.assert(
    fc.property(number, (n) => {
      slab.begin(32)
      slab.decimal(n)
      slab.latin1(' ')
      slab.hex(n)
      const view = slab.end()
      assert.equal(view.toString('latin1'), `${n} ${n.toString(16)}`)
      slab.release(view)
    }),
    { numRuns: 2000 },
  )
})

test('regions stand side by side, and none changes another', () => {
  const slab = new Slab(64)
  const views = ['first', 'second', 'third'].map((text) => region(slab, text))
  assert.deepEqual(views.map(String), ['first', 'second', 'third'])
  assert.equal(views[0]!.buffer, views[2]!.buffer)
})

test('a slab that is full is left to its views, and another begins', () => {
  const slab = new Slab(64)
  const texts = Array.from({ length: 40 }, (_, i) => `region ${i} ${'x'.repeat(i)}`)
  const views = texts.map((text) => region(slab, text))
  assert.deepEqual(views.map(String), texts)
  assert.ok(new Set(views.map((view) => view.buffer)).size > 10)
})

test('a region larger than a slab has a buffer of its own size', () => {
  const slab = new Slab(64)
  slab.begin(1000)
  slab.latin1('a'.repeat(1000))
  const large = slab.end()
  assert.equal(large.length, 1000)
  assert.notEqual(region(slab, 'small').buffer, large.buffer)
})

test('a region grows whatever was said of its size, by every way of writing', () => {
  const slab = new Slab(32)
  const other = region(slab, 'other')
  let expected = ''
  slab.begin(0)
  for (let i = 0; i < 50; i += 1) {
    slab.latin1('short')
    slab.latin1('l'.repeat(70))
    slab.bytes(Buffer.from('bytes'))
    slab.range(Buffer.from('-range-'), 1, 6)
    slab.decimal(i)
    slab.decimal(123_456)
    slab.hex(0xbeef)
    expected += `short${'l'.repeat(70)}bytesrange${i}123456beef`
  }
  assert.equal(slab.end().toString('latin1'), expected)
  assert.equal(other.toString(), 'other')
})

test('one byte of room is enough for one figure, and none is not', () => {
  const slab = new Slab(4)
  slab.begin(4)
  for (const figure of [1, 2, 3, 4, 5]) slab.decimal(figure)
  assert.equal(slab.end().toString(), '12345')
})

test('a region opened within another leaves it as it is', () => {
  const slab = new Slab(64)
  slab.begin(10)
  slab.latin1('outer ')
  const inner = region(slab, 'inner')
  slab.begin(0)
  slab.latin1('in ')
  const innermost = region(slab, 'innermost')
  slab.latin1('between')
  const second = slab.end()
  slab.release(inner)
  slab.release(second)
  slab.latin1('goes on')
  const outer = slab.end()
  assert.deepEqual([outer, inner, innermost, second].map(String), [
    'outer goes on',
    'inner',
    'innermost',
    'in between',
  ])
})

test('released room is used again', () => {
  const slab = new Slab(64)
  const first = region(slab, 'first')
  slab.release(first)
  const second = region(slab, 'second')
  assert.deepEqual([second.buffer, second.byteOffset], [first.buffer, first.byteOffset])
  for (let i = 0; i < 1000; i += 1) {
    const view = region(slab, 'again and again')
    assert.equal(view.buffer, first.buffer)
    slab.release(view)
  }
  assert.equal(second.toString(), 'second')
})

test('only what was returned last is taken back, and only once', () => {
  const slab = new Slab(64)
  const first = region(slab, 'first')
  const second = region(slab, 'second')
  slab.release(first)
  slab.release(second)
  slab.release(second)
  const third = region(slab, 'third!')
  slab.release(second)
  const fourth = region(slab, 'fourth')
  assert.deepEqual([first, third, fourth].map(String), ['first', 'third!', 'fourth'])
})

test('a release while a region is open takes nothing from it', () => {
  const slab = new Slab(64)
  const first = region(slab, 'first')
  slab.begin(10)
  slab.latin1('second')
  slab.release(first)
  slab.latin1(' goes on')
  const second = slab.end()
  assert.deepEqual([first, second].map(String), ['first', 'second goes on'])
})

test('a letter that is no byte is refused, since cut to one it might end a line', () => {
  const slab = new Slab()
  slab.begin(200)
  assert.throws(() => slab.latin1('a\u010ab'), RangeError)
  assert.throws(() => slab.latin1(`${'a'.repeat(100)}\u010a`), RangeError)
  slab.latin1('a\xff')
  assert.equal(slab.end().toString('latin1'), 'a\xff')
})
