/**
 * Runs the examples of docs/guides/messages.md, as they stand there.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { readGuide } from '../support/guide.ts'
import type { TestProcess } from '../support/process.ts'

const guide = await readGuide('docs/guides/messages.md')

/** At a port that is free. */
async function run(t: TestContext, gateway: TestGateway, file: string): Promise<TestProcess> {
  const code = guide.example(file).replace(/listen\(\d+\)/, `listen(${await freePort()})`)
  return guide.run(t, gateway, file, { code })
}

test('the services of the guide send and call each other as it says', async (t) => {
  const gateway = await startGateway(t)
  const [orders] = await Promise.all([run(t, gateway, 'orders.mjs'), run(t, gateway, 'shop.mjs')])
  await eventually(async () => {
    const response = await fetch(`${gateway.url}/shop`)
    assert.equal(await response.text(), '42 200 1')
  })
  await orders.printed(/order 7 was paid, says shop/)
})
