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
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startProcess, type TestProcess } from '../support/process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The code block of a page that names that file: in its first lines, or, as JSON has no comments, behind its language. */
async function example(page: string, file: string): Promise<string> {
  const text = await readFile(join(root, page), 'utf8')
  const blocks = [...text.matchAll(/^```\w*( \S+)?\n([\s\S]*?)^```$/gm)]
  const block = blocks.find(([, title = '', code = '']) =>
    [title, ...code.split('\n', 2)].some((line) => line.includes(` ${file}`)),
  )?.[2]
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

const NODE_GUIDE = 'docs/guides/service-node.md'
const FRAGMENTS_GUIDE = 'docs/guides/fragments.md'
const LANGUAGE_GUIDE = 'docs/guides/service-any-language.md'

/** Runs an example of a guide until it is behind the gateway. */
async function run(
  t: TestContext,
  gateway: TestGateway,
  file: string,
  guide = NODE_GUIDE,
): Promise<TestProcess> {
  const cwd = await folder(t, gateway)
  await mkdir(dirname(join(cwd, file)), { recursive: true })
  await writeFile(join(cwd, file), await example(guide, file))
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
    /^hydra: orders offers 2 routes from port \d+\n {2}GET {3}\/orders\n {2}GET {3}\/orders\/\{id\}\n {2}menu {2}main: Orders\nhydra: orders is behind http/,
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
  const menu =
    '<nav><hydra-menu name="main"><ul><li data-state="available"><a data-hydra-link="/shop" href="/shop" aria-current="page">Shop</a></li></ul></hydra-menu></nav>'
  const shop = () => page(`${gateway.url}/shop`)
  const link = '<a data-hydra-link="/cart" href="/cart">Cart</a>'
  assert.equal(
    await shop(),
    `200 <!doctype html><title>Shop</title><script src="/_hydra/live.js" defer></script>\n${menu}<p>The cart is resting: ${link}</p>`,
  )
  const cart = await run(t, gateway, 'cart.mjs')
  await eventually(async () =>
    assert.match(await shop(), /Your cart is open: <a data-hydra-link="\/cart" href="\/cart">Cart<\/a>/),
  )
  await cart.kill('SIGTERM')
  await eventually(async () =>
    assert.match(
      await shop(),
      /The cart is resting: <a data-hydra-link="\/cart" role="link" aria-disabled="true"/,
    ),
  )
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
  const bean = JSON.parse(await example(LANGUAGE_GUIDE, 'registration.json'))
  assert.equal(bean.port, 9000)
  const registration = join(cwd, 'registration.json')
  const whole = { ...bean, port: (server.address() as AddressInfo).port }
  await writeFile(registration, JSON.stringify({ ...whole, titel: 'Hello' }, null, 2))
  await writeFile(join(cwd, 'register.sh'), await example(LANGUAGE_GUIDE, 'register.sh'))
  const env = { HYDRA_GATEWAY: first.url, HYDRA_PUBLIC_KEY: keys.publicKey }
  const loop = startProcess(t, { command: 'bash', args: ['register.sh', 'registration.json'], cwd, env })

  await loop.printed(/hello is registered\n/)
  await loop.printed(
    /^"refused":\[\],"warnings":\["\\"titel\\" means nothing here; did you mean title\?"\]$/m,
  )
  assert.equal(await page(`${first.url}/hello/world`), '200 hello from /hello/world')
  await first.close()
  await writeFile(registration, JSON.stringify(whole, null, 2))
  const second = await startGateway(t, { port, keys } as never)
  await loop.printed(/hello has to register again\nhello is registered\n/)
  assert.equal(await page(`${second.url}/hello/`), '200 hello from /hello/')
  await second.close()
  // Nothing was said of the one that is in order.
  await loop.printed(/hello is registered\nhello has to register again\n/)
})

test('a page in one file shows a fragment of another, and is whole again when its service is', async (t) => {
  const gateway = await startGateway(t)
  const shop = await run(t, gateway, 'shop.mjs', FRAGMENTS_GUIDE)
  assert.match(shop.output(), /GET {7}\/can\n {2}asks for {2}buy of orders \(page 1, line 4, column 1\)/)
  const can = `${gateway.url}/can`
  assert.match(await page(can), /^200 [\s\S]*<h1>Watering can<\/h1>\n<p>Ordering is away for a moment\.<\/p>/)

  const orders = await run(t, gateway, 'orders.mjs', FRAGMENTS_GUIDE)
  assert.match(orders.output(), /offers 1 fragment from port \d+\n {2}fragment {2}buy \(imports anything\)/)
  await eventually(async () => assert.match(await page(can), /<button>Order one<\/button> 14 are left/))
  await orders.kill('SIGKILL')
  await eventually(async () => assert.match(await page(can), /^200 [\s\S]*Ordering is away/))
  await run(t, gateway, 'orders.mjs', FRAGMENTS_GUIDE)
  await eventually(async () => assert.match(await page(can), /<button>Order one<\/button>/))
})

