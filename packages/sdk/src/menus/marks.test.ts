import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMarks } from './marks.ts'

test('marks are those the gateway makes with the same key, character by character', () => {
  const mark = createMarks('one')
  const made = {
    'orders.list.0.SuD5tOmeK_ortScYG7L9yA': mark('orders', 'list', 0),
    'or%2Ed%2Ders.li%21st%25.12.Wf1ECxEwQQNN4kcD60CtcQ': mark('or.d-ers', 'li!st%', 12),
    'gr%C3%B6%C3%9Fe.a%20b.3.6XfZ1xpDBhymQ54pnPgBFw': mark('größe', 'a b', 3),
  }
  for (const [gateways, ours] of Object.entries(made)) assert.equal(ours, gateways)
  assert.notEqual(createMarks('two')('orders', 'list', 0), mark('orders', 'list', 0))
})
