/**
 * How soon a service knows that another one died: with its channel, the menu goes.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { HydraService } from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/node'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { startProcess } from '../support/process.ts'

const KILLS = 20
/** Started together, and killed one after the other. */
const TOGETHER = 5
const MOST_MS = 500
const PROGRAM = fileURLToPath(new URL('./services/mortal.ts', import.meta.url))

test('a killed service is out of the menu of another one at once', async (t) => {
  const gateway = await startGateway(t)
  const { url, publicKey, privateKey } = gateway
  const server = createServer((_request, response) => response.end('watching'))
  const service = await hydra(server, {
    name: 'watching',
    routes: ['/watching'],
    ...{ gateway: url, publicKey, privateKey },
    signals: false,
    log: false,
  })
  t.after(() => service.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await service.ready

  const took: number[] = []
  for (let at = 0; at < KILLS; at += TOGETHER) {
    const mortals = Array.from({ length: TOGETHER }, (_, index) => {
      const name = `mortal-${at + index}`
      const env = { HYDRA_GATEWAY: url, HYDRA_PUBLIC_KEY: publicKey, HYDRA_PRIVATE_KEY: privateKey }
      return { name, started: startProcess(t, { args: [PROGRAM, name], env }) }
    })
    for (const { name } of mortals)
      await eventually(() => assert.equal(stateOf(service, name), 'available'), 30_000)
    for (const { name, started } of mortals) {
      const gone = until(service, () => stateOf(service, name) === 'down')
      const begun = performance.now()
      process.kill(started.pid, 'SIGKILL')
      await gone
      took.push(performance.now() - begun)
      assert.equal(service.isAvailable(`/${name}`), false)
      assert.match(
        String(service.link(`/${name}`)),
        /aria-disabled="true".* title="Mortal \d+ is away for a moment"/,
      )
    }
  }
  took.sort((a, b) => a - b)
  const [p50, p99] = [took[Math.floor(took.length / 2)]!, took.at(-1)!]
  t.diagnostic(
    `from kill -9 to the menu of another service: p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
  )
  assert.ok(p99 < MOST_MS)
})

function stateOf(service: HydraService, name: string): string | undefined {
  return service.menu('main').find(({ path }) => path === `/${name}`)?.state
}

/** Resolves with the push that makes it true. */
function until(service: HydraService, isTrue: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const off = service.on('overview', () => {
      if (!isTrue()) return
      off()
      resolve()
    })
  })
}
