/**
 * Runs the examples of the guides as they stand there.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startProcess, type TestProcess } from '../support/process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The code block of a page whose first lines name that file. */
async function example(page: string, file: string): Promise<string> {
  const text = await readFile(join(root, page), 'utf8')
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? '')
  const block = blocks.find((code) => code.split('\n', 2).some((line) => line.includes(` ${file}`)))
  assert.ok(block, `${page} has no ${file}`)
  return block
}

/** A folder with the gateway's keys, as one finds it where the gateway was started. */
async function folder(t: TestContext, { publicKey, privateKey }: TestGateway): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'hydra-guide-'))
  t.after(() => rm(path, { recursive: true, force: true }))
  await mkdir(join(path, '.hydra'))
  await writeFile(join(path, '.hydra', 'keys.json'), JSON.stringify({ publicKey, privateKey }))
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'))
  return path
}

/** Runs an example of the Node guide until it is behind the gateway. */
async function run(t: TestContext, gateway: TestGateway, file: string): Promise<TestProcess> {
  const cwd = await folder(t, gateway)
  await writeFile(join(cwd, file), await example('docs/guides/service-node.md', file))
  const service = startProcess(t, { args: [file], cwd, env: { HYDRA_GATEWAY: gateway.url } })
  await service.printed(/is behind/)
  return service
}

const page = async (url: string) => {
  const response = await fetch(url)
  return `${response.status} ${await response.text()}`
}

test('Express in ten lines says what it offers and serves it', async (t) => {
  const gateway = await startGateway(t)
  const service = await run(t, gateway, 'orders.mjs')
  assert.match(
    service.output(),
    /^hydra: orders offers 2 routes from port \d+\n {2}GET {2}\/orders\n {2}GET {2}\/orders\/\{id\}\nhydra: orders is behind http/,
  )
  assert.equal(await page(`${gateway.url}/orders`), '200 <h1>Orders</h1>')
  assert.equal(await page(`${gateway.url}/orders/7`), '200 {"id":"7"}')
})

test('the service of the README runs as it stands there, but for its port, from the built packages', async (t) => {
  const gateway = await startGateway(t)
  const cwd = await folder(t, gateway)
  const written = await example('README.md', 'orders.mjs')
  // Somebody may try the README on this machine right now.
  const code = written.replace('listen(3001)', 'listen(0)')
  assert.notEqual(code, written)
  await writeFile(join(cwd, 'orders.mjs'), code)
  const service = startProcess(t, {
    command: 'node',
    args: ['orders.mjs'],
    cwd,
    env: { HYDRA_GATEWAY: gateway.url },
  })
  await service.printed(/is behind/)
  assert.equal(await page(`${gateway.url}/orders/7`), '200 <h1>Order 7</h1>')
})

test('Fastify, Hono and plain Node are as short', async (t) => {
  const gateway = await startGateway(t)
  await Promise.all(['stock.mjs', 'cart.mjs', 'clock.mjs'].map((file) => run(t, gateway, file)))
  assert.equal(await page(`${gateway.url}/stock/7`), '200 {"id":"7","left":3}')
  assert.equal(await page(`${gateway.url}/cart`), '200 <h1>Cart</h1>')
  assert.match(await page(`${gateway.url}/clock`), /^200 \d{4}-/)
})

test('a page shows the menu of all services, and follows them', async (t) => {
  const gateway = await startGateway(t)
  await run(t, gateway, 'shop.mjs')
  assert.equal(
    await page(`${gateway.url}/shop`),
    '200 <nav><a href="/shop">Shop</a></nav><p>The cart is resting</p>',
  )
  const cart = await run(t, gateway, 'cart.mjs')
  await eventually(async () => assert.match(await page(`${gateway.url}/shop`), /<a href="\/cart">Cart<\/a>/))
  await cart.kill('SIGTERM')
  await eventually(async () => assert.match(await page(`${gateway.url}/shop`), /The cart is resting/))
})

test('connect registers what listens at a port', async (t) => {
  const gateway = await startGateway(t)
  const reports = await run(t, gateway, 'beside.mjs')
  await reports.printed(/^connected$/m)
})

test('a service of any language stays behind the gateway with the loop of the guide, over a restart too', async (t) => {
  const keys = { publicKey: 'public-key-of-the-guide', privateKey: 'private-key-of-the-guide' }
  const first = await startGateway(t, { keys } as never)
  const { port } = first
  const server = createServer((request, response) => response.end(`hello from ${request.url}`)).listen(
    0,
    '127.0.0.1',
  )
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const cwd = await folder(t, first)
  const script = await example('docs/guides/service-any-language.md', 'register.sh')
  await writeFile(
    join(cwd, 'register.sh'),
    script.replaceAll('9000', String((server.address() as AddressInfo).port)),
  )
  const env = { HYDRA_GATEWAY: first.url, HYDRA_PUBLIC_KEY: keys.publicKey }
  const loop = startProcess(t, { command: 'bash', args: ['register.sh'], cwd, env })

  await loop.printed(/hello is registered/)
  assert.equal(await page(`${first.url}/hello/world`), '200 hello from /hello/world')
  await first.close()
  const second = await startGateway(t, { port, keys } as never)
  await loop.printed(/hello has to register again\nhello is registered/)
  assert.equal(await page(`${second.url}/hello/`), '200 hello from /hello/')
})
