/**
 * The login page in a real browser, in every state it has: it can be read by everyone, breaks no policy of its own, fits
 * a phone, needs no script, and lets somebody through when a pause is over.
 *
 * With HYDRA_SHOTS set to a folder, pictures of all states are put there.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { type LoginFacts, loginPage, logoutPage } from '@hydra-gateway/gateway/pages'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { RULES, violations } from '../support/axe.ts'
import { eventually } from '../support/eventually.ts'
import { servePages } from '../support/page-server.ts'

const SHOTS = process.env.HYDRA_SHOTS
const PHONE = { viewport: { width: 360, height: 740 } }

const LONG = 'nordrhein-westfalen-und-niedersachsen-vereinigte-stadtwerke@example.example'
const PROVIDERS = [
  { label: 'Acme staff', href: '/_hydra/login/acme' },
  { label: 'Lerna ID', href: '/_hydra/login/lerna' },
  { label: 'City pass', href: undefined },
]
const FACTS: LoginFacts = {
  siteTitle: 'Lerna Outfitters',
  exchange: '01KAG7ZC-77B1',
  hidden: { csrf: 'c', ref: '/orders', service: undefined },
  username: '',
  hasForm: true,
  providers: PROVIDERS,
  notice: undefined,
  signedInAs: undefined,
  link: undefined,
}
const link = { title: 'Customers', knownBy: ['Acme staff', 'Lerna ID'] }
const STATES: Readonly<Record<string, Partial<LoginFacts>>> = {
  plain: {},
  'only-password': { providers: [], hidden: { csrf: 'c', ref: undefined, service: undefined } },
  'only-providers': { hasForm: false },
  'providers-down': { hasForm: false, providers: [{ label: 'City pass', href: undefined }] },
  wrong: { username: 'mira', notice: { kind: 'wrong', triesLeft: 3 } },
  throttled: { username: 'mira', notice: { kind: 'throttled', waitMs: 2000, now: Date.now() } },
  'throttled-long': { username: LONG, notice: { kind: 'throttled', waitMs: 240_000, now: Date.now() } },
  'signed-out': { notice: { kind: 'signed-out' } },
  expired: { username: 'mira', notice: { kind: 'expired' } },
  busy: { username: 'mira', notice: { kind: 'busy' } },
  failed: { notice: { kind: 'failed' } },
  'signed-in': { signedInAs: 'mira' },
  'signed-in-wrong': { signedInAs: LONG, username: 'noor', notice: { kind: 'wrong', triesLeft: 0 } },
  link: { signedInAs: 'mira', hasForm: false, providers: PROVIDERS.slice(0, 2), link },
  'link-password': {
    signedInAs: 'mira',
    providers: [],
    link: { title: 'Billing', knownBy: ['user name and password'] },
  },
  'link-nowhere': { signedInAs: 'mira', hasForm: false, providers: [], link: { ...link, knownBy: [] } },
  'no-way': { hasForm: false, providers: [] },
  'long-words': {
    hidden: { csrf: 'c', ref: `/${'a-very-long-address'.repeat(20)}`, service: undefined },
    providers: [{ label: 'W'.repeat(60), href: '/x' }, ...PROVIDERS],
  },
}

/** What was posted, as it arrived. */
const posted: string[] = []
const site = servePages(async (request, response) => {
  const [, state = ''] = (request.url ?? '').split('/')
  if (request.method === 'POST') {
    let body = ''
    for await (const chunk of request) body += chunk
    posted.push(`${request.url} ${body}`)
    response.writeHead(303, { location: '/done' }).end()
    return
  }
  const page =
    state === 'logout'
      ? logoutPage({ siteTitle: 'Lerna Outfitters', exchange: 'X', isForeign: false, leadsTo: [] })
      : state in STATES && loginPage({ ...FACTS, ...STATES[state] })
  if (!page)
    return void response
      .writeHead(200, { 'content-type': 'text/html' })
      .end('<!doctype html><title>Done</title>')
  response.writeHead(200, page.headers).end(page.html)
})

async function visit(
  path: string,
  options: BrowserContextOptions,
  look: (page: Page, complaints: string[]) => Promise<void>,
): Promise<void> {
  const context = await site.browser.newContext({ baseURL: site.url, ...options })
  try {
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    await page.goto(path)
    await look(page, complaints)
  } finally {
    await context.close()
  }
}

