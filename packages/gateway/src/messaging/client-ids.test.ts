import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createClientIds } from './client-ids.ts'

const ids = createClientIds(['new key', 'old key'])

test('an id that was given out is known at every node with the same key, and nowhere else', () => {
  const other = createClientIds(['another key'])
  for (const [id, known] of [
    [ids.mint('classic'), { kind: 'classic', isBound: false }],
    [ids.mint('resuming'), { kind: 'resuming', isBound: false }],
    [ids.mint('classic', 'session-1'), { kind: 'classic', isBound: true }],
  ] as const) {
    assert.match(id, /^[0-9a-z]+$/)
    assert.deepEqual(createClientIds(['new key']).read(id), known)
    assert.equal(other.read(id), undefined)
  }
})

test('while keys change, ids of both are known', () => {
  const id = createClientIds(['old key']).mint('classic')
  assert.deepEqual(ids.read(id), { kind: 'classic', isBound: false })
})

test('an id of a session is of use in that session only', () => {
  const id = ids.mint('classic', 'session-1')
  assert.equal(ids.belongsTo(id, 'session-1'), true)
  assert.equal(ids.belongsTo(id, 'session-2'), false)
  assert.equal(ids.belongsTo(ids.mint('classic'), 'session-1'), false)
})

test('an id with one character changed is none', () => {
  const id = ids.mint('classic')
  fc.assert(
    fc.property(
      fc.nat(id.length - 1),
      fc.constantFrom(...'0123456789abcdefghijklmnopqrstuvwxyz'),
      (at, to) => {
        const bent = `${id.slice(0, at)}${to}${id.slice(at + 1)}`
        assert.equal(ids.read(bent) !== undefined, bent === id)
      },
    ),
  )
})

test('any text is an answer, never an error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
      assert.equal(ids.read(text), undefined)
      assert.equal(ids.belongsTo(text, 'x'), false)
    }),
  )
  for (const id of [`c${'é'.repeat(34)}`, `s${'é'.repeat(47)}`]) {
    assert.equal(ids.read(id), undefined)
    assert.equal(ids.belongsTo(id, 'x'), false)
  }
})
