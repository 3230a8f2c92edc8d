/**
 * Menus, links and live fragments in pages the gateway composes.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { MenuView } from '@hydra-gateway/protocol'
import type { Caller } from '../identity/port.ts'
import type { PageMenus } from '../menus/port.ts'
import { onHead, rawServer } from '../proxy/testing/raw.ts'
import { instanceAt, type RigRoute, startRig } from '../proxy/testing/rig.ts'
import { type HandComposer, handComposer, handResolver, type Play } from './testing/hand-resolver.ts'

interface Asked {
  readonly path: string
  readonly host: string
  readonly caller: Caller | undefined
}

interface Site extends PageMenus {
  readonly asked: readonly Asked[]
}

const MAIN: MenuView = {
  name: 'main',
  items: [
    { path: '/catalog', label: 'Catalog & more', state: 'available' },
    { path: '/orders', label: 'Orders', state: 'down', reason: 'Orders is away' },
  ],
}

/** `/orders` is down, `/closed` is not for the visitor, of `/else` nobody knows. */
function handMenus(): Site {
  const asked: Asked[] = []
  return {
    asked,
    view: (name) => (name === 'main' ? MAIN : undefined),
    link(path, host, caller) {
      asked.push({ path, host, caller })
      if (path === '/orders') return { state: 'down', reason: 'Orders is “away”' }
      if (path === '/closed') return { state: 'closed' }
      return path === '/else' ? undefined : { state: 'available' }
    },
  }
}

const MAIN_MARKUP = (current = '') =>
  `<hydra-menu name="main"><ul><li data-state="available"><a data-hydra-link="/catalog" href="/catalog"${current}>Catalog &amp; more</a></li><li data-state="down"><a data-hydra-link="/orders" role="link" aria-disabled="true" tabindex="0" title="Orders is away">Orders</a></li></ul></hydra-menu>`
const DOWN = (reason = 'Orders is “away”') =>
  `<a data-hydra-link="/orders" role="link" aria-disabled="true" tabindex="0" title="${reason}">`

const marks = { make: (...parts: readonly unknown[]) => parts.join('.') }

/** Names are filled by who resolves. */
const WHICH = '\x24{which}'

