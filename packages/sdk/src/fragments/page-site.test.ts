import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FragmentError } from '@hydra-gateway/protocol/fragments'
import type { PageSite } from '../menus/port.ts'
import { page } from './page.ts'
import { bindingOf, createHandMadeGateway } from './testing/hand-made-gateway.ts'

interface HandSite extends PageSite {
  readonly asked: string[]
}

/** `/orders` is down, of `/else` nobody knows; who was recognised sees one item more. */
function handSite(others: Partial<PageSite> = {}): HandSite {
  const known = new WeakSet<object>()
  const asked: string[] = []
  return {
    asked,
    async recognise(request) {
      known.add(request)
    },
    menu: (name, request) =>
      name === 'main'
        ? {
            name,
            items: [
              { path: '/catalog', label: 'Catalog', state: 'available' },
              ...(request && known.has(request)
                ? [{ path: '/mine', label: 'Mine', state: 'available' as const }]
                : []),
            ],
          }
        : undefined,
    link(path) {
      asked.push(path)
      if (path === '/else') return undefined
      return path.startsWith('/orders') ? { state: 'down', reason: 'Orders is away' } : { state: 'available' }
    },
    mark: (...parts) => parts.join('.'),
    ...others,
  }
}

const gateway = () =>
  createHandMadeGateway(async ({ ref }) => ({
    renderedHTML: ref === 'gone' ? null : `[${ref} <a m:link href="/orders">]`,
  }))

function sitePage(html: string, site: PageSite | undefined = handSite()) {
  const made = page(html)
  const binding = bindingOf(gateway(), [], { site })
  made.compile(binding)
  made.bind(binding)
  return Object.assign(made, { lines: binding.lines })
}

const get = (url: string) => ({ method: 'GET', url, headers: {} })
const DOWN =
  '<a data-hydra-link="/orders" role="link" aria-disabled="true" tabindex="0" title="Orders is away">'
const item = (path: string, label: string, more = '') =>
  `<li data-state="available"><a data-hydra-link="${path}" href="${path}"${more}>${label}</a></li>`

test('a page has the menus and links of whom the request is from', async () => {
  const html =
    '<!doctype html><head><title>\u00e9</title></head><body><m:menu name="main" class="top">x</m:menu><m:menu name="none">y<a m:link href="/orders">z</a></m:menu><a m:link href="/else"></body>'
  const menu = (...items: string[]) =>
    `<hydra-menu name="main" class="top"><ul>${items.join('')}</ul></hydra-menu>`
  const rest = `<hydra-menu name="none">y${DOWN}z</a></hydra-menu><a data-hydra-link="/else" href="/else"></body>`
  const made = sitePage(html)
  assert.equal(
    await made.render({}, get('/mine?x=1')).text(),
    `<!doctype html><head><title>\u00e9</title></head><body>${menu(item('/catalog', 'Catalog'), item('/mine', 'Mine', ' aria-current="page"'))}${rest}`,
  )
  assert.equal(
    await made.render().text(),
    `<!doctype html><head><title>\u00e9</title></head><body>${menu(item('/catalog', 'Catalog'))}${rest}`,
  )
})

test('links in fragments of others, and in fallbacks, follow the services too', async () => {
  const html =
    '<m:fragment service="x" ref="a"/><m:fragment service="x" ref="gone"><a m:link href="/orders"></m:fragment>'
  assert.equal(await sitePage(html).render({}, get('/')).text(), `[a ${DOWN}]${DOWN}`)
})

test('an address means what it means where the page is', async () => {
  const site = handSite()
  const html =
    '<a m:link href="orders"><a m:link href="?y"><a m:link href="https://x.example/"><a m:link href="/%zz">'
  assert.equal(
    await sitePage(html, site).render({}, get('/shop/list?x')).text(),
    '<a data-hydra-link="/shop/orders" href="orders"><a data-hydra-link="/shop/list?y" href="?y"><a m:link href="https://x.example/"><a m:link href="/%zz">',
  )
  assert.deepEqual(site.asked, ['/shop/orders', '/shop/list?y'])
  const nowhere = '<a m:link href="orders"><a m:link href="/orders">'
  assert.equal(await sitePage(nowhere).render().text(), `<a m:link href="orders">${DOWN}`)
  const whole = { method: 'GET', url: 'http://internal/shop/?x', headers: new Headers() }
  assert.match(await sitePage('<a m:link href="a">').render({}, whole).text(), /"\/shop\/a"/)
})

test('places of live fragments are marked, the same whether they are shown or not', async () => {
  const html =
    '<m:fragment service="x" ref="gone" live>-<m:fragment service="x" ref="a" live/></m:fragment><m:fragment service="\x24{s}" ref="a" live/><m:fragment ref="own" live>o</m:fragment>'
  const made = sitePage(html)
  const a = `[a ${DOWN}]`
  assert.equal(
    await made.render({ s: 'x' }, get('/')).text(),
    `<!--hydra:live x.gone.0-->-<!--hydra:shown x.a.0-->${a}<!--/hydra:live--><!--/hydra:live-->` +
      `<!--hydra:shown x.a.1-->${a}<!--/hydra:live--><!--hydra:live shop.own.0-->o<!--/hydra:live-->`,
  )
  assert.equal(await made.render({ s: 'x' }, { ...get('/'), method: 'POST' }).text(), `-${a}${a}o`)
  const unproven = sitePage(
    '<m:fragment service="x" ref="gone" live>-</m:fragment>',
    handSite({ mark: () => undefined }),
  )
  assert.equal(await unproven.render({}, get('/')).text(), '-')
})

