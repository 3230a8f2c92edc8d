/**
 * The demo keeps its promises: its check passes, and a person at a browser sees services die and come back.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { emptyDirectory, runHydra } from '../support/hydra.ts'
import { startProcess, type TestProcess } from '../support/process.ts'

const DEMO = fileURLToPath(new URL('../../demo/demo.ts', import.meta.url))

test('the whole story of the demo goes well without a keyboard', { timeout: 60_000 }, async (t) => {
  const demo = startProcess(t, { args: [DEMO, '--check'], env: { LC_ALL: 'C.UTF-8' } })
  assert.equal(await demo.exited, 0, demo.output())
  assert.match(demo.output(), /✓ All 9 steps went well: [\d,]+ requests answered/)
  assert.doesNotMatch(demo.output(), /✕/)
  assert.match(demo.output(), /GET answered, failed 0/)
})

test('a check that can not start says why and fails', { timeout: 30_000 }, async (t) => {
  const demo = startProcess(t, { args: [DEMO, '--port', '0'] })
  const [, port] = await demo.printed(/the shop is at http:\/\/localhost:(\d+)/)
  const second = startProcess(t, { args: [DEMO, '--check', '--port', port!] })
  assert.equal(await second.exited, 1)
  assert.match(second.output(), new RegExp(`Port ${port} is taken by another program`))
})

test('it says how to follow it, and whom it can kill', { timeout: 30_000 }, async (t) => {
  const { demo } = await openShop(t)
  say(demo, 'kill stock')
  await demo.printed(
    /no service is called stock; say kill, revive or add and one of home, catalog, orders, account;/,
  )
  const [, line] = (await demo.printed(/follow it elsewhere: npx hydra watch (\S.*)/)) as unknown as string[]
  const menus = await runHydra(['menus', ...line!.split(' ')], { cwd: await emptyDirectory(t) })
  assert.equal(menus.status, 0, menus.err)
  assert.match(menus.out, /\/orders\/desk +orders +ADMIN of orders/)
})

const noProc = process.platform !== 'linux' && 'the children of a process are read from /proc'
test('nothing is left running when the demo is killed', { timeout: 30_000, skip: noProc }, async (t) => {
  const demo = startProcess(t, { args: [DEMO, '--port', '0'] })
  await demo.printed(/home \S+ registered/)
  const children = await childrenOf(demo.pid)
  assert.equal(children.length, 6)
  await demo.kill('SIGKILL')
  await eventually(() => assert.deepEqual(children.filter(isAlive), []))
})

test('a visitor sees a service go and come back', { timeout: 60_000 }, async (t) => {
  const { demo, url } = await openShop(t)
  const page = await openBrowser(t)

  // The menu leads through the four services, each page by another framework.
  await page.goto(url)
  await menuItem(page, 'Catalog').click()
  await page.getByRole('heading', { level: 1, name: 'Catalog' }).waitFor()
  await page.getByRole('link', { name: 'Marsh lamp' }).click()
  await page.getByRole('button', { name: 'Keep on my list' }).click()
  await page.getByRole('button', { name: 'Take off my list' }).waitFor()
  await page.getByRole('link', { name: 'Order one' }).click()
  await page.getByRole('button', { name: 'Send the order' }).click()
  await page.getByRole('heading', { name: 'Thank you' }).waitFor()
  assert.match(page.url(), /\/orders\/[0-9a-f]{8}$/)

  // The account is for people who are signed in: the way there leads through the sign-in, and on by itself.
  await page.getByRole('navigation', { name: 'You' }).getByRole('link', { name: 'Account' }).click()
  await signIn(page, 'mira', 'pond-boots')
  await page.getByText('You are signed in as mira').waitFor()
  assert.equal(page.url(), `${url}/account`)

  // One sign-in is for all services, and a page for others is still for others.
  const desk = await page.goto(`${url}/orders/desk`)
  assert.equal(desk?.status(), 403)
  await page.goto(`${url}/catalog/marsh-lamp`)
  await page.locator('.greeting').getByRole('link', { name: 'mira' }).click()

  // An upload arrives whole, and its name can do no harm.
  const file = randomBytes(300_000)
  await page
    .getByLabel('Picture or other file')
    .setInputFiles({ name: '<b>pond</b>.png', mimeType: 'image/png', buffer: file })
  await page.getByRole('button', { name: 'Send the file' }).click()
  await page.getByText(createHash('sha256').update(file).digest('hex')).waitFor()
  await page.getByText('<b>pond</b>.png').waitFor()

  // The live figures move.
  await menuItem(page, 'Home').click()
  const barrel = page.locator('[data-live-barrel]')
  await barrel.filter({ hasText: /\d/ }).waitFor()
  const level = await barrel.textContent()
  await eventually(async () => assert.notEqual(await barrel.textContent(), level))

  // Orders dies: in the page that is open its menu item stays in place and leads nowhere, as in the next one; its
  // address shows the fallback.
  say(demo, 'kill orders')
  for (const load of [async () => {}, () => page.reload()]) {
    await load()
    await navigation(page).getByRole('link', { name: 'Orders', disabled: true }).waitFor()
    assert.equal(await page.locator('[data-hydra-link="/orders"]').getAttribute('href'), null)
    assert.deepEqual(await menu(page), ['Home', 'Catalog', 'Orders'])
  }
  const fallback = await page.goto(`${url}/orders`)
  assert.equal(fallback?.status(), 503)
  await page.getByRole('heading', { name: 'Orders is away for a moment' }).waitFor()

  // It comes back: the waiting page opens by itself, with the order that was made before.
  say(demo, 'revive orders')
  await page.getByRole('heading', { name: 'Orders', exact: true }).waitFor()
  await page.getByRole('link', { name: 'Marsh lamp' }).waitFor()
  assert.deepEqual(await menu(page), ['Home', 'Catalog', 'Orders'])

  // Account has no fallback of its own: the gateway's page waits, and brings the visitor back.
  say(demo, 'kill account')
  await demo.printed(/down account/)
  assert.equal((await page.goto(`${url}/account`))?.status(), 503)
  await page.getByRole('heading', { name: 'Account is away for a moment' }).waitFor()
  say(demo, 'revive account')
  await page.getByRole('heading', { name: 'Account', exact: true }).waitFor()

  say(demo, 'quit')
  assert.equal(await demo.exited, 0, demo.output())
})

test('who works in the shop sees the order desk, until they sign out', { timeout: 60_000 }, async (t) => {
  const { url } = await openShop(t)
  const page = await openBrowser(t)
  await page.goto(`${url}/orders/desk`)
  await signIn(page, 'ada', 'marsh-lamp')
  await page.getByRole('heading', { name: 'Order desk' }).waitFor()
  assert.equal(page.url(), `${url}/orders/desk`)
  await menuItem(page, 'Orders').click()
  await page.getByRole('link', { name: 'Go to the order desk' }).waitFor()
  await menuItem(page, 'Desk').click()
  await page.getByRole('navigation', { name: 'You' }).getByRole('link', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByText('You are signed out').waitFor()
  await page.goto(`${url}/orders/desk`)
  assert.equal(new URL(page.url()).pathname, '/login')
})

test('the page of a good is whole, loses a part with each service that dies, and is whole again', {
  timeout: 60_000,
}, async (t) => {
  const { demo, url } = await openShop(t)
  const page = await openBrowser(t)
  const faults: string[] = []
  page.on('pageerror', (fault) => faults.push(fault.message))
  /** What stands on the page, by the service that renders it; each has a fallback of the catalog's own. */
  const parts = {
    catalog: page.getByText('A storm lantern with a lid that closes.'),
    home: page.getByRole('heading', { name: 'Goes well with it' }),
    orders: page.getByRole('link', { name: 'Order one' }),
    account: page.locator('.greeting a'),
  }
  const fallbacks = {
    home: page.getByRole('heading', { name: 'More in the catalog' }),
    orders: page.getByText('Ordering is away for a moment'),
    account: page.getByText('Your account is away for a moment'),
  }
  const isWholeBut = async (...away: (keyof typeof fallbacks)[]) => {
    await eventually(async () => {
      await page.goto(`${url}/catalog/marsh-lamp`)
      for (const [service, part] of Object.entries(parts)) {
        const isAway = away.includes(service as keyof typeof fallbacks)
        assert.equal(
          await part.count(),
          isAway ? 0 : 1,
          `${service} with ${away.join(' and ') || 'nobody'} away`,
        )
      }
      for (const [service, fallback] of Object.entries(fallbacks)) {
        const isAway = away.includes(service as keyof typeof fallbacks)
        assert.equal(await fallback.count(), isAway ? 1 : 0, `fallback for ${service}`)
      }
    })
  }

  await isWholeBut()
  // The price went from the catalog's fragment into the one of orders, and its style came along from orders.
  await page.getByText('€ 31.00, sent tomorrow').waitFor()
  assert.equal(
    await page.evaluate<string>("getComputedStyle(document.querySelector('.buy')).display"),
    'flex',
  )
  for (const service of ['orders', 'home', 'account'] as const) {
    say(demo, `kill ${service}`)
    await isWholeBut(service)
    say(demo, `revive ${service}`)
    await isWholeBut()
  }
  await parts.orders.click()
  await page.getByRole('button', { name: 'Send the order' }).click()
  await page.getByRole('heading', { name: 'Thank you' }).waitFor()
  assert.deepEqual(faults, [])
  say(demo, 'quit')
  assert.equal(await demo.exited, 0, demo.output())
})

