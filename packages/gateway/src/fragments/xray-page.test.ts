import assert from 'node:assert/strict'
import test from 'node:test'
import type { FragmentReport } from '@hydra-gateway/protocol'
import type { Outcome } from './port.ts'
import { createPageXray } from './xray-page.ts'

const reportOf = (id: string, ref: string): FragmentReport => ({
  id,
  service: 'orders',
  ref,
  wave: 1,
  startMs: 1,
  durationMs: 2,
  bytes: 3,
  imports: [],
  exports: [],
})
const outcomeOf = (report: FragmentReport): Outcome => ({
  index: 0,
  html: '<p>',
  reason: undefined,
  assets: undefined,
  instance: undefined,
  exports: undefined,
  report,
})

test('a developer gets every fragment in the order of the page, those inside of others last', () => {
  let now = 105
  const xray = createPageXray({ id: 'exchange-1', startedAt: 100 }, { service: 'shop' }, () => now)
  const [second, first, inside] = [reportOf('b', 'two'), reportOf('a', 'one'), reportOf('c', 'inside')]
  for (const report of [inside, second, first]) xray.report(report)
  assert.equal(xray.before(outcomeOf(first)), '<!--hydra:fragment a-->')
  assert.equal(xray.after(outcomeOf(first)), '<!--/hydra:fragment a-->')
  xray.before(outcomeOf(second))
  now = 300
  const [, json] = /<script type="application\/json" id="hydra-xray">(.*?)<\/script>/.exec(xray.end()) ?? []
  assert.deepEqual(JSON.parse(json!), {
    service: 'shop',
    exchange: 'exchange-1',
    headMs: 5,
    totalMs: 200,
    fragments: [first, second, inside],
  })
})

test('what a service says of itself can’t end the element its data stand in', () => {
  const xray = createPageXray(
    { id: 'x', startedAt: 0 },
    { service: '</script><script>alert(1)</script>' },
    () => 0,
  )
  assert.doesNotMatch(xray.end(), /<script>alert/)
})