test('a page of no service has the fallbacks of its menus', async () => {
  const made = page('<m:menu name="main"><a m:link href="/orders">x</a></m:menu>')
  assert.equal(await made.render().text(), '<a m:link href="/orders">x</a>')
})

test('who can’t be recognised sees what everybody does, and it is said', async () => {
  const made = sitePage(
    '<m:menu name="main"/>',
    handSite({ recognise: () => Promise.reject(new Error('no keys')) }),
  )
  assert.doesNotMatch(await made.render({}, get('/')).text(), /Mine/)
  assert.match(made.lines.join(), /no keys/)
})

test('mistakes in menu tags keep a service from starting, and say where they are', () => {
  const fault = (html: string) => {
    try {
      page(html, { name: 'p.html' }).compile(bindingOf(undefined))
    } catch (error) {
      assert.ok(error instanceof FragmentError)
      return error.message
    }
    return undefined
  }
  assert.match(fault('<p>\n<m:menu>x</m:menu>')!, /^p\.html:2:1: a menu tag says which menu it wants/)
  assert.match(fault('<m:menu name="a">x')!, /^p\.html:1:1: this menu is never closed; write <\/m:menu>/)
  assert.match(fault('x</m:menu>')!, /^p\.html:1:2: <\/m:menu> closes nothing/)
  assert.match(
    fault('<m:menu name="a"><m:fragment ref="b"/></m:menu>')!,
    /^p\.html:1:18: a fragment can’t stand in the fallback of a menu/,
  )
  assert.equal(fault('<m:menu name="a"><m:menu name="b"/></m:menu>'), undefined)
})

test('a marked link that leads nowhere keeps a service from starting, and is said of a page made for one request', async () => {
  const html = '<p>\u00e9</p>\n <m:menu name="a"><a m:link>x</a></m:menu><a m:link href="/x">'
  const said =
    /^p\.html:2:19: this link is marked to follow a page and has no href; write <a m:link href="\/orders">$/
  assert.throws(
    () => page(html, { name: 'p.html' }).compile(bindingOf(undefined)),
    (fault: Error) => {
      assert.ok(fault instanceof FragmentError)
      assert.match(fault.message, said)
      return true
    },
  )
  const made = page.dynamic({ name: 'p.html' })
  const binding = bindingOf(gateway(), [], { site: handSite() })
  made.bind(binding)
  assert.match(await made.render(html).text(), /<a m:link>x</)
  assert.deepEqual(binding.lines.length, 1)
  assert.match(binding.lines[0]!, /p\.html:2:19: this link is marked/)
})

test('slips of the finger are said with what was meant', () => {
  const warnings = (html: string) => {
    const binding = bindingOf(undefined)
    page(html, { name: 'p.html' }).compile(binding)
    return binding.lines.map((line) => line.replace(/^.*(?=p\.html)/, ''))
  }
  assert.deepEqual(
    warnings(
      '<m:meun name="main"></m:meun>\n<a class="x" m:lnik href="/a">\n<x:fragmnet ref="a"/><a m:menu href="/a"><m:menu nmae="x" name="a"/>',
    ),
    [
      'p.html:3:50: "nmae" means nothing; did you mean name?',
      'p.html:1:1: <m:meun> means nothing; did you mean <m:menu>?',
      'p.html:2:14: "m:lnik" means nothing; did you mean m:link?',
      'p.html:3:1: <x:fragmnet> means nothing; did you mean <x:fragment>?',
    ],
  )
  for (const fine of [
    '<!-- <m:meun> --><script>"<m:meun>"</script><m:menu name="a"/><a m:link href="/x">m:lnik </a>',
    '<svg xmlns:link="x"><use xlink:href="#a"/></svg><p m:lnik >',
    '<a @click:once="x" v-on:click="y" x:like="">',
  ])
    assert.deepEqual(warnings(fine), [], fine)
})

test('a page waits for whom it is for where something in it is for somebody, and nowhere else', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const site = handSite({ recognise: () => promise })
  const bare = '<p>Nothing</p><m:fragment service="elsewhere" ref="gone">fallback</m:fragment>'
  assert.equal(await sitePage(bare, site).render({}, get('/')).text(), '<p>Nothing</p>fallback')

  let isThere = false
  const waiting = sitePage('<m:fragment service="elsewhere" ref="a"></m:fragment>', site)
    .render({}, get('/'))
    .text()
    .finally(() => (isThere = true))
  await new Promise((done) => setTimeout(done, 50))
  assert.equal(isThere, false)
  resolve()
  assert.equal(await waiting, `[a ${DOWN}]`)
})

test('the menus of one page are bounded, whatever the fragments of others hold', async () => {
  const tags = '<m:menu name="main">-</m:menu>'.repeat(200_000)
  const others = createHandMadeGateway(async () => ({ renderedHTML: tags }))
  const made = page('<m:fragment service="elsewhere" ref="a"></m:fragment>')
  const binding = bindingOf(others, [], { site: handSite() })
  made.compile(binding)
  made.bind(binding)
  const text = await made.render({}, get('/')).text()
  const shown = text.split('<ul>').slice(1)
  const length = shown.reduce((sum, one) => sum + one.indexOf('</ul>'), 0)
  assert.ok(length > 10_000_000 && length < 17_000_000, `${length}`)
  assert.ok(text.endsWith('<hydra-menu name="main">-</hydra-menu>'))
  assert.equal(binding.lines.filter((line) => line.includes('menus of a page may have')).length, 1)
})
