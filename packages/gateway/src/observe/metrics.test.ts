import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { Counter, Histogram, Registry } from 'prom-client'
import { createExchangeCounts, OTHER_SERVICES, type Outcome, outcomeOf } from './exchange-counts.ts'
import { createMetrics } from './metrics.ts'

test('counts and durations of exchanges read as prom-client writes them', async () => {
  const ours = createMetrics()
  const registry = new Registry()
  const registers = [registry]
  const exchanges = new Counter({
    name: 'hydra_exchanges_total',
    help: 'Finished exchanges',
    labelNames: ['service', 'outcome'],
    registers,
  })
  const duration = new Histogram({
    name: 'hydra_exchange_seconds',
    help: 'Duration of exchanges',
    labelNames: ['service'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  })
  const empty = (await ours.text()).body
  assert.ok(empty.startsWith((await registry.metrics()).trimEnd()))

  const services = ['-', 'orders', 'with "quotes" and \\', ...Array.from({ length: 40 }, (_, i) => `s${i}`)]
  const outcomes: Outcome[] = ['1xx', '2xx', '3xx', '4xx', '5xx', '9xx', 'aborted']
  const seconds = [0, 0.001, 0.0010001, 0.0025, 0.3, 1, 9.99, 10, 10.01, 3600]
  for (const service of services) {
    for (const outcome of outcomes) {
      for (const time of seconds) {
        ours.exchange(service, outcome, time)
        exchanges.inc({ service, outcome })
        duration.observe({ service }, time)
      }
    }
  }
  const { contentType, body } = await ours.text()
  assert.equal(contentType, registry.contentType)
  const sorted = (text: string) => text.trimEnd().split('\n').sort()
  const mine = body.slice(0, body.indexOf('# HELP hydra_connections '))
  assert.deepEqual(sorted(mine.trimEnd()), sorted(await registry.metrics()))
})

test('the outcome of an exchange is the class of its status, or that it was cut', () => {
  const outcomes = [0, 101, 200, 304, 404, 599, 600, 999].map((status) => outcomeOf(status, false))
  assert.deepEqual(outcomes, ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx', '6xx', '9xx'])
  assert.equal(outcomeOf(200, true), 'aborted')
  assert.equal(outcomeOf(Number.NaN, false), '0xx')
})

test('however many names services take, the metrics stay bounded; nothing goes uncounted', () => {
  const counts = createExchangeCounts(100)
  for (let i = 0; i < 5000; i++) counts.add(`s${i}`, '2xx', 0.1)
  counts.add('s7', '5xx', 0.1)
  const text = counts.text()
  const values = [...text.matchAll(/^hydra_exchanges_total\{service="([^"]*)",outcome="(.xx)"\} (\d+)$/gm)]
  assert.equal(new Set(values.map(([, service]) => service)).size, 101)
  assert.equal(
    values.reduce((sum, [, , , count]) => sum + Number(count), 0),
    5001,
  )
  assert.match(text, new RegExp(`service="${OTHER_SERVICES}",outcome="2xx"} 4900`))
  assert.match(text, /service="s7",outcome="5xx"} 1$/m)
  assert.equal(counts.labelOf('s7'), 's7')
  assert.equal(counts.labelOf('s4999'), OTHER_SERVICES)
})

test('retries and failures of upstreams bear the names the exchanges bear', async () => {
  const metrics = createMetrics()
  for (let i = 0; i < 1500; i++) metrics.exchange(`s${i}`, '2xx', 0.1)
  for (let i = 0; i < 1500; i++) {
    metrics.retried(`s${i}`)
    metrics.upstreamFailed(`s${i}`, 'refused')
  }
  const { body } = await metrics.text()
  assert.match(body, new RegExp(`hydra_retries_total{service="${OTHER_SERVICES}"} 500`))
  assert.match(
    body,
    new RegExp(`hydra_upstream_failures_total{service="${OTHER_SERVICES}",reason="refused"} 500`),
  )
})

test('connections, WebSockets, bytes and lost lines are counted', async () => {
  const metrics = createMetrics()
  metrics.connectionOpened('http/1.1')
  metrics.connectionOpened('http/1.1')
  metrics.connectionOpened('h2')
  metrics.connectionClosed()
  metrics.websocketOpened()
  metrics.websocketOpened()
  metrics.websocketClosed()
  metrics.upstreamConnectionOpened()
  metrics.upstreamConnectionOpened()
  metrics.upstreamConnectionOpened()
  metrics.upstreamConnectionClosed()
  metrics.bytesIn(2 ** 40)
  metrics.bytesIn(7)
  metrics.bytesOut(1024)
  metrics.logLinesDropped(12)
  const { body } = await metrics.text()
  const values = Object.fromEntries(
    [...body.matchAll(/^(hydra_\S+) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]),
  )
  assert.deepEqual(
    {
      open: values.hydra_connections,
      http1: values['hydra_connections_total{protocol="http/1.1"}'],
      h2: values['hydra_connections_total{protocol="h2"}'],
      websockets: values.hydra_websockets,
      upstream: values.hydra_upstream_connections,
      in: values['hydra_bytes_total{direction="in"}'],
      out: values['hydra_bytes_total{direction="out"}'],
      lost: values.hydra_log_lines_dropped_total,
    },
    { open: 2, http1: 2, h2: 1, websockets: 1, upstream: 2, in: 2 ** 40 + 7, out: 1024, lost: 12 },
  )
})

test('every metric has its help and its type once, before its values', async () => {
  const metrics = createMetrics()
  metrics.exchange('orders', '2xx', 0.01)
  metrics.refused('request', 'host')
  const { body } = await metrics.text()
  const seen = new Set<string>()
  let current = ''
  for (const line of body.trimEnd().split('\n')) {
    if (line === '') continue
    const [, kind, name] = /^# (HELP|TYPE) (\S+) /.exec(line) ?? []
    if (kind === 'HELP') {
      assert.ok(!seen.has(name!), `${name} twice`)
      seen.add(name!)
      current = name!
    } else if (kind === 'TYPE') assert.equal(name, current)
    else assert.match(line, new RegExp(`^${current}(_bucket|_sum|_count)?(\\{.*\\})? [0-9.e+-]+$`))
  }
  assert.ok(
    seen.has('hydra_exchanges_total') && seen.has('hydra_refused_total') && seen.has('hydra_services'),
  )
})

const NO_SERVICES = { available: 0, degraded: 0, down: 0, draining: 0, recovering: 0, unknown: 0 }

test('the page about metrics lists each of them, with its type and labels', async () => {
  const page = await readFile(new URL('../../../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const listed = [...page.matchAll(/^\| `(hydra_\w+)` \| (\w+) \| ([^|]*)\|/gm)].map(
    ([, name, type, labels]) => `${name} ${type} ${labels!.replaceAll(/[` ]/g, '')}`.trim(),
  )
  const metrics = createMetrics()
  metrics.exchange('orders', '2xx', 0.01)
  metrics.refused('request', 'host')
  metrics.retried('orders')
  metrics.upstreamFailed('orders', 'refused')
  metrics.fragment('orders', 'rendered', 0.01)
  metrics.fragmentDropped('session')
  metrics.pageComposed('whole')
  metrics.degraded('orders')
  metrics.messages.came('client')
  metrics.messages.left('service')
  metrics.messages.failed('timeout')
  metrics.messages.dropped('mail')
  metrics.messages.closed(1012)
  metrics.messages.resumed('begun')
  metrics.servicesOf(() => ({ ...NO_SERVICES, available: 1 }))
  const { body } = await metrics.text()
  const there = [...body.matchAll(/^# TYPE (\S+) (\S+)\n\S+?(?:\{(.*)\})? \S+$/gm)].map(
    ([, name, type, labels = '']) => {
      const names = [...labels.matchAll(/(\w+)="/g)]
        .map(([, label]) => label)
        .filter((label) => label !== 'le')
      return `${name} ${type} ${names.join(',')}`.trim()
    },
  )
  // Those of workers are there with workers only (`test/system/workers.test.ts`).
  const here = listed.filter((line) => !line.startsWith('hydra_worker'))
  assert.equal(listed.length - here.length, 3)
  assert.deepEqual(here.sort(), there.sort())
})
