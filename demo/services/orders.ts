/**
 * Orders: Hono.
 *
 * They are kept in a file, one line each, so that they outlive the process.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'
import { appendFile, readFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { fragment } from '@hydra-gateway/sdk'
import { hydra, menus, requireUser, type SiteVariables, type UserVariables } from '@hydra-gateway/sdk/hono'
import { type Context, Hono } from 'hono'
import { FALLBACK } from './look/fallback.ts'
import { type Good, goodOf } from './look/goods.ts'
import { type Html, html, textOf, trusted } from './look/html.ts'
import { menusOf } from './look/menus.ts'
import { type Maker, notFoundPage, page, price } from './look/page.ts'

interface Order {
  readonly id: string
  readonly good: string
  /** Epoch ms. */
  readonly at: number
  /** For those who pack. */
  readonly note?: string
}

const version = '3.1.2'
const FILE = join(process.env.SHOP_DATA ?? tmpdir(), 'lerna-orders.jsonl')
const MOST_SHOWN = 20
const LONGEST_NOTE = 120

/**
 * The way to an order, for the page of a good: who makes that page knows nothing of ordering. In a page that is open the
 * link goes off with this service, and comes back with it.
 */
const buy = fragment(
  'buy',
  { imports: ['sku', 'priceCents'], assets: { styles: ['buy.css'] } },
  ({ imports: { sku, priceCents } }) => {
    if (typeof sku !== 'string' || typeof priceCents !== 'number') return undefined
    return textOf(
      html`<p class="buy"><a class="button" ${trusted(String(service.link(`/orders/new?good=${sku}`)))}>Order one</a><span class="when soft small"><span class="num">${price(priceCents)}, sent tomorrow</span><span>Back soon, stay if you like</span></span></p>`,
    )
  },
)

type Variables = UserVariables & SiteVariables

const app = new Hono<{ Variables: Variables }>()
const STYLE = await readFile(new URL('static/buy.css', import.meta.url), 'utf8')
app.get('/static/buy.css', (context) =>
  context.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'max-age=600' }),
)

// `context.var.hydra`: the menus and links of whoever sent the request.
app.use(menus(() => service))

app.get('/orders', async (context) => {
  const orders = await readOrders()
  if (wantsJson(context)) return context.json({ orders: orders.slice(0, MOST_SHOWN), count: orders.length })
  const verified = await service.verify(context)
  const main = all(orders, verified?.roles.includes('ADMIN') ?? false)
  return send(context, frame(context, 'Orders', main))
})

app.post('/orders', async (context) => {
  const { good: asked, note } = await fieldsOf(context)
  const good = goodOf(asked)
  if (!good) {
    if (wantsJson(context)) return context.json({ error: 'good: none of the ids in the catalog' }, 400)
    const back = html`<a class="button" href="/catalog">Go to the catalog</a>`
    return send(context, notFoundPage(maker, menusOf(context.var.hydra), 'We do not sell this', back), 400)
  }
  const order: Order = {
    id: randomBytes(4).toString('hex'),
    good: good.id,
    at: Date.now(),
    ...(note && { note }),
  }
  await appendFile(FILE, `${JSON.stringify(order)}\n`)
  if (wantsJson(context)) return context.json(order, 201, { location: `/orders/${order.id}` })
  return context.redirect(`/orders/${order.id}`, 303)
})

/** For who works here: the role is called ADMIN in this service, and STAFF at the gateway. */
app.get(
  '/orders/desk',
  requireUser(() => service, { roles: ['ADMIN'] }),
  async (context) => {
    const { username } = context.get('user')
    const main = desk(await readOrders(), username)
    return send(context, frame(context, 'Order desk', main))
  },
)

/** One look before it is sent. */
app.get('/orders/new', (context) => {
  const good = goodOf(context.req.query('good') ?? '')
  if (!good) {
    const back = html`<a class="button" href="/catalog">Go to the catalog</a>`
    return send(context, notFoundPage(maker, menusOf(context.var.hydra), 'We do not sell this', back), 404)
  }
  return send(context, frame(context, `Order ${good.name}`, before(good)))
})

app.get('/orders/:id', async (context) => {
  const order = (await readOrders()).find(({ id }) => id === context.req.param('id'))
  const good = order && goodOf(order.good)
  if (!order || !good) {
    const back = html`<a class="button" href="/orders">Go to your orders</a>`
    return send(context, notFoundPage(maker, menusOf(context.var.hydra), 'There is no such order', back), 404)
  }
  if (wantsJson(context)) return context.json(order)
  const main = one(order, good)
  return send(context, frame(context, `Order ${order.id}`, main))
})

// It listens only after everything its answers need is there.
const server = createAdaptorServer({ fetch: app.fetch }) as Server
const service = await hydra(app, {
  name: 'orders',
  title: 'Orders',
  version,
  server,
  menu: [
    { path: '/orders', label: 'Orders', order: 3 },
    // Nobody else hears of it.
    { path: '/orders/desk', label: 'Desk', order: 4, roles: ['ADMIN'] },
  ],
  statics: ['buy.css'],
  fragments: [buy],
  fallback: FALLBACK,
})
const maker: Maker = { service, version, framework: 'Hono' }
service.on('registered', () => process.send?.(service.instanceId))
server.listen(0, process.env.SHOP_HOST ?? '127.0.0.1')