const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  phone: { ...PHONE, colorScheme: 'light' },
  'phone-dark': { ...PHONE, colorScheme: 'dark' },
}
for (const [look, options] of Object.entries(LOOKS)) {
  test(`every state of the login page can be read by everybody: ${look}`, async () => {
    await visit('/plain', { reducedMotion: 'reduce', ...options }, async (page, complaints) => {
      for (const state of [...Object.keys(STATES), 'logout']) {
        await page.goto(`/${state}`)
        if (SHOTS) await page.screenshot({ path: join(SHOTS, `login-${state}-${look}.png`), fullPage: true })
        const overhang = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
        assert.ok((overhang as number) <= 0, `${state} is too wide`)
        // Where things are does not change what they are called; the colours are looked at in both themes.
        if (look === 'light') assert.deepEqual(await violations(page, RULES), [], state)
        if (look === 'dark') assert.deepEqual(await violations(page, ['color-contrast']), [], state)
      }
      assert.deepEqual(complaints, [])
    })
  })
}

test('without a script: the form is filled in and sent with the keyboard alone, and the eyes close for the password', async () => {
  await visit('/plain', { javaScriptEnabled: false, reducedMotion: 'reduce' }, async (page) => {
    const opacity = () => page.evaluate('getComputedStyle(document.querySelector(".shut")).opacity')
    await eventually(async () => assert.equal(await page.evaluate('document.activeElement.id'), 'user'))
    await page.keyboard.type('mira')
    assert.equal(await opacity(), '0')
    await page.keyboard.press('Tab')
    await page.keyboard.type('se cret&=ü')
    await eventually(async () => assert.equal(await opacity(), '1'))
    await page.keyboard.press('Enter')
    await page.waitForURL('**/done')
    assert.deepEqual(posted.splice(0), [
      '/login _csrf=c&ref=%2Forders&username=mira&password=se+cret%26%3D%C3%BC',
    ])
  })
})

test('password managers are told what is what', async () => {
  await visit('/plain', {}, async (page) => {
    const fields = await page.evaluate(
      '[...document.querySelectorAll(".field input")].map((input) => [input.name, input.autocomplete, input.labels.length])',
    )
    assert.deepEqual(fields, [
      ['username', 'username', 1],
      ['password', 'current-password', 1],
    ])
  })
})

test('after a wrong password the name stays and the password has the focus, with the reason', async () => {
  await visit('/wrong', {}, async (page) => {
    const password = page.locator('#pass')
    await eventually(async () => assert.equal(await page.evaluate('document.activeElement.id'), 'pass'))
    assert.equal(await password.getAttribute('aria-invalid'), 'true')
    const note = await page.locator(`#${await password.getAttribute('aria-describedby')}`).textContent()
    assert.match(note!, /don’t belong together.*After 3 more tries/)
    assert.equal(await page.locator('#user').inputValue(), 'mira')
  })
})

test('while there is a pause the button waits, and when it is over it can be used, without a script', async () => {
  await visit('/throttled', { javaScriptEnabled: false }, async (page) => {
    const [held, send] = [page.locator('.held'), page.locator('.send')]
    assert.ok(await held.isVisible())
    assert.ok(!(await send.isVisible()))
    assert.match((await held.textContent())!, /^Sign in, possible again at \d\d:\d\d:\d\d UTC$/)
    await send.waitFor({ state: 'visible', timeout: 10_000 })
    await held.waitFor({ state: 'hidden' })
    await page.locator('#pass').fill('secret')
    await send.click()
    await page.waitForURL('**/done')
    assert.equal(posted.splice(0).length, 1)
  })
})

test('somebody who is signed in goes on by a link, signs out by a button, or opens the form', async () => {
  await visit('/signed-in', {}, async (page) => {
    assert.equal(await page.getByRole('link', { name: 'Continue' }).getAttribute('href'), '/orders')
    assert.ok(!(await page.locator('#user').isVisible()))
    await page.locator('summary').click()
    assert.ok(await page.locator('#user').isVisible())
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('**/done')
    assert.deepEqual(posted.splice(0), ['/logout '])
  })
})
