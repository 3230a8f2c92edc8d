/**
 * What the shop sells, one page for each good: Fastify.
 *
 * Its pages are put together by the gateway (`hydra-compose`), menus and all. On the page of a good, what the good is comes
 * from here, its stock and what goes with it from home, the way to an order from orders, the line about the visitor from
 * account. Each tag has what is shown while that service is away, and with `live` turns back in the page that is open.
 *
 * It remembers nothing, so any number of instances may serve a visitor in turn: the visitor's own list is in a
 * cookie.
 *
 * @module
 */
import { fragment } from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/fastify'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import { GOODS, type Good, goodOf } from './look/goods.ts'
import { type Html, html, textOf } from './look/html.ts'
import { MENU_TAGS } from './look/menus.ts'
import { type Maker, notFoundPage, page, price } from './look/page.ts'
import { picture } from './look/pictures.ts'
import { shape } from './look/shapes.ts'

const version = '1.8.0'
const LIST_COOKIE = 'lerna-list'

/** What a good is. Whatever else stands on its page goes by the `sku` and price it gives. */
const about = fragment('about', { imports: ['good'], exports: ['sku', 'priceCents'] }, ({ imports }) => {
  const good = goodOf(String(imports.good))
  if (!good) return undefined
  const { id, name, about, priceCents } = good
  const text = html`<h1>${name}</h1>
<p>${about}</p>
<p class="price num">${price(priceCents)}</p>`
  return { html: textOf(text), exports: { sku: id, priceCents } }
})

const app = Fastify()
const service = await hydra(app, {
  name: 'catalog',
  title: 'Catalog',
  version,
  menu: [{ path: '/catalog', label: 'Catalog', order: 2 }],
  fragments: [about],
})
service.on('registered', () => process.send?.(service.instanceId))
const maker: Maker = { service, version, framework: 'Fastify' }

// A form without a script sends its fields so; none of them is needed here.
app.addContentTypeParser('application/x-www-form-urlencoded', (_request, body, done) => {
  body.resume()
  body.on('end', () => done(null))
})

app.get('/catalog', async (request, reply) =>
  send(reply, page({ title: 'Catalog', main: all(listOf(request)), menus: MENU_TAGS, maker })),
)

app.get<{ Params: { id: string } }>('/catalog/:id', async (request, reply) => {
  const good = goodOf(request.params.id)
  if (!good) return notFound(reply)
  const main = one(good, listOf(request))
  return send(
    reply,
    page({
      title: good.name,
      main,
      menus: MENU_TAGS,
      maker,
      kind: 'split',
      attributes: { good: good.id },
    }),
  )
})

/** Puts a good on the visitor's list, or takes it off. */
app.post<{ Params: { id: string } }>('/catalog/:id/list', async (request, reply) => {
  const good = goodOf(request.params.id)
  if (!good) return notFound(reply)
  const list = listOf(request)
  const next = list.includes(good.id) ? list.filter((id) => id !== good.id) : [...list, good.id]
  return reply
    .header(
      'set-cookie',
      `${LIST_COOKIE}=${next.join('.')}; Path=/catalog; Max-Age=86400; HttpOnly; SameSite=Lax`,
    )
    .redirect(`/catalog/${good.id}`, 303)
})

await app.listen({ port: 0, host: process.env.SHOP_HOST ?? '127.0.0.1' })

function all(list: readonly string[]): Html {
  const kept = GOODS.filter(({ id }) => list.includes(id))
  return html`<div class="words"><h1>Catalog</h1><p class="lead">Six things. Each has a page with everything there is to know.</p>${kept.length > 0 && html`<p>On your list: ${kept.map(({ id, name }, index) => html`${index > 0 && ', '}<a href="/catalog/${id}">${name}</a>`)}.</p>`}</div>
<ul class="goods">${GOODS.map((good) => html`<li class="card">${picture(good.id, { decorative: true })}<p><a href="/catalog/${good.id}">${good.name}</a><span class="num">${price(good.priceCents)}</span></p></li>\n`)}</ul>`
}

function one(good: Good, list: readonly string[]): Html {
  const isKept = list.includes(good.id)
  const keep = html`<form method="post" action="/catalog/${good.id}/list"><button class="button quiet" type="submit">${isKept ? 'Take off my list' : 'Keep on my list'}</button></form>`
  return html`<figure class="picture">${picture(good.id)}</figure>
<div class="side">
<div class="about"><m:fragment ref="about" imports="good" exports="sku, priceCents" required><h1>${good.name}</h1></m:fragment></div>
<m:fragment service="home" ref="stock" imports="sku" live><p class="soft">How many we have is not known right now.</p></m:fragment>
<div class="order-box card"><m:fragment service="orders" ref="buy" imports="sku, priceCents" live><div class="note away">${shape('down')}<strong>Ordering is away for a moment</strong><span>The button comes back by itself<noscript> when you load this page again</noscript>. Until then you can keep it on your list.</span></div></m:fragment></div>
${keep}
<m:fragment service="account" ref="greeting" live><p class="greeting soft small">Your account is away for a moment</p></m:fragment>
</div>
<div class="wide related"><m:fragment service="home" ref="related" imports="sku" live><section><h2>More in the catalog</h2><p><a href="/catalog">See everything</a></p></section></m:fragment></div>`
}

function notFound(reply: FastifyReply) {
  const back = html`<a class="button" href="/catalog">Go to the catalog</a>`
  return send(reply.code(404), notFoundPage(maker, MENU_TAGS, 'We do not sell this', back))
}

function send(reply: FastifyReply, text: string) {
  return reply
    .headers({ 'cache-control': 'no-store', 'hydra-compose': '1' })
    .type('text/html; charset=utf-8')
    .send(text)
}

/** Ids on the visitor's list; what we don't sell is passed over. */
function listOf(request: FastifyRequest): string[] {
  const [, value = ''] = /(?:^|; )lerna-list=([\w.-]*)/.exec(request.headers.cookie ?? '') ?? []
  return value.split('.').filter((id) => goodOf(id))
}
