import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { serve } from '@hono/node-server'
import {
  type FragmentDefinition,
  FragmentError,
  fragment,
  type HydraService,
  type Page,
  page,
  type Rendering,
  type ServiceOptions,
} from '@hydra-gateway/sdk'
import { hydra as hydraExpress, sendPage as sendExpress } from '@hydra-gateway/sdk/express'
import { hydra as hydraFastify, sendPage as sendFastify } from '@hydra-gateway/sdk/fastify'
import { hydra as hydraHono, pageResponse } from '@hydra-gateway/sdk/hono'
import { hydra as hydraNode, sendPage as sendNode } from '@hydra-gateway/sdk/node'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { navigate } from '../support/navigate.ts'

/** Renders what one path shows; `request` is what the framework has. */
type Pages = (path: string, request: object) => Rendering

const portOf = (server: unknown): number => ((server as Server).address() as AddressInfo).port

/** An app with a page at each path below `/shop`, in each framework; resolves with its service and port. */
const frameworks: Record<
  string,
  (t: TestContext, options: ServiceOptions, pages: Pages) => Promise<[HydraService, number]>
> = {
  async express(_t, options, pages) {
    const app = express()
    const service = await hydraExpress(app, options)
    app.get('/shop/:name', (request, response) => sendExpress(response, pages(request.params.name, request)))
    const server = app.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return [service, portOf(server)]
  },
  async fastify(_t, options, pages) {
    const app = Fastify()
    const service = await hydraFastify(app, options)
    app.get('/shop/:name', (request, reply) =>
      sendFastify(reply, pages((request.params as { name: string }).name, request)),
    )
    await app.listen({ port: 0, host: '127.0.0.1' })
    return [service, portOf(app.server)]
  },
  async hono(_t, options, pages) {
    const app = new Hono()
    app.get('/shop/:name', (context) => pageResponse(pages(context.req.param('name'), context)))
    const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
    const service = await hydraHono(app, { ...options, server })
    await eventually(() => assert.ok(portOf(server)))
    return [service, portOf(server)]
  },
  async node(_t, options, pages) {
    const server = createServer((request, response) => {
      void sendNode(response, pages(request.url!.slice('/shop/'.length), request))
    })
    const service = await hydraNode(server, { ...options, routes: ['/shop/{name}'] })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return [service, portOf(server)]
  },
}

function quiet({ url, publicKey, privateKey }: Pick<TestGateway, 'url' | 'publicKey' | 'privateKey'>) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const log = { info: say, warn: say, error: say }
  return { said, options: { gateway: url, publicKey, privateKey, signals: false, graceMs: 2000, log } }
}

/** A service whose gateway is never there. */
const alone = () => quiet({ url: 'http://127.0.0.1:9', publicKey: 'public', privateKey: 'private' })

async function startProvider(
  t: TestContext,
  gateway: TestGateway,
  name: string,
  fragments: readonly FragmentDefinition[],
): Promise<HydraService> {
  const server = createServer((_request, response) => void response.writeHead(404).end())
  const service = await hydraNode(server, { name, fragments, ...quiet(gateway).options })
  server.listen(0, '127.0.0.1')
  t.after(() => service.close())
  await service.ready
  return service
}

const HTML = `<!doctype html><html><head><title>Can</title></head><body>
<m:fragment ref="price" imports="sku" exports="amount">no price</m:fragment>
<m:fragment service="tax" ref="vat" imports="amount as net" exports="vat">no tax</m:fragment>
<m:fragment service="stock" ref="left" imports="vat">ask us</m:fragment>
</body></html>`
const price = fragment('price', { imports: ['sku'], exports: ['amount'] }, ({ imports }) => ({
  html: `<b>${imports.sku}</b>`,
  exports: { amount: 100 },
}))
const vat = fragment('vat', { imports: ['net'], exports: ['vat'] }, ({ imports }) => ({
  html: `<i>${imports.net}</i>`,
  exports: { vat: Number(imports.net) * 0.21 },
}))
const left = fragment('left', { imports: ['vat'] }, ({ imports, session }) => ({
  html: `<u>${imports.vat ?? 'nothing'} ${session ?? 0}</u>`,
  session: Number(session ?? 0) + 1,
}))
const shown = (tax: string, stock: string) =>
  HTML.replace(/<m:.*price<.*>/, '<b>can</b>')
    .replace(/<m:.*tax<.*>/, tax)
    .replace(/<m:.*ask us<.*>/, stock)

