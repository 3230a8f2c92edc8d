import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startProcess } from '../support/process.ts'

const program = fileURLToPath(new URL('./services/signalled.ts', import.meta.url))

/** A service in a process of its own that finds the keys where the gateway keeps them. */
async function signalled(t: TestContext, gateway: TestGateway, ...args: string[]) {
  const root = await mkdtemp(join(tmpdir(), 'hydra-signals-'))
  t.after(() => rm(root, { recursive: true, force: true }))
  const cwd = join(root, 'services', 'signalled')
  await mkdir(cwd, { recursive: true })
  await mkdir(join(root, '.hydra'))
  const { publicKey, privateKey } = gateway
  await writeFile(join(root, '.hydra', 'keys.json'), JSON.stringify({ publicKey, privateKey }))
  const process = startProcess(t, { args: [program, ...args], cwd, env: { HYDRA_GATEWAY: gateway.url } })
  await process.printed(/registered/)
  return process
}

test('a service finds its keys in the folder above, and SIGTERM ends it after its last answer', async (t) => {
  const gateway = await startGateway(t)
  const service = await signalled(t, gateway)
  const running = fetch(`${gateway.url}/slow`)
  await eventually(async () => assert.equal(await (await fetch(`${gateway.url}/fine`)).text(), 'fine'))
  assert.equal(await service.kill('SIGTERM'), 'SIGTERM')
  assert.equal(await (await running).text(), 'slow')
  assert.match(service.output(), /closing[\s\S]*has left/)
  assert.equal((await fetch(`${gateway.url}/fine`)).status, 503)
})

test('a second signal ends the process at once', async (t) => {
  const gateway = await startGateway(t)
  const service = await signalled(t, gateway)
  await fetch(`${gateway.url}/stuck`)
  service.child.kill('SIGINT')
  await service.printed(/closing/)
  const began = performance.now()
  assert.equal(await service.kill('SIGINT'), 'SIGINT')
  assert.ok(performance.now() - began < 2000)
})

test('an app with a listener of its own decides when the process ends', async (t) => {
  const gateway = await startGateway(t)
  const service = await signalled(t, gateway, 'own')
  service.child.kill('SIGTERM')
  // Nothing is left open, so the process ends by itself, without a signal.
  assert.equal(await service.exited, 0)
  assert.match(service.output(), /own listener/)
  assert.match(service.output(), /has left/)
})
