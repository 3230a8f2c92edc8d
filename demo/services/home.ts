/**
 * The shop's first page, the style sheets of all its pages, and two fragments for the page of a good: Express.
 *
 * @module
 */
import { fileURLToPath } from 'node:url'
import { fragment, type Site } from '@hydra-gateway/sdk'
import { hydra, menus } from '@hydra-gateway/sdk/express'
import express from 'express'
import { GOODS, goodOf } from './look/goods.ts'
import { html, textOf, trusted } from './look/html.ts'
import { menusOf } from './look/menus.ts'
import { type Maker, page, price } from './look/page.ts'
import { picture } from './look/pictures.ts'
import { type State, shape } from './look/shapes.ts'

const version = '2.4.0'
const ours = fileURLToPath(new URL('static', import.meta.url))
const shared = fileURLToPath(new URL('../../packages/gateway/assets', import.meta.url))

const stock = fragment('stock', { imports: ['sku'] }, ({ imports }) => {
  const good = goodOf(String(imports.sku))
  return good && textOf(html`<p>${good.stock}</p>`)
})

const related = fragment('related', { imports: ['sku'] }, ({ imports }) => {
  const others = GOODS.filter(({ id }) => id !== imports.sku).slice(0, 4)
  return textOf(html`<section><h2>Goes well with it</h2>
<ul class="goods small-ones">${others.map(
    ({ id, name, priceCents }) =>
      html`<li class="card"><p><a href="/catalog/${id}">${name}</a><span class="num">${price(priceCents)}</span></p></li>\n`,
  )}</ul></section>`)
})

const app = express()
app.disable('x-powered-by')

const service = await hydra(app, {
  name: 'home',
  title: 'Home',
  version,
  menu: [{ path: '/', label: 'Home', order: 1 }],
  statics: ['tokens.css', 'base.css', 'mark.svg', 'mark-16.svg', 'shop.css', 'live.js'],
  fragments: [stock, related],
})
service.on('registered', () => process.send?.(service.instanceId))
const maker: Maker = { service, version, framework: 'Express' }

// Browsers keep them for a while: the other pages look right while this service is away.
for (const folder of [ours, shared]) app.use('/static', express.static(folder, { maxAge: '10m' }))

// Every template behind it has `hydra`: the menus and links of whoever sent the request.
app.use(menus(service))

app.get('/', (_request, response) => {
  const site: Site = response.locals.hydra
  response
    .set('cache-control', 'no-store')
    .send(page({ title: 'Home', main: main(site), menus: menusOf(site), maker, scripts: ['live.js'] }))
})

app.listen(0, process.env.SHOP_HOST ?? '127.0.0.1')

const main = (site: Site) => html`<div class="front">
<div class="words">
<h1>For wet ground and dry days</h1>
<p class="lead">Six things for a garden by the water, made to be used for a long time.</p>
<p class="actions">${trusted(site.link('/catalog').toHtml('See the catalog', { class: 'button' }))}</p>
</div>
<section class="card live" data-live aria-labelledby="now">
<h2 id="now">Right now</h2>
<p data-phase="scriptless">The figures here need a script. Everything else works without one.</p>
<p class="soft" data-phase="asking" hidden>Asking the shop …</p>
<dl data-phase="on" hidden><dt>Visitors here</dt><dd class="num" data-live-visitors></dd><dt>Rain barrel</dt><dd class="num" data-live-barrel></dd><dt>Shop clock</dt><dd class="num" data-live-clock></dd></dl>
<p data-phase="away" hidden>The live figures are away for a moment. They come back here by themselves.</p>
</section>
</div>
<section class="words"><h2>From the catalog</h2>
<ul class="goods">${GOODS.slice(0, 3).map((good) => html`<li class="card">${picture(good.id, { decorative: true })}<p><a href="/catalog/${good.id}">${good.name}</a><span class="num">${price(good.priceCents)}</span></p></li>\n`)}</ul></section>
<section class="words"><h2>Behind this door</h2>
<ul class="rows">${services().map(({ title, state, count }) => html`<li><span>${title}</span><span class="soft num">${count}</span><span class="state ${state}">${shape(state)}${state}</span></li>\n`)}</ul></section>`

/** The services behind the gateway, as it told this one last. */
function services(): { title: string; state: State; count: string }[] {
  return (service.overview?.services ?? []).map(({ serviceName, title, state, instances }) => {
    const serving = instances.filter((instance) => instance.state === 'available').length
    return {
      title: title ?? serviceName,
      state,
      count: serving === 1 ? '1 instance' : `${serving} instances`,
    }
  })
}
