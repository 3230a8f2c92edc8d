import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startProcess } from '../support/process.ts'

const DEMO = fileURLToPath(new URL('../../demo/cluster/main.ts', import.meta.url))

test('in the demo of a cluster a node, Redis and services are killed, and no visitor notices', async (t) => {
  const demo = startProcess(t, { args: [DEMO, '--check'] })
  const status = await demo.exited
  t.diagnostic(demo.output())
  assert.equal(status, 0, demo.output())
  assert.match(demo.output(), /All \d+ steps went well/)
})

test('the demo of a cluster says what to do without Redis', async (t) => {
  const demo = startProcess(t, { args: [DEMO, '--check'], env: { PATH: '/nowhere' } })
  assert.equal(await demo.exited, 1)
  assert.match(demo.output(), /apt-get install redis-server/)
})