function all(orders: readonly Order[], worksHere: boolean): Html {
  const toDesk =
    worksHere &&
    html`<p class="actions"><a class="button quiet" href="/orders/desk">Go to the order desk</a></p>`
  if (orders.length === 0) {
    return html`<div class="words"><h1>Orders</h1><p class="lead">Nobody has ordered anything yet.</p><p class="actions"><a class="button" href="/catalog">Go to the catalog</a></p>${toDesk}</div>`
  }
  return html`<div class="words"><h1>Orders</h1><p class="lead num">${orders.length === 1 ? 'One order' : `${orders.length.toLocaleString('en')} orders`} so far${orders.length > MOST_SHOWN && `, the last ${MOST_SHOWN} of them here`}.</p>${toDesk}</div>
<ul class="rows">${orders.slice(0, MOST_SHOWN).map((order) => html`<li><a href="/orders/${order.id}">${goodOf(order.good)?.name ?? order.good}</a><span class="num soft">${clockTime(order.at)}</span><code>${order.id}</code></li>\n`)}</ul>`
}

function desk(orders: readonly Order[], username: string): Html {
  const counts = new Map<string, number>()
  for (const { good } of orders) counts.set(good, (counts.get(good) ?? 0) + 1)
  const rows = [...counts].sort(([, a], [, b]) => b - a)
  return html`<div class="words"><h1>Order desk</h1><p class="lead">For the people who pack, such as <strong>${username}</strong>. ${orders.length === 0 ? 'There is nothing to pack.' : html`<span class="num">${orders.length.toLocaleString('en')}</span> to pack.`}</p></div>
<ul class="rows">${rows.map(([good, count]) => html`<li><span>${goodOf(good)?.name ?? good}</span><span class="num">${count.toLocaleString('en')}</span></li>\n`)}</ul>
<p class="actions"><a class="button quiet" href="/orders">See all orders</a></p>`
}

function before({ id, name, priceCents }: Good): Html {
  return html`<div class="words"><h1>Order ${name}</h1><p class="lead num">${price(priceCents)}, sent tomorrow.</p></div>
<form class="card form" method="post" action="/orders"><input type="hidden" name="good" value="${id}">
<div class="field"><label for="note">A word for those who pack</label><input id="note" name="note" maxlength="${LONGEST_NOTE}" autocomplete="off"><span class="soft small">If you like.</span></div>
<button class="button" type="submit">Send the order</button></form>
<p><a href="/catalog/${id}">Look at it again</a></p>`
}

function one(order: Order, good: Good): Html {
  return html`<div class="words"><h1>Thank you</h1><p class="lead">We have your order for one ${good.name.toLowerCase()}.</p></div>
<dl class="facts"><dt>Order</dt><dd><code>${order.id}</code></dd><dt>Good</dt><dd><a href="/catalog/${good.id}">${good.name}</a></dd><dt>Price</dt><dd class="num">${price(good.priceCents)}</dd><dt>Ordered at</dt><dd class="num">${clockTime(order.at)}</dd>${order.note && html`<dt>Your word</dt><dd>${order.note}</dd>`}</dl>
<p class="actions"><a class="button quiet" href="/orders">See all orders</a></p>`
}

/** Newest first. A line that was cut by a crash is passed over. */
async function readOrders(): Promise<Order[]> {
  const text = await readFile(FILE, 'utf8').catch((fault: NodeJS.ErrnoException) => {
    if (fault.code === 'ENOENT') return ''
    throw fault
  })
  return text
    .split('\n')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as Order]
      } catch {
        return []
      }
    })
    .reverse()
}

/** Of an order, from a form or from JSON; empty where there is none. */
async function fieldsOf(context: Context): Promise<{ good: string; note: string }> {
  const isJson = context.req.header('content-type')?.startsWith('application/json')
  const body: unknown = await (isJson ? context.req.json() : context.req.parseBody()).catch(() => ({}))
  const fields = body && typeof body === 'object' ? (body as Record<string, unknown>) : {}
  const text = (name: string): string => (typeof fields[name] === 'string' ? fields[name] : '')
  return { good: text('good'), note: text('note').trim().slice(0, LONGEST_NOTE) }
}

function wantsJson(context: Context): boolean {
  return context.req.header('accept')?.startsWith('application/json') ?? false
}

function frame(context: Context<{ Variables: Variables }>, title: string, main: Html): string {
  return page({ title, main, menus: menusOf(context.var.hydra), maker, kind: 'narrow' })
}

function send(context: Context, text: string, status: 200 | 400 | 404 = 200): Response {
  return context.html(text, status, { 'cache-control': 'no-store' })
}

function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB')
}
