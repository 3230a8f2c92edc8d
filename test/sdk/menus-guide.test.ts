/**
 * Runs the examples of docs/guides/menus.md that use the SDK, as they stand there.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startProcess, type TestProcess } from '../support/process.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const guide = await readFile(join(root, 'docs/guides/menus.md'), 'utf8')

/** Runs the program of the guide that names that file, until it is behind the gateway. */
async function run(t: TestContext, gateway: TestGateway, file: string): Promise<TestProcess> {
  const blocks = [...guide.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code = '']) => code)
  const code = blocks.find((block) => block.startsWith(`// ${file}\n`))
  assert.ok(code, `the guide has no ${file}`)
  const cwd = await mkdtemp(join(tmpdir(), 'hydra-guide-'))
  t.after(() => rm(cwd, { recursive: true, force: true }))
  const { publicKey, privateKey, url } = gateway
  await mkdir(join(cwd, '.hydra'))
  await writeFile(join(cwd, '.hydra', 'keys.json'), JSON.stringify({ publicKey, privateKey }))
  await symlink(join(root, 'node_modules'), join(cwd, 'node_modules'))
  await writeFile(join(cwd, file), code)
  const service = startProcess(t, { args: [file], cwd, env: { HYDRA_GATEWAY: url } })
  await service.printed(/is behind/)
  return service
}

const get = async (gateway: TestGateway, path: string) => (await fetch(gateway.url + path)).text()
const menuIn = (html: string) =>
  /<nav aria-label="Site">(<hydra-menu.*<\/hydra-menu>)<\/nav>/.exec(html)?.[1] ?? html
const item = (path: string, label: string, current = false) =>
  `<li data-state="available"><a data-hydra-link="${path}" href="${path}"${current ? ' aria-current="page"' : ''}>${label}</a></li>`
const menu = (...items: readonly string[]) =>
  `<hydra-menu name="main"><ul>${items.join('')}</ul></hydra-menu>`
const OFF = (path: string, title: string) =>
  `data-hydra-link="${path}" role="link" aria-disabled="true" tabindex="0" title="${title} is away for a moment"`

test('Express, Fastify, Hono and plain Node render one menu, and links that follow', async (t) => {
  const gateway = await startGateway(t)
  const files = ['orders.mjs', 'parcels.mjs', 'help.mjs', 'news.mjs']
  const [orders] = await Promise.all(files.map((file) => run(t, gateway, file)))
  const pages = [
    ['/orders', 'Orders'],
    ['/parcels', 'Parcels'],
    ['/help', 'Help'],
    ['/news', 'News'],
  ] as const
  await eventually(async () => {
    for (const [at] of pages)
      assert.equal(
        menuIn(await get(gateway, at)),
        menu(...pages.map(([path, label]) => item(path, label, path === at))),
      )
  })
  // Nobody has it in this test.
  assert.match(
    await get(gateway, '/orders'),
    /<a data-hydra-link="\/cellar" href="\/cellar">What is left<\/a>/,
  )
  assert.match(
    await get(gateway, '/parcels'),
    /<a data-hydra-link="\/orders" href="\/orders">Orders<\/a><\/p>/,
  )
  assert.match(
    await get(gateway, '/help'),
    /<a class="button" data-hydra-link="\/orders" href="\/orders">Your orders<\/a>/,
  )
  await orders?.kill('SIGKILL')
  await eventually(async () => {
    const off = OFF('/orders', 'Orders')
    assert.ok((await get(gateway, '/parcels')).includes(`<p><a ${off}>Orders</a></p>`))
    assert.ok((await get(gateway, '/help')).includes(`<a class="button" ${off}>Your orders</a>`))
    assert.ok((await get(gateway, '/news')).includes(`<li data-state="down"><a ${off}>Orders</a></li>`))
  })
})

test('a page of the SDK has its menu and its links by tags', async (t) => {
  const gateway = await startGateway(t)
  const orders = await run(t, gateway, 'orders.mjs')
  await run(t, gateway, 'shop.mjs')
  const shown = menu(item('/shop', 'Shop', true), item('/orders', 'Orders')).replace(
    '"main"',
    '"main" class="wide"',
  )
  const link = (attributes: string) => `<p><a ${attributes}>Your orders</a></p>`
  await eventually(async () => {
    const page = await get(gateway, '/shop')
    assert.equal(menuIn(page), shown)
    assert.ok(page.includes(link('data-hydra-link="/orders" href="/orders"')), page)
  })
  await orders.kill('SIGKILL')
  await eventually(async () => {
    const page = await get(gateway, '/shop')
    assert.match(page, /<li data-state="down"><a data-hydra-link="\/orders" role="link"/)
    assert.match(page, /<p><a [^>]*aria-disabled="true"[^>]*>Your orders<\/a><\/p>/)
    assert.doesNotMatch(page, /href="\/orders"/)
  })
})
