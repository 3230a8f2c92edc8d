import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FragmentConflict, Overview } from '@hydra-gateway/protocol'
import { formatConflict, watchConflicts } from './conflicts.ts'

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

test('a conflict is a sentence that says what is not served', () => {
  assert.equal(
    formatConflict(conflict),
    `FragmentImportConflict: ${conflict.reason} (orders#checkout is not served to pages)`,
  )
  assert.match(
    formatConflict({ ...conflict, refused: 'use' }),
    /the tag at product\.html:12:5 of shop shows its fallback\)$/,
  )
  assert.equal(formatConflict({ ...conflict, refused: 'none' }), `FragmentImportConflict: ${conflict.reason}`)
})
