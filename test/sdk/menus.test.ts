import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { serve } from '@hono/node-server'
import type { HydraService, Menu, MenuItemOption } from '@hydra-gateway/sdk'
import { hydra as hydraExpress, menus as menusExpress } from '@hydra-gateway/sdk/express'
import { hydra as hydraFastify, menus as menusFastify, siteOf } from '@hydra-gateway/sdk/fastify'
import { hydra as hydraHono, menus as menusHono, type SiteVariables } from '@hydra-gateway/sdk/hono'
import { hydra as hydraNode } from '@hydra-gateway/sdk/node'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { asked, signIn, startSite } from './identity-support.ts'

function optionsAt({ url, publicKey, privateKey }: TestGateway) {
  return { gateway: url, publicKey, privateKey, signals: false, graceMs: 500, log: false as const }
}

/** A service with pages at the given paths, and the items that lead there and elsewhere. */
async function service(
  t: TestContext,
  gateway: TestGateway,
  name: string,
  routes: readonly (string | { path: string; roles?: string[]; auth?: 'required' })[],
  menu: readonly MenuItemOption[] | Record<string, readonly MenuItemOption[]> = [],
): Promise<HydraService> {
  const server = createServer((_request, response) => response.end(name))
  const made = await hydraNode(server, { name, routes, menu, ...optionsAt(gateway) })
  t.after(() => made.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await made.ready
  return made
}

const ready = async (t: TestContext, made: HydraService): Promise<void> => {
  t.after(() => made.close())
  await made.ready
}

const labels = (menu: Menu) => menu.map(({ label }) => label)

const DESK = [
  { path: '/desk', label: 'Desk' },
  { path: '/desk/staff', label: 'Staff', roles: ['STAFF'] },
  { path: '/desk/mine', label: 'Mine', signedOut: 'show' },
  { path: '/desk/boss', label: 'Boss' },
] as const
const DESK_ROUTES = [
  '/desk',
  '/desk/staff',
  { path: '/desk/mine', auth: 'required' as const },
  { path: '/desk/boss', roles: ['ADMIN'] },
]
/** The same from every framework, with what stands at `/shop` itself. */
const SIGNED_OUT =
  '<hydra-menu name="main"><ul>' +
  '<li data-state="available"><a data-hydra-link="/desk" href="/desk">Desk</a></li>' +
  '<li data-state="available"><a data-hydra-link="/desk/mine" href="/desk/mine">Mine</a></li>' +
  '<li data-state="available"><a data-hydra-link="/shop" href="/shop" aria-current="page">Shop &amp; &lt;more&gt;</a></li>' +
  '</ul></hydra-menu>'
const SHOP = [{ path: '/shop', label: 'Shop & <more>' }]

/** What everybody sees at /shop, who renders it however. */
async function checkShop(gateway: TestGateway): Promise<void> {
  const mira = await signIn(gateway, 'mira')
  const root = await signIn(gateway, 'root')
  const [out, hers, his] = await eventually(async () => {
    const pages = await Promise.all(
      [undefined, mira, root].map((cookie) => asked(`${gateway.url}/shop?x=1`, cookie)),
    )
    assert.match(pages[0]!, /Desk/)
    return pages as [string, string, string]
  })
  assert.equal(out, `200 ${SIGNED_OUT}|<a data-hydra-link="/desk/boss" href="/desk/boss">Boss</a>`)
  const shown = (page: string) => [...page.matchAll(/<li[^>]*><a[^>]*>([^<]*)/g)].map(([, label]) => label)
  assert.deepEqual(shown(hers), ['Desk', 'Mine', 'Shop &amp; &lt;more&gt;', 'Staff'])
  assert.match(
    hers,
    /\|<a data-hydra-link="\/desk\/boss" role="link" aria-disabled="true" tabindex="0" title="This is not open to you">Boss<\/a>$/,
  )
  assert.deepEqual(shown(his), ['Boss', 'Desk', 'Mine', 'Shop &amp; &lt;more&gt;', 'Staff'])
  assert.match(his, /\|<a data-hydra-link="\/desk\/boss" href="\/desk\/boss">Boss<\/a>$/)
}

test('Express: templates are given the menus and links of their visitor', async (t) => {
  const gateway = await startSite(t)
  await service(t, gateway, 'desk', DESK_ROUTES, DESK)
  const app = express()
  // As EJS and the others do: what is given to all templates stands beside the values of the page.
  app.engine('ts', (_path, { hydra }: any, done) =>
    done(null, `${hydra.menus.main.html}|<a ${hydra.link('/desk/boss')}>Boss</a>`),
  )
  app.set('views', import.meta.dirname)
  app.use(menusExpress(() => shop))
  app.get('/shop', (_request, response) => response.render('menus.test.ts'))
  const shop = await hydraExpress(app, { name: 'shop', menu: SHOP, ...optionsAt(gateway) })
  app.listen(0, '127.0.0.1')
  await ready(t, shop)
  await checkShop(gateway)
})

test('Fastify: replies carry the menus and links of their visitor, and handlers find them', async (t) => {
  const gateway = await startSite(t)
  await service(t, gateway, 'desk', DESK_ROUTES, DESK)
  const app = Fastify()
  const shop = await hydraFastify(app, { name: 'shop', menu: SHOP, ...optionsAt(gateway) })
  app.addHook('preHandler', menusFastify(shop))
  app.get('/shop', async (request, reply) => {
    const { hydra } = (reply as unknown as { locals: { hydra: unknown } }).locals
    assert.equal(hydra, siteOf(request))
    const site = siteOf(request)!
    return reply.type('text/html').send(`${site.menu()}|${site.link('/desk/boss').toHtml('Boss')}`)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  await ready(t, shop)
  await checkShop(gateway)
})

test('Hono: the context has the menus and links of its visitor', async (t) => {
  const gateway = await startSite(t)
  await service(t, gateway, 'desk', DESK_ROUTES, DESK)
  const app = new Hono<{ Variables: SiteVariables }>()
  app.use(menusHono(() => shop))
  app.get('/shop', ({ html, var: { hydra } }) =>
    html(`${hydra.menu('main')}|${hydra.link('/desk/boss').toHtml('Boss')}`),
  )
  const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' })
  const shop: HydraService = await hydraHono(app, { name: 'shop', menu: SHOP, server, ...optionsAt(gateway) })
  await ready(t, shop)
  await checkShop(gateway)
})

test('a plain server renders them for the sender of a request', async (t) => {
  const gateway = await startSite(t)
  await service(t, gateway, 'desk', DESK_ROUTES, DESK)
  const server = createServer(async (request, response) => {
    const [menu, link] = await Promise.all([shop.menu('main', request), shop.link('/desk/boss', request)])
    response.setHeader('content-type', 'text/html').end(`${menu}|${link.toHtml('Boss')}`)
  })
  const shop = await hydraNode(server, { name: 'shop', routes: ['/shop'], menu: SHOP, ...optionsAt(gateway) })
  server.listen(0, '127.0.0.1')
  await ready(t, shop)
  await checkShop(gateway)
})

test('menus without their service are noticed at once, and named where they stand', async (t) => {
  const gateway = await startGateway(t)
  assert.throws(() => menusExpress(undefined as never), /menus: the first argument has to be the service/)
  assert.throws(() => menusHono(Promise.resolve() as never), /await hydra/)
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const app = express()
  app.use('/shop', menusExpress as never)
  app.get('/shop', (_request, response) => void response.end())
  const shop = await hydraExpress(app, {
    name: 'shop',
    ...optionsAt(gateway),
    log: { info: say, warn: say, error: say },
  })
  app.listen(0, '127.0.0.1')
  await ready(t, shop)
  assert.ok(
    said.some((text) => text.includes('write menus(service)')),
    said.join('\n'),
  )
})

test('an item that ends below another, under a heading, of two services', async (t) => {
  const gateway = await startGateway(t)
  await service(
    t,
    gateway,
    'desk',
    ['/desk', '/desk/new'],
    [
      { path: '/desk/new', label: 'New', parent: '/shop', order: 1 },
      { path: '/desk', label: 'Desk', group: 'Work' },
    ],
  )
  const shop = await service(
    t,
    gateway,
    'shop',
    ['/shop'],
    [{ path: '/shop', label: 'Shop', group: 'Work', icon: 'bag' }],
  )
  await eventually(() => assert.deepEqual(labels(shop.menu()), ['Desk', 'Shop', 'New']))
  const plain = shop.menu().html.replace(/ (data-hydra-link|href|data-state)="[^"]*"/g, '')
  assert.equal(
    plain,
    '<hydra-menu name="main"><ul><li data-group="Work"><span>Work</span><ul><li><a>Desk</a></li><li><a data-icon="bag">Shop</a><ul><li><a>New</a></li></ul></li></ul></li></ul></hydra-menu>',
  )
})

test('what a hostile service calls its items is text in the pages of others, and its addresses lead nowhere', async (t) => {
  const gateway = await startGateway(t)
  await service(
    t,
    gateway,
    'hostile',
    ['/hostile'],
    [
      {
        path: '/hostile',
        label: '<script>alert(1)</script>',
        icon: '" onload="x',
        group: '</ul><img src=x>',
      },
      { path: 'javascript:alert(1)', label: 'Click me' },
      { path: '//evil.example', label: 'Me too' },
      { path: '/\\evil.example', label: 'And me' },
    ],
  )
  const shop = await service(t, gateway, 'shop', ['/shop'], [{ path: '/shop', label: 'Shop' }])
  await eventually(() => assert.equal(shop.menu().length, 2))
  const { html } = shop.menu()
  assert.doesNotMatch(html, /<script|<img|Click me|evil|" onload/)
  assert.match(html, /&lt;script&gt;alert\(1\)&lt;\/script&gt;/)
})

test('while the gateway is away a service goes on with what it said last, marked, and is fresh again afterwards', async (t) => {
  const first = await startGateway(t)
  const port = Number(new URL(first.url).port)
  const shop = await service(t, first, 'shop', ['/shop'], [{ path: '/shop', label: 'Shop' }])
  assert.equal(shop.isStale, false)
  assert.equal(shop.staleSince, undefined)
  assert.deepEqual(labels(shop.menu()), ['Shop'], 'the registration has filled it')
  await first.close()
  await eventually(() => assert.ok(shop.isStale))
  const since = shop.staleSince ?? 0
  assert.ok(Math.abs(Date.now() - since) < 5000)
  assert.deepEqual(labels(shop.menu()), ['Shop'])
  assert.equal(shop.menu().isStale, true)
  assert.equal(shop.menu()[0]?.state, 'available', 'items keep their states')
  assert.equal(shop.link('/shop').isStale, true)
  const { publicKey, privateKey } = first
  await startGateway(t, { port, keys: { publicKey: [publicKey], privateKey: [privateKey] } } as never)
  await eventually(() => assert.equal(shop.isStale, false))
  assert.deepEqual(labels(shop.menu()), ['Shop'])
})
