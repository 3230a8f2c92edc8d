/**
 * The log of hydra-router's API in a gateway with workers: they serve the requests, and another process has the log.
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startGatewayProcess } from '../support/gateway-process.ts'

const TOKEN = '098ebe18-7e1b-4ddd-ae2a-cc6521e5b641'

interface Entry {
  readonly ts: string
  readonly type: string
  readonly entry: { readonly path?: string }
}

/** On a connection of its own, so that either worker may get it. */
function ask(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode!))
    })
      .on('error', reject)
      .end()
  })
}

test('with `debugLogging` the log has every request, whichever worker served it', async (t) => {
  const { url } = await startGatewayProcess(t, {
    workers: 2,
    flywheel: { enabled: true, routerToken: TOKEN, debugLogging: true },
  })
  const begunAt = Date.now()
  const paths = Array.from({ length: 20 }, (_, i) => `/nowhere/${i}`)
  assert.deepEqual(new Set(await Promise.all(paths.map((path) => ask(`${url}${path}`)))), new Set([404]))
  await eventually(async () => {
    const response = await fetch(`${url}/v1/router/log?token=${TOKEN}`)
    const { result } = (await response.json()) as { result: { logs: readonly Entry[] } }
    const logs = result.logs.filter(({ entry }) => entry.path?.startsWith('/nowhere'))
    assert.deepEqual(logs.map(({ entry }) => entry.path).sort(), [...paths].sort())
    for (const { ts, type, entry } of logs) {
      assert.equal(type, 'request')
      assert.deepEqual({ ...entry, path: '' }, { method: 'GET', path: '', status: 404 })
      assert.ok(Date.parse(ts) >= begunAt)
    }
  })
})
