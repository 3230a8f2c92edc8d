import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFragmentCounts } from './fragment-counts.ts'

test('fragments are counted by service and by what became of them', () => {
  const counts = createFragmentCounts()
  counts.add('orders', 'rendered', 0.003)
  counts.add('orders', 'rendered', 0.2)
  counts.add('orders', 'timeout', 60)
  counts.add('-', 'unknown-service', 0)
  const text = counts.text()
  for (const line of [
    'hydra_fragments_total{service="orders",outcome="rendered"} 2',
    'hydra_fragments_total{service="orders",outcome="timeout"} 1',
    'hydra_fragments_total{service="-",outcome="unknown-service"} 1',
    'hydra_fragment_seconds_bucket{le="0.005",service="orders"} 1',
    'hydra_fragment_seconds_bucket{le="0.25",service="orders"} 2',
    'hydra_fragment_seconds_bucket{le="+Inf",service="orders"} 3',
    'hydra_fragment_seconds_count{service="orders"} 3',
  ])
    assert.ok(text.split('\n').includes(line), `${line} is missing in\n${text}`)
})

test('services beyond the bound share one label, so that names never fill the memory', () => {
  const counts = createFragmentCounts(2)
  for (const service of ['a', 'b', 'c', 'd']) counts.add(service, 'failed', 0.1)
  assert.ok(counts.text().includes('hydra_fragments_total{service=":other",outcome="failed"} 2'))
})