for (const [framework, start] of Object.entries(frameworks)) {
  test(`${framework}: a page of fragments of three services is whole, and without one of them a page one would still ship`, async (t) => {
    const gateway = await startGateway(t)
    const tax = await startProvider(t, gateway, 'tax', [vat])
    await startProvider(t, gateway, 'stock', [left])
    const product = page(HTML, { name: 'product.html', attributes: ['sku'] })
    const { options, said } = quiet(gateway)
    const [service] = await start(
      t,
      { name: 'shop', fragments: [price], pages: [product], affinity: true, ...options },
      (_path, request) => product.render({ sku: 'can' }, request),
    )
    t.after(() => service.close())
    await service.ready

    let cookie = ''
    const visit = async () => {
      const answer = await navigate(`${gateway.url}/shop/can`, cookie ? { cookie } : {})
      cookie = answer.routeCookie ?? cookie
      assert.equal(answer.status, 200, said.join('\n'))
      assert.match(String(answer.headers['content-type']), /^text\/html; ?charset=utf-8$/i)
      assert.equal(answer.headers['cache-control'], 'private, no-store')
      return answer.body
    }
    await eventually(async () => assert.match(await visit(), /<u>21 \d+<\/u>/))
    const before = Number(/<u>21 (\d+)<\/u>/.exec(await visit())?.[1])
    assert.equal(await visit(), shown('<i>100</i>', `<u>21 ${before + 1}</u>`))

    await tax.close()
    await eventually(async () => assert.match(await visit(), /no tax\n<u>nothing \d+<\/u>/))
    await startProvider(t, gateway, 'tax', [vat])
    await eventually(async () => assert.match(await visit(), /<i>100<\/i>\n<u>21 \d+<\/u>/))
  })

  test(`${framework}: what fails before the page begins has a status, what fails later cuts the connection`, async (t) => {
    const { options, said } = alone()
    const required = '<m:fragment service="cart" ref="buy" required>no</m:fragment>'
    const pages: Record<string, Page> = {
      first: page(required),
      held: page(`<p>head</p>${required}`, { hold: true }),
      late: page(`<p>head</p>${required}<p>rest</p>`),
      fault: page('<m:fragment ref="x" exports="sku"/>'),
    }
    const [service, port] = await start(
      t,
      { name: 'shop', pages: Object.values(pages), ...options },
      (path, request) => pages[path]!.render({ sku: 1 }, request),
    )
    t.after(() => service.close())
    const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}/shop/${path}`, init)
    for (const path of ['first', 'held']) {
      const answer = await get(path)
      assert.equal(answer.status, 503)
      assert.equal(answer.headers.get('retry-after'), '5')
      assert.match(await answer.text(), /its part “buy” of cart is not available/)
    }
    const fault = await get('fault')
    assert.equal(fault.status, 500)
    assert.doesNotMatch(await fault.text(), /sku/)
    assert.match(said.join('\n'), /FragmentExportConflict|exports "sku"/)

    const late = await get('late')
    assert.equal(late.status, 200)
    await assert.rejects(late.text())
    const { text, isWhole } = await rawAnswer(port, '/shop/late')
    assert.match(text, /<p>head<\/p>.*role="alert"/s)
    assert.ok(!text.includes('rest') && !isWhole)

    assert.equal((await get('late', { method: 'HEAD' })).status, 200)
    assert.match(said.join('\n'), /cart#buy/)
  })

  test(`${framework}: a visitor who leaves gives the fragments up`, async (t) => {
    const { options, said } = alone()
    let began = 0
    let aborted = 0
    const slow = fragment('slow', ({ signal }) => {
      began++
      signal.addEventListener('abort', () => void aborted++)
      return new Promise(() => {})
    })
    const pages: Record<string, Page> = {
      begun: page('<p>head</p><m:fragment ref="slow"/>', { budgetMs: 60_000 }),
      held: page('<m:fragment ref="slow" required/>', { budgetMs: 60_000, hold: true }),
    }
    const [service, port] = await start(
      t,
      { name: 'shop', fragments: [slow], pages: Object.values(pages), ...options, graceMs: 100 },
      (path, request) => pages[path]!.render({}, request),
    )
    t.after(() => service.close())
    for (const path of ['begun', 'held']) {
      const [before, beganBefore] = [aborted, began]
      const request = httpRequest({ port, host: '127.0.0.1', path: `/shop/${path}` })
      request.on('error', () => {})
      request.end()
      if (path === 'begun') await once(request, 'response')
      await eventually(() => assert.equal(began, beganBefore + 1))
      request.destroy()
      await eventually(() => assert.equal(aborted, before + 1))
    }
    // Who asks for the head alone has nothing rendered.
    const beganBefore = began
    const head = await fetch(`http://127.0.0.1:${port}/shop/begun`, { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers.get('cache-control')], [200, 'private, no-store'])
    assert.equal(began, beganBefore)
    assert.doesNotMatch(said.join('\n'), /not sent|AbortError/)
  })

  test(`${framework}: a large page is sent at the pace of whoever reads it`, async (t) => {
    const { options } = alone()
    const block = 'x'.repeat(1_000_000)
    const large = fragment('large', () => block)
    const product = page(Array.from({ length: 20 }, () => '<p>a</p><m:fragment ref="large"/>').join(''))
    const [service, port] = await start(
      t,
      { name: 'shop', fragments: [large], pages: [product], ...options, graceMs: 100 },
      (_path, request) => product.render({}, request),
    )
    t.after(() => service.close())
    const request = httpRequest({ port, host: '127.0.0.1', path: '/shop/large' })
    request.end()
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    let bytes = 0
    for await (const chunk of answer) bytes += (chunk as Buffer).length
    assert.equal(bytes, 20 * (block.length + '<p>a</p>'.length))
  })
}

