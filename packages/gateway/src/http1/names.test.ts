import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LOWER } from './classes.ts'
import { RequestHead } from './head.ts'
import * as names from './names.ts'
import { parseRequestHead } from './request-head.ts'
import { LIMITS } from './test-support.ts'
import { compileWords, hashOf } from './words.ts'

const { NAMES, OTHER } = names

/** Values that pass, for names that are judged by them. */
const VALUES: Readonly<Record<string, string>> = {
  host: 'a',
  'content-length': '1',
  'transfer-encoding': 'chunked',
  expect: '100-continue',
}

/** The id a line of this name gets in a head. */
function idOf(name: string): number {
  const value = VALUES[name.toLowerCase()] ?? ''
  const host = name.toLowerCase() === 'host' ? '' : 'Host: a\r\n'
  const bytes = Buffer.from(`GET / HTTP/1.1\r\n${name}: ${value}\r\n${host}\r\n`, 'latin1')
  const head = new RequestHead()
  assert.ok(parseRequestHead(bytes, 0, bytes.length, LIMITS, head) > 0, name)
  return head.lines().id[0]!
}

function alternating(name: string): string {
  return [...name].map((letter, i) => (i % 2 === 0 ? letter.toUpperCase() : letter)).join('')
}

test('every known name is found in whatever case', () => {
  let count = 0
  NAMES.forEach((name, id) => {
    if (name === '') return
    count += 1
    for (const written of [name, name.toUpperCase(), alternating(name)])
      assert.equal(idOf(written), id, written)
  })
  assert.equal(count, 32)
})

test('every number has the name of its constant', () => {
  const constants = Object.entries(names).filter(([, id]) => typeof id === 'number') as [string, number][]
  assert.equal(constants.length, NAMES.length)
  for (const [constant, id] of constants) {
    if (NAMES[id] !== '') assert.equal(NAMES[id]!.replaceAll('-', '_').toUpperCase(), constant)
  }
  const unnamed = constants.filter(([, id]) => NAMES[id] === '').map(([constant]) => constant)
  assert.deepEqual(unnamed.sort(), ['DISGUISED', 'HYDRA', 'OTHER', 'X_FORWARDED'])
})

test('a name with the very hash of a known one is another name', () => {
  let twins = 0
  for (const name of NAMES) {
    // 31 a + b = 31 (a + k) + (b - 31 k): two letters that change and leave the hash as it is.
    for (let i = 0; i + 1 < name.length; i += 1) {
      for (const k of [-2, -1, 1, 2]) {
        const [a, b] = [name.charCodeAt(i) + k, name.charCodeAt(i + 1) - 31 * k]
        if (LOWER[a] !== a || LOWER[b] !== b) continue
        const twin = `${name.slice(0, i)}${String.fromCharCode(a, b)}${name.slice(i + 2)}`
        assert.equal(hashOf(Buffer.from(twin)), hashOf(Buffer.from(name)))
        assert.equal(idOf(twin), twin.startsWith('hydra-') ? names.HYDRA : OTHER, twin)
        twins += 1
      }
    }
  }
  assert.ok(twins > 20, `only ${twins} were tried`)
})

test('names that begin or end like a known one are others', () => {
  for (const name of NAMES) {
    if (name === '') continue
    const other = name.startsWith('hydra-') ? names.HYDRA : OTHER
    assert.equal(idOf(`${name}x`), other)
    assert.equal(idOf(`x${name}`), OTHER)
    if (name.length > 1 && !NAMES.includes(name.slice(0, -1)))
      assert.equal(idOf(name.slice(0, -1)), other, name)
  }
})

test('families of names are known by how they begin', () => {
  for (const name of ['x-forwarded-for', 'X-Forwarded-Proto', 'X-FORWARDED-', 'x-forwarded-for-anything']) {
    assert.equal(idOf(name), names.X_FORWARDED, name)
  }
  for (const name of ['hydra-path', 'Hydra-User', 'HYDRA-']) assert.equal(idOf(name), names.HYDRA, name)
  for (const name of ['x-forwarded', 'x-forward-for', 'hydra', 'hydrax-path', 'x-hydra-path', 'x', 'h']) {
    assert.equal(idOf(name), OTHER, name)
  }
})

test('a name with an underscore is disguised, whatever it looks like', () => {
  for (const name of ['content_length', 'x_forwarded_for', 'hydra-user_id', 'Host_', '_host', '_', 'a_b_c']) {
    assert.equal(idOf(name), names.DISGUISED, name)
  }
})

test('other names are others', () => {
  const token = [...Array(256).keys()]
    .filter((byte) => LOWER[byte] !== 0)
    .map((byte) => String.fromCharCode(byte))
  const name = fc.string({ unit: fc.constantFrom(...token), minLength: 1, maxLength: 24 })
  fc.assert(
    fc.property(name, (written) => {
      const lower = written.toLowerCase()
      fc.pre(!NAMES.includes(lower) && !lower.startsWith('hydra-') && !lower.startsWith('x-forwarded-'))
      assert.equal(idOf(written), OTHER)
    }),
    { numRuns: 2000 },
  )
})

test('words that can never have slots of their own are refused when compiled', () => {
  const twins = ['', 'host', 'hou6']
  assert.equal(hashOf(Buffer.from('host')), hashOf(Buffer.from('hou6')))
  assert.throws(() => compileWords(twins), /same hash/)
})