async function serve(
  t: TestContext,
  html: string | Buffer,
  {
    plays = {},
    contentType = 'text/html; charset=utf-8',
    route,
    ...composer
  }: HandComposer & { plays?: Record<string, Play>; contentType?: string; route?: Partial<RigRoute> } = {},
) {
  const body = Buffer.from(html as string)
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${contentType}\r\nHydra-Compose: 1\r\nContent-Length: ${body.length}\r\n\r\n`
  const { port } = await rawServer(t, (end) =>
    onHead(end, (request) => {
      end.send(Buffer.concat([Buffer.from(head), request.startsWith('HEAD') ? Buffer.alloc(0) : body]))
    }),
  )
  const menus = handMenus()
  const resolver = handResolver((tag) => plays[tag.ref])
  const rig = await startRig(t, {
    composer: handComposer(resolver, { menus, marks, ...composer }),
    routes: [{ path: '/**', instances: [instanceAt(port)], ...route }],
  })
  const get = async (path = '/', init: RequestInit = {}) =>
    (await fetch(new URL(path, rig.url), { signal: AbortSignal.timeout(10_000), ...init })).text()
  return { ...rig, menus, resolver, get }
}

test('a menu stands where its tag stood, for whom the page is for and where it is', async (t) => {
  const { get } = await serve(
    t,
    '<nav><m:menu name="main"><a href="/">Home</a></m:menu></nav><M:MENU name=main class="a&amp;b" id=top current="/orders"/>',
  )
  assert.equal(
    await get('/catalog?x=1'),
    `<nav>${MAIN_MARKUP(' aria-current="page"')}</nav>${MAIN_MARKUP()
      .replace('name="main"', 'name="main" class="a&amp;b" id="top"')
      .replace('Orders is away"', 'Orders is away" aria-current="page"')}`,
  )
})

test('a menu nobody knows yet is its element around its fallback, and one that never ends hides nothing', async (t) => {
  const { get, metrics } = await serve(
    t,
    'a<m:menu name="other">b<a m:link href="/orders">c</a><m:fragment service="parts" ref="a">d</m:fragment></m:menu>e<m:menu>f</m:menu><m:menu name="main">g<m:fragment service="parts" ref="a"/>',
    { plays: { a: { html: '[a]' } } },
  )
  assert.equal(await get(), `a<hydra-menu name="other">b${DOWN()}c</a>d</hydra-menu>efg[a]`)
  const dropped = (await metrics.text()).body
  assert.match(dropped, /what="tag-syntax"\} 2/)
  assert.match(dropped, /what="unclosed"\} 1/)
})

test('links are rewritten in the page, in fallbacks and in fragments of others', async (t) => {
  const link = '<a m:link href="/orders">'
  const { get } = await serve(
    t,
    `${link}<p><a class=x href="/orders"></p><m:fragment service="parts" ref="gone">${link}<m:menu name=main /></m:fragment><m:fragment service="parts" ref="a"/>`,
    { plays: { gone: 'failed', a: { html: `<p>${link}</p><m:menu name=main>x</m:menu>` } } },
  )
  assert.equal(
    await get(),
    `${DOWN()}<p><a class=x href="/orders"></p>${DOWN()}${MAIN_MARKUP()}<p>${DOWN()}</p>${MAIN_MARKUP()}`,
  )
})

test('a link is judged by where it leads from this page, and left alone where that is elsewhere', async (t) => {
  const { get, menus, url } = await serve(
    t,
    `<a m:link href="../orders?x=1&amp;y#z"><a m:link href="/closed"><a m:link href="/else"><a m:link href="https://elsewhere.example/orders"><a m:link href="//elsewhere.example/orders"><a m:link href="/%zz"><a m:link href="?y"><a m:link>`,
  )
  assert.equal(
    await get('/shop/list?x=2'),
    '<a data-hydra-link="/orders?x=1&amp;y#z" role="link" aria-disabled="true" tabindex="0" title="Orders is “away”">' +
      '<a data-hydra-link="/closed" role="link" aria-disabled="true" tabindex="0"><a data-hydra-link="/else" href="/else">' +
      '<a m:link href="https://elsewhere.example/orders"><a m:link href="//elsewhere.example/orders">' +
      '<a m:link href="/%zz"><a data-hydra-link="/shop/list?y" href="?y"><a m:link>',
  )
  assert.deepEqual(
    menus.asked.map(({ path }) => path),
    ['/orders', '/closed', '/else', '/shop/list'],
  )
  assert.equal(menus.asked[0]!.host, new URL(url).hostname)
})

test('in pages of other characters, what is put in is read right, and what stays keeps its bytes', async (t) => {
  const html = Buffer.from('<p title="\xe9"><a m:link href="/orders" class="\xe9">\xe9', 'latin1')
  const { url } = await serve(t, html, { contentType: 'text/html; charset=iso-8859-1' })
  const bytes = Buffer.from(await (await fetch(url)).arrayBuffer())
  assert.equal(
    bytes.toString('latin1'),
    `<p title="\xe9">${DOWN('Orders is &#8220;away&#8221;').slice(0, -1)} class="\xe9">\xe9`,
  )
})

test('a page that everybody gets has menus as for somebody who is not signed in', async (t) => {
  const caller = { subject: 'ann' } as never
  const seen = async (route: Partial<RigRoute>) => {
    const { get, menus } = await serve(t, '<a m:link href="/x">', {
      route,
    })
    await get()
    return menus.asked[0]!.caller
  }
  assert.equal(caller && (await seen({ composedCache: 'keep' })), undefined)
})

test('menus of one page are no more than a page may have', async (t) => {
  const { get, metrics, lines } = await serve(t, '<m:menu name=main>x</m:menu>'.repeat(20), {
    settings: { maxPageBytes: 1024 },
  })
  const html = await get()
  assert.equal(html.split('<ul>').length - 1, Math.floor(1024 / MAIN_MARKUP().length))
  assert.match((await metrics.text()).body, /what="menus-too-large"\} 1/)
  assert.ok(lines.some((line) => JSON.stringify(line).includes('fragments.maxPageBytes')))
})

test('HEAD says what GET says, and nothing is put together for it', async (t) => {
  const { url, menus } = await serve(t, '<a m:link href="/x">')
  const answer = await fetch(url, { method: 'HEAD' })
  assert.equal(answer.headers.get('cache-control'), 'private, no-cache')
  assert.equal(menus.asked.length, 0)
})

test('the place of a live fragment is marked, the same whether it is shown or not', async (t) => {
  const html =
    '<script type="application/json" m:attributes>{"which":"a"}</script>' +
    '<m:fragment service="parts" ref="a" live>x<m:fragment service="parts" ref="b" live>y</m:fragment></m:fragment>' +
    '<m:fragment service="parts" ref="\x24{which}" live/><m:fragment ref="b" service="parts" live/><m:fragment service="parts" ref="c">z</m:fragment>' +
    '<m:fragment ref="own" live/>'
  const [a, b] = [{ html: '[a]' }, { html: '[b]' }]
  const down = await serve(t, html, {
    plays: { a: 'failed', [WHICH]: 'failed', b, c: 'failed', own: 'failed' },
  })
  assert.equal(
    await down.get(),
    '<!--hydra:live parts.a.0-->x<!--hydra:shown parts.b.0-->[b]<!--/hydra:live--><!--/hydra:live-->' +
      '<!--hydra:live parts.a.1--><!--/hydra:live--><!--hydra:shown parts.b.1-->[b]<!--/hydra:live-->z' +
      '<!--hydra:live shop.own.0--><!--/hydra:live-->',
  )
  const up = await serve(t, html, { plays: { a, [WHICH]: a, b, c: { html: '[c]' }, own: 'failed' } })
  assert.equal(
    await up.get(),
    '<!--hydra:shown parts.a.0-->[a]<!--/hydra:live--><!--hydra:shown parts.a.1-->[a]<!--/hydra:live-->' +
      '<!--hydra:shown parts.b.1-->[b]<!--/hydra:live-->[c]<!--hydra:live shop.own.0--><!--/hydra:live-->',
  )
  assert.equal(await up.get('/', { method: 'POST' }), '[a][a][b][c]', 'nobody can ask for that again')
})

test('without menus their tags are text like any other', async (t) => {
  const html = '<m:menu name=main>x</m:menu><a m:link href="/orders">'
  const { get } = await serve(t, html, { menus: undefined as never, marks: undefined as never })
  assert.equal(await get(), html)
})