test('a page with a fault keeps its service from starting', async () => {
  const server = createServer()
  const faulty = page('<m:fragment service="a" ref="b" imports="c" exports="c"/>', { name: 'product.html' })
  await assert.rejects(hydraNode(server, { name: 'shop', pages: [faulty], ...alone().options }), (fault) => {
    assert.ok(fault instanceof FragmentError)
    assert.equal(fault.name, 'FragmentCycle')
    return true
  })
})

test('a fragment may hold fragments of its own service and of others, in its own scope', async (t) => {
  const gateway = await startGateway(t)
  const assets = { styles: ['tax.css', '/all.css'] }
  const taxed = fragment('vat', { ...vat.options, assets }, vat.handler)
  await startProvider(t, gateway, 'tax', [taxed])
  const styled = { imports: ['sku'], exports: ['vat'], assets: { styles: ['box.css'] } }
  const box = fragment('box', styled, () => ({
    html: '[<m:fragment ref="price" imports="sku" exports="amount">-</m:fragment><m:fragment service="tax" ref="vat" imports="amount as net" exports="vat">-</m:fragment>]',
  }))
  const itself = fragment('itself', () => '(<m:fragment ref="itself">end</m:fragment>)')
  await startProvider(t, gateway, 'boxes', [box, itself, price])
  const product = page(
    '<m:fragment service="boxes" ref="box" imports="sku" exports="vat as tax">no box</m:fragment>|<m:fragment service="boxes" ref="itself">no</m:fragment>|<m:fragment ref="own" imports="tax"/>',
  )
  const own = fragment('own', { imports: ['tax'] }, ({ imports }) => `${imports.tax}`)
  const server = createServer(
    (request, response) => void sendNode(response, product.render({ sku: 'can' }, request)),
  )
  const { options } = quiet(gateway)
  const service = await hydraNode(server, {
    name: 'shop',
    routes: ['/shop'],
    pages: [product],
    fragments: [own],
    ...options,
  })
  server.listen(0, '127.0.0.1')
  t.after(() => service.close())
  await service.ready
  await eventually(async () => {
    const answer = await fetch(`${gateway.url}/shop`)
    const link = (path: string) => `<link rel="stylesheet" href="${path}">`
    const links = ['/boxes/box.css?v=0', '/tax/tax.css?v=0', '/all.css'].map(link).join('')
    assert.equal(await answer.text(), `${links}[<b>can</b><i>100</i>]|(end)|21`)
  })
})

