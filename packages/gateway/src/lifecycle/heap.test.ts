import assert from 'node:assert/strict'
import { test } from 'node:test'
import { giveBackLoading } from './heap.ts'

const MiB = 1024 * 1024

test('what loading has left behind is given back before a gateway serves', () => {
  let left = Array.from({ length: 500_000 }, (_, at) => ({ at, text: `module ${at}` }))
  const [held, most] = [left.length, process.memoryUsage().heapTotal]
  left = []
  giveBackLoading()
  const given = most - process.memoryUsage().heapTotal
  assert.ok(given > 20 * MiB, `${(given / MiB).toFixed(1)} MiB for ${held} objects nobody needs`)
})
