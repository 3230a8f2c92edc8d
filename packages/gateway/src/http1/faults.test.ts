import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as faults from './faults.ts'

const { FAULTS } = faults
const constants = Object.entries(faults).filter(([, value]) => typeof value === 'number') as [
  string,
  number,
][]

test('every fault has a place, a word and a sentence of its own for the sender', () => {
  assert.equal(constants.length, FAULTS.length - 1)
  assert.deepEqual(
    constants.map(([, fault]) => -fault).sort((a, b) => a - b),
    FAULTS.slice(1).map((_, i) => i + 1),
  )
  assert.equal(new Set(FAULTS.map(({ detail }) => detail)).size, FAULTS.length)
  for (const { word, detail, status } of FAULTS.slice(1)) {
    assert.match(word, /^[a-z][a-z0-9.-]*$/)
    assert.match(detail, /^[A-Z].*\.$/)
    assert.ok([400, 405, 413, 414, 431, 501, 505].includes(status))
  }
})