test('values go from fragment to fragment, under other names, and the page of the guide is what comes of it', async (t) => {
  const gateway = await startGateway(t)
  const [shop, orders] = await Promise.all(
    ['chain/shop.mjs', 'chain/orders.mjs', 'chain/parcels.mjs'].map((file) =>
      run(t, gateway, file, FRAGMENTS_GUIDE),
    ),
  )
  const [whole, withoutOrders] = await shownPages()
  const can = `${gateway.url}/goods/can`
  await eventually(async () => assert.equal((await page(can)).trimEnd(), `200 ${whole}`))
  const users = async () => {
    const { fragments } = await gateway.admin('fragments')
    return fragments.map(
      ({ ref, state, usedBy }: { ref: string; state: string; usedBy: { page: string }[] }) =>
        [ref, state, ...usedBy.map((use) => use.page)].join(' '),
    )
  }
  assert.deepEqual(await users(), ['buy available shop', 'delivery available shop', 'about available shop'])
  assert.doesNotMatch(shop!.output(), /asks for.*about/, 'its own are no news')
  await orders?.kill('SIGTERM')
  await eventually(async () => assert.equal((await page(can)).trimEnd(), `200 ${withoutOrders}`))
  assert.equal((await users())[0], 'buy down shop')
  assert.match(await page(`${gateway.url}/goods/nothing`), /^200 [\s\S]*<h1>Something for the garden<\/h1>/)
})

/** What the guide says the page of the chain looks like. */
async function shownPages(): Promise<(string | undefined)[]> {
  const text = await readFile(join(root, FRAGMENTS_GUIDE), 'utf8')
  return [...text.matchAll(/^```html\n(<!doctype html>[\s\S]*?)\n```$/gm)].map(([, html]) => html)
}

test('a page that knows nothing of the gateway but one header has its fragments', async (t) => {
  const port = await freePort()
  const services = { site: { url: `http://127.0.0.1:${port}`, routes: ['/site/**'] } }
  const gateway = await startGateway(t, { services })
  const cwd = await folder(t, gateway)
  const code = await example(FRAGMENTS_GUIDE, 'site.mjs')
  await writeFile(join(cwd, 'site.mjs'), code.replace('9001', String(port)))
  startProcess(t, { args: ['site.mjs'], cwd, env: {} })
  const can = `${gateway.url}/site/can`
  await eventually(async () =>
    assert.match(
      await page(can),
      /^200 <!doctype html>\n<title>Watering can<\/title>\n\n<h1>[\s\S]*Ordering is away/,
    ),
  )
  await run(t, gateway, 'chain/orders.mjs', FRAGMENTS_GUIDE)
  await eventually(async () => assert.match(await page(can), /<button>Order one for 38\.90 €<\/button>/))
})

test('HTML a template engine made for one request has its fragments', async (t) => {
  const gateway = await startGateway(t)
  await run(t, gateway, 'views.mjs', FRAGMENTS_GUIDE)
  await run(t, gateway, 'chain/orders.mjs', FRAGMENTS_GUIDE)
  await eventually(async () =>
    assert.match(
      await page(`${gateway.url}/views/can`),
      /<h1>Watering can<\/h1>\n<p><button>Order one for 38\.90 €/,
    ),
  )
})

test('a page with a mistake keeps its service from starting, with the words of the guide', async (t) => {
  const gateway = await startGateway(t)
  const cwd = await folder(t, gateway)
  await writeFile(join(cwd, 'broken.mjs'), await example(FRAGMENTS_GUIDE, 'broken.mjs'))
  const broken = startProcess(t, { args: ['broken.mjs'], cwd, env: { HYDRA_GATEWAY: gateway.url } })
  await broken.printed(/Node\.js v/)
  const guide = await readFile(join(root, FRAGMENTS_GUIDE), 'utf8')
  const [said] = /^FragmentExportConflict: product\.html:3:1 .*$/m.exec(guide) ?? []
  assert.ok(said)
  assert.ok(broken.output().includes(said), broken.output())
  assert.equal((await fetch(gateway.url)).status, 200)
})

test('a fragment in any language is asked for and answers as its guide has it', async (t) => {
  const gateway = await startGateway(t)
  const port = await freePort()
  const json = async (file: string) => JSON.parse(await example(LANGUAGE_GUIDE, file))
  const [registration, asked, answer] = await Promise.all(
    ['stock.json', 'asked.json', 'answer.json'].map(json),
  )
  const bodies: unknown[] = []
  const server = createServer(async (request, response) => {
    assert.equal(request.url, `/h/fragment/${gateway.publicKey}/requestFragment`)
    const body = JSON.parse(await text(request))
    bodies.push(body)
    answer.fragments[0].id = body.requests[0].id
    response.end(JSON.stringify(answer))
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  assert.equal((await register(gateway, { ...registration, port })).status, 200)

  const resolved = await fetch(`${gateway.discovery}/requestFragment`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/vnd.hydra.resolved-fragments+json',
    },
    body: JSON.stringify({
      attributes: { sku: 'can' },
      requests: { stock: [{ id: 'f1', ref: 'left', imports: ['sku'], exports: ['count'] }] },
    }),
  })
  const { fragments, attributes } = (await resolved.json()) as { fragments: object[]; attributes: object }
  assert.deepEqual(attributes, { count: 14 })
  assert.deepEqual(fragments[0], { ...answer.fragments[0], service: 'stock', version: 0 })
  const [{ attributes: said, requests }] = bodies as [typeof asked]
  assert.deepEqual({ attributes: said, requests }, asked)
})

function register({ discovery }: TestGateway, registration: object): Promise<Response> {
  return fetch(`${discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(registration),
  })
}
