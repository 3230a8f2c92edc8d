import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../observe/metrics.ts'
import { createMetricsSum, readSamples } from './metrics-sum.ts'

async function textOf(count: number): Promise<string> {
  const metrics = createMetrics()
  for (let i = 0; i < count; i++) metrics.exchange('shop', '2xx', 0.002)
  metrics.refused('request', 'host')
  metrics.connectionOpened('http/1.1')
  return (await metrics.text()).body
}

test('counters and histograms of all processes are added up, those of a worker that is gone too; gauges are not', async () => {
  const sum = createMetricsSum()
  sum.told('1', await textOf(3))
  sum.told('2', await textOf(4))
  const own = (await createMetrics().text()).body
  const of = (name: string) => readSamples(sum.with(own)).values.get(name)
  assert.equal(of('hydra_exchanges_total{service="shop",outcome="2xx"}'), 7)
  assert.equal(of('hydra_exchange_seconds_bucket{le="0.0025",service="shop"}'), 7)
  assert.equal(of('hydra_exchange_seconds_count{service="shop"}'), 7)
  assert.equal(of('hydra_refused_total{what="request",reason="host"}'), 2)
  assert.equal(of('hydra_connections'), 2)
  sum.left('1')
  assert.equal(of('hydra_exchanges_total{service="shop",outcome="2xx"}'), 7)
  assert.equal(of('hydra_connections'), 1)
  assert.equal(of('hydra_connections_total{protocol="http/1.1"}'), 2)
})

test('what is written can be read by who reads the metrics of one process', async () => {
  const own = await textOf(1)
  const sum = createMetricsSum()
  assert.deepEqual(readSamples(sum.with(own)), readSamples(own))
  const lines = sum.with(own).split('\n')
  for (const [at, line] of lines.entries())
    if (line.startsWith('# TYPE')) assert.match(lines[at - 1]!, /^# HELP/)
})
