/**
 * What the shop sells, one page for each good: Fastify.
 *
 * The page of a good is put together by the gateway (`hydra-compose`): what the good is comes from here, its stock
 * and what goes with it from home, the order button from orders, the line in the header from account. Each tag has
 * what is shown while that service is away.
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
  send(reply, page({ title: 'Catalog', main: all(listOf(request)), path: '/catalog', maker })),
)

app.get<{ Params: { id: string } }>('/catalog/:id', async (request, reply) => {
  const good = goodOf(request.params.id)
  if (!good) return notFound(reply, request.url)
  const main = one(good, listOf(request))
  reply.header('hydra-compose', '1')
  return send(
    reply,
    page({
      title: good.name,
      main,
      path: request.url,
      maker,
      kind: 'split',
      aside: greeting,
      attributes: { good: good.id },
    }),
  )
})

/** Puts a good on the visitor's list, or takes it off. */
app.post<{ Params: { id: string } }>('/catalog/:id/list', async (request, reply) => {
  const good = goodOf(request.params.id)
  if (!good) return notFound(reply, request.url)
  const list = listOf(request)
  const next = list.includes(good.id) ? list.filter((id) => id !== good.id) : [...list, good.id]
  return reply
    .header(
      'set-cookie',
      `${LIST_COOKIE}=${next.join('.')}; Path=/catalog; Max-Age=86400; HttpOnly; SameSite=Lax`,
    )
    .redirect(`/catalog/${good.id}`, 303)
})

await app.listen({ port: 0, host: '127.0.0.1' })

function all(list: readonly string[]): Html {
  const kept = GOODS.filter(({ id }) => list.includes(id))
  return html`<div class="words"><h1>Catalog</h1><p class="lead">Six things. Each has a page with everything there is to know.</p>${kept.length > 0 && html`<p>On your list: ${kept.map(({ id, name }, index) => html`${index > 0 && ', '}<a href="/catalog/${id}">${name}</a>`)}.</p>`}</div>
<ul class="goods">${GOODS.map((good) => html`<li class="card">${picture(good.id, { decorative: true })}<p><a href="/catalog/${good.id}">${good.name}</a><span class="num">${price(good.priceCents)}</span></p></li>\n`)}</ul>`
}

/** The visitor's own line; without account there is a link all the same. */
const greeting = html`<m:fragment service="account" ref="greeting"><p class="greeting"><span class="soft">Your account is away for a moment</span></p></m:fragment>
`

function one(good: Good, list: readonly string[]): Html {
  const isKept = list.includes(good.id)
  const keep = html`<form method="post" action="/catalog/${good.id}/list"><button class="button quiet" type="submit">${isKept ? 'Take off my list' : 'Keep on my list'}</button></form>`
  return html`<figure class="picture">${picture(good.id)}</figure>
<div class="side">
<div class="about"><m:fragment ref="about" imports="good" exports="sku, priceCents" required><h1>${good.name}</h1></m:fragment></div>
<m:fragment service="home" ref="stock" imports="sku"><p class="soft">How many we have is not known right now. Nothing is sold twice.</p></m:fragment>
<m:fragment service="orders" ref="buy" imports="sku, priceCents"><div class="note away">${shape('down')}<strong>Ordering is away for a moment</strong><span>The button is back when this page is loaded again. Until then you can keep it on your list.</span><div class="actions"><a class="button" role="link" aria-disabled="true">Order one</a></div></div></m:fragment>
${keep}
</div>
<m:fragment service="home" ref="related" imports="sku"><section class="wide"><h2>More in the catalog</h2><p><a href="/catalog">See everything</a></p></section></m:fragment>`
}

function notFound(reply: FastifyReply, path: string) {
  const back = html`<a class="button" href="/catalog">Go to the catalog</a>`
  return send(reply.code(404), notFoundPage(maker, path, 'We do not sell this', back))
}

function send(reply: FastifyReply, text: string) {
  return reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(text)
}

/** Ids on the visitor's list; what we don't sell is passed over. */
function listOf(request: FastifyRequest): string[] {
  const [, value = ''] = /(?:^|; )lerna-list=([\w.-]*)/.exec(request.headers.cookie ?? '') ?? []
  return value.split('.').filter((id) => goodOf(id))
}
