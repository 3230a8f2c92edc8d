/**
 * Every page the gateway answers instead of a service, in a real browser, as each of its visitors gets it: no rule of
 * accessibility is broken, none is wider than a phone, none asks its own policy for what that forbids.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CODES, type ErrorCode, type ErrorPageFacts, errorPage } from '@hydra-gateway/gateway/pages'
import type { BrowserContextOptions } from 'playwright-core'
import { RULES, violations } from '../support/axe.ts'
import { servePages } from '../support/page-server.ts'

const LONG = 'nordrhein-westfalen-und-niedersachsen-vereinigte-stadtwerke'
const MENU = ['Catalog', 'Orders', LONG].map((label) => ({ label, path: `/${label.toLowerCase()}` }))

/** What differs from one visitor of the same error to the next. */
const VISITORS: Readonly<Record<string, Partial<ErrorPageFacts>>> = {
  'a visitor': { openPages: MENU, service: 'Orders', nearest: '/orders/2291' },
  'who is signed in': { openPages: MENU, service: 'Orders', person: 'mira', signIn: '/login?ref=%2Forders' },
  'who sent a form': { method: 'POST', openPages: MENU, service: 'Orders', signIn: '/login' },
  'a visitor while nothing is open': { service: undefined, downSince: undefined },
  'a visitor of a page of parts': {
    openPages: MENU,
    service: LONG,
    isPart: true,
    downSince: Date.now() - 3e8,
  },
}
const LOOKS: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: 'light' },
  dark: { colorScheme: 'dark' },
  'a phone': { colorScheme: 'light', viewport: { width: 360, height: 740 } },
}

const site = servePages(({ url = '/' }, response) => {
  const [, code = '', visitor = ''] = decodeURIComponent(url).split('/')
  const more = VISITORS[visitor]
  if (!more || !(code in CODES)) return void response.writeHead(404).end()
  const facts: ErrorPageFacts = {
    siteTitle: 'Lerna Outfitters',
    code: code as ErrorCode,
    exchange: '01KAG7Z3-9F2C',
    method: 'GET',
    path: `/orders/${LONG}`,
    service: undefined,
    openPages: [],
    detail: 'an encoded slash in a path',
    downSince: Date.now() - 42_000,
    now: Date.now(),
    timeoutMs: 30_000,
    retryAfterSeconds: 5,
    nearest: undefined,
    person: undefined,
    signIn: undefined,
  }
  const page = errorPage({ ...facts, ...more })
  response.writeHead(CODES[code as ErrorCode][0], page.headers).end(page.html)
})

for (const [look, options] of Object.entries(LOOKS)) {
  test(`every error can be read by everyone: ${look}`, async () => {
    const context = await site.browser.newContext({ baseURL: site.url, reducedMotion: 'reduce', ...options })
    try {
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('pageerror', ({ message }) => complaints.push(message))
      page.on('console', (message) => {
        if (message.type() === 'error' && !/status of [45]\d\d/.test(message.text()))
          complaints.push(message.text())
      })
      for (const code of Object.keys(CODES) as ErrorCode[]) {
        // One visitor is enough for the pages that know nothing of them.
        const isPlain = ![401, 403, 404, 502, 503, 504].includes(CODES[code][0])
        for (const visitor of isPlain ? ['a visitor'] : Object.keys(VISITORS)) {
          const what = `${code} for ${visitor}`
          await page.goto(`/${code}/${encodeURIComponent(visitor)}`)
          // In the dark only colours differ.
          const rules = look === 'dark' ? ['color-contrast'] : RULES
          assert.deepEqual(await violations(page, rules), [], what)
          const overhang = await page.evaluate(
            'document.documentElement.scrollWidth - document.documentElement.clientWidth',
          )
          assert.equal(overhang, 0, what)
        }
      }
      assert.deepEqual(complaints, [])
    } finally {
      await context.close()
    }
  })
}
