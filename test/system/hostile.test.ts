/**
 * A caller who means harm: what may be tried from outside, and what everybody else must not notice of it.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { medusaBean } from '../support/medusa-client.ts'

const MiB = 1024 * 1024

async function register(gateway: TestGateway, body: Record<string, unknown> | string) {
  const response = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

/** A list in JSON that fills about `bytes` with one entry. */
function listOf(entry: string, bytes: number): string {
  return `[${Array(Math.floor(bytes / (entry.length + 1)))
    .fill(entry)
    .join(',')}]`
}

test('a registration that is nothing but faults is refused before the faults are looked for', async (t) => {
  const gateway = await startGateway(t)
  for (const [list, entry] of [
    ['endpoints', '1'],
    ['staticResources', '{}'],
    ['routes', '{}'],
    ['sockets', '""'],
  ] as const) {
    const began = performance.now()
    const body = `{"name":"one","host":"127.0.0.1","port":9,"${list}":${listOf(entry, 7.9 * MiB)}}`
    assert.equal((await register(gateway, body)).status, 413, list)
    assert.ok(performance.now() - began < 2500, `${list}: ${performance.now() - began} ms`)
  }
  const menus = `{${Array.from({ length: 400_000 }, (_, i) => `"m${i}":1`)}}`
  const refused = await register(gateway, `{"name":"one","host":"127.0.0.1","port":9,"menuItems":${menus}}`)
  assert.equal(refused.status, 413)
  assert.deepEqual((await gateway.admin('services')).services, [])
})

test('JSON nested a million deep is refused at once', async (t) => {
  const gateway = await startGateway(t)
  const deep = `${'['.repeat(3_900_000)}${']'.repeat(3_900_000)}`
  const began = performance.now()
  const refused = await register(gateway, `{"name":"one","host":"127.0.0.1","port":9,"zz":${deep}}`)
  assert.equal(refused.status, 400)
  assert.match(refused.text, /64 deep/)
  assert.ok(performance.now() - began < 1500, `${performance.now() - began} ms`)
})

test('a fault quotes little of what it was found in, in the answer and in the log', async (t) => {
  const gateway = await startGateway(t)
  const bean = medusaBean('one', 9, { menuItems: { ['k'.repeat(4 * MiB)]: 1 } })
  const { status, text } = await register(gateway, bean)
  assert.equal(status, 400)
  assert.ok(text.length < 2000, `${text.length} bytes`)
  for (const line of gateway.lines) assert.ok(JSON.stringify(line).length < 2000)
})

test('what a path stands for is counted even when it is left out, and counting stops at the limit', async (t) => {
  const gateway = await startGateway(t)
  const tail = 'q/'.repeat(48)
  for (const path of [`/h/{a?}/x/{b?}/y/{c?}/z/{d?}/${tail}`, `/o/{a?}/x/{b?}/y/{c?}/z/{d?}/${tail}`]) {
    const began = performance.now()
    const routes = Array.from({ length: 15_000 }, () => ({ path }))
    assert.equal((await register(gateway, medusaBean('one', 9, { routes }))).status, 413, path)
    assert.ok(performance.now() - began < 2500, `${performance.now() - began} ms`)
  }
  assert.deepEqual((await gateway.admin('services')).services, [])
})

test('a lossy translation of thousands of routes is one line of the log', async (t) => {
  const gateway = await startGateway(t)
  const endpoints = Array.from({ length: 5000 }, (_, i) => `/${i}/{x:(a+)+}`)
  assert.equal((await register(gateway, medusaBean('one', 9, { endpoints }))).status, 200)
  const said = gateway.lines.filter(({ level }) => level === 'warn' || level === 40)
  assert.ok(said.length < 5, `${said.length} lines`)
})