function say(demo: TestProcess, line: string): void {
  demo.child.stdin!.write(`${line}\n`)
}

async function openBrowser(t: { after(done: () => Promise<void>): void }): Promise<Page> {
  const browser = await launchChromium()
  t.after(() => browser.close())
  const page = await browser.newPage({ viewport: { width: 360, height: 740 } })
  page.setDefaultTimeout(10_000)
  return page
}

const navigation = (page: Page) => page.getByRole('navigation', { name: 'Shop' })
const menuItem = (page: Page, name: string) => navigation(page).getByRole('link', { name, exact: true })

async function menu(page: Page): Promise<string[]> {
  return (await navigation(page).getByRole('link').allTextContents()).map((text) => text.trim())
}

/** Processes a process has started. */
async function childrenOf(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children.trim().split(' ').map(Number)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** The demo, once all four services of its shop serve. */
async function openShop(t: TestContext): Promise<{ demo: TestProcess; url: string }> {
  const demo = startProcess(t, { args: [DEMO, '--port', '0'] })
  const [, url] = (await demo.printed(/the shop is at (http:\S+);/)) as unknown as [string, string]
  for (const service of ['home', 'catalog', 'orders', 'account']) {
    await demo.printed(new RegExp(`available ${service} `))
  }
  return { demo, url }
}