test('a page composed in its service and in the gateway is the same', async (t) => {
  const gateway = await startGateway(t)
  const assets = { styles: ['own.css', '/shared.css'], scripts: ['own.mjs'] }
  const own = fragment('own', { imports: ['sku'], exports: ['amount'], assets }, ({ imports }) => ({
    html: `<b>${imports.sku}</b>`,
    exports: { amount: 100 },
  }))
  const left = { styles: ['left.css', '/shared.css'] }
  const stock = fragment('left', { assets: left }, () => '<u>3</u>')
  await startProvider(t, gateway, 'tax', [vat, stock, fragment('nothing', () => undefined)])
  const html = `<!doctype html><html><head><title>Can</title>
<script type="application/json" m:attributes>{"sku":"can","who":"tax"}</script></head><body>
<m:fragment ref="own" imports="sku" exports="amount">no price</m:fragment>
<M:FRAGMENT SERVICE="shop" ref='own' imports=sku />
<m:fragment service="\${who}" ref="vat" imports="amount as net" exports="vat">no tax</m:fragment>
<m:fragment service="tax" ref="nothing">nothing, but <m:fragment service="tax" ref="vat" imports="vat as net">-</m:fragment></m:fragment>
<m:fragment service="tax" ref="left"/>
<!-- <m:fragment service="tax" ref="vat"> --><script>'<m:fragment ref="own">'</script>
<m:fragment service="nobody" ref="x" exports="y"><p>away</p></m:fragment><m:fragment service="tax" ref="vat" imports="y as net"/>
</body></html>`
  const product = page(html, { name: 'product.html' })
  const server = createServer((request, response) => {
    if (request.url === '/shop/sdk') void sendNode(response, product.render({}, request))
    else response.writeHead(200, { 'content-type': 'text/html', 'hydra-compose': '1' }).end(html)
  })
  const service = await hydraNode(server, {
    name: 'shop',
    version: '2.1',
    fragments: [own],
    pages: [product],
    routes: ['/shop/sdk', '/shop/gateway'],
    ...quiet(gateway).options,
  })
  server.listen(0, '127.0.0.1')
  t.after(() => service.close())
  await service.ready
  await eventually(async () => assert.match((await navigate(`${gateway.url}/shop/sdk`)).body, /<i>100<\/i>/))
  const [ours, theirs] = [
    await navigate(`${gateway.url}/shop/sdk`),
    await navigate(`${gateway.url}/shop/gateway`),
  ]
  assert.equal(theirs.body, ours.body)
  assert.match(ours.body, /<link rel="stylesheet" href="\/shop\/own.css\?v=2.1">.*<\/head>/)
  assert.match(ours.body, /nothing, but <i>21<\/i>/)
})

test('with X-ray on, a page of a service has what developers need; without, not one byte of it', async (t) => {
  for (const xray of [true, false]) {
    const gateway = await startGateway(t, { fragments: { xray } })
    await startProvider(t, gateway, 'stock', [left])
    const product = page('<p>can</p><m:fragment service="stock" ref="left"/>')
    const server = createServer((request, response) => void sendNode(response, product.render({}, request)))
    const options = { name: 'shop', pages: [product], routes: ['/shop'], ...quiet(gateway).options }
    const service = await hydraNode(server, options)
    server.listen(0, '127.0.0.1')
    t.after(() => service.close())
    await service.ready
    await eventually(async () => assert.match((await navigate(`${gateway.url}/shop`)).body, /<u>/))
    const { body } = await navigate(`${gateway.url}/shop`)
    if (!xray) {
      assert.equal(body, '<p>can</p><u>nothing 0</u>')
      continue
    }
    assert.match(body, /<!--hydra:fragment f0--><u>nothing 0<\/u><!--\/hydra:fragment f0-->/)
    const [, data = ''] = /id="hydra-xray">(.*?)<\/script>/.exec(body) ?? []
    const [{ service: provider, ref, via }] = JSON.parse(data).fragments
    assert.deepEqual([provider, ref, via], ['stock', 'left', 'rsocket'])
  }
})

/** What came of an answer, and whether it ended as one should. */
function rawAnswer(port: number, path: string): Promise<{ text: string; isWhole: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket(port, '127.0.0.1')
    let text = ''
    socket.setEncoding('utf8')
    socket.on('data', (piece: string) => {
      text += piece
    })
    socket.on('error', (fault: NodeJS.ErrnoException) => {
      if (fault.code !== 'ECONNRESET') reject(fault)
    })
    socket.on('close', () => resolve({ text, isWhole: text.endsWith('0\r\n\r\n') }))
    socket.write(`GET ${path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n`)
  })
}
