import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FragmentConflict, Overview } from '@hydra-gateway/protocol'
import { createConflictLog, formatConflict, watchConflicts } from './conflicts.ts'

const conflict: FragmentConflict = {
  kind: 'FragmentImportConflict',
  page: 'shop',
  place: 'product.html:12:5',
  service: 'orders',
  ref: 'checkout',
  refused: 'ref',
  reason: '"total" is imported at product.html:12:5 and set by the fragment; rename one with "as"',
}
const overview = (...fragmentConflicts: FragmentConflict[]): Overview => ({
  type: 'ACTIVE_SERVERS_UPDATE',
  hash: '1',
  services: [],
  menus: {},
  publicKey: null,
  roleMappings: {},
  ...(fragmentConflicts.length > 0 && { fragmentConflicts }),
})

test('a conflict is said once to the page and to the provider, and to nobody else', () => {
  for (const [service, count] of Object.entries({ shop: 1, orders: 1, stock: 0 })) {
    const heard: FragmentConflict[] = []
    const learn = watchConflicts(service, (given) => heard.push(given))
    for (const next of [overview(), overview(conflict), overview(), overview(conflict)]) learn(next)
    assert.equal(heard.length, count, service)
    learn(overview(conflict, { ...conflict, place: 'home.html:1:1' }))
    assert.equal(heard.length, count * 2, service)
  }
})

test('a conflict is a sentence that says what is not served, first of all to whom it happens', () => {
  const { reason } = conflict
  const lost: FragmentConflict = { ...conflict, refused: 'use' }
  assert.equal(
    formatConflict(conflict, 'shop'),
    `FragmentImportConflict: ${reason} (orders#checkout is not served to pages)`,
  )
  assert.equal(formatConflict(conflict, 'orders'), `fragment checkout is not served: ${reason}`)
  assert.equal(
    formatConflict(lost, 'shop'),
    `the tag at product.html:12:5 for orders#checkout shows its fallback: ${reason}`,
  )
  assert.match(formatConflict(lost, 'orders'), /the tag at product\.html:12:5 of shop shows its fallback\)$/)
  for (const service of ['shop', 'orders'])
    assert.equal(
      formatConflict({ ...conflict, refused: 'none' }, service),
      `FragmentImportConflict: ${reason}`,
    )
})

test('what the answer to a registration and the overview say alike is one line', () => {
  const lines: string[] = []
  const told = createConflictLog('shop', { warn: (line) => void lines.push(line) })
  const { reason } = conflict
  const path = 'the tag at product.html:12:5 for orders#checkout'
  told.refused({ path, reason })
  told.conflict({ ...conflict, refused: 'use' })
  told.refused({ path, reason })
  assert.deepEqual(lines, [`${path} shows its fallback: ${reason}`])
  for (let i = 0; i < 2; i++) told.refused({ path: '/can', reason: 'it is taken' })
  assert.deepEqual(
    lines.slice(1),
    Array(2).fill('/can is not served: it is taken'),
    'of routes at each start',
  )
})
