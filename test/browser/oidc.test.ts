/**
 * Signing in at providers, in a real browser: two of them, both one person in the end, and an end that is one
 * everywhere.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { launchChromium } from '../support/chromium.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { payloadOf, startOidc } from '../support/oidc.ts'
import { startOidcSite } from '../support/oidc-site.ts'

const ACCOUNTS = {
  mira: { preferred_username: 'mira', groups: ['staff'] },
  'm.lerna': { preferred_username: 'm.lerna', groups: ['gold'] },
}

test('two providers, one person: each is asked once, then either opens everything', {
  timeout: 90_000,
}, async (t) => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const client = { clientId: 'gateway', clientSecret: 'between us', site: url }
  const [corp, partner] = await Promise.all(
    ['corp', 'partner'].map((provider) =>
      startOidc(t, { clients: [{ ...client, provider }], accounts: ACCOUNTS }),
    ),
  )
  const settings = { clientId: 'gateway', clientSecret: 'between us' }
  const site = await startOidcSite(t, {
    port,
    providers: {
      corp: { ...settings, issuer: corp!.issuer, label: 'Lerna staff' },
      partner: { ...settings, issuer: partner!.issuer, label: 'Partners' },
    },
  })
  await eventually(() => assert.ok(site.logged('sign-in provider found', 2)))
  // Each asks who it is.
  for (const oidc of [corp!, partner!]) oidc.account = undefined
  const browser = await launchChromium()
  t.after(() => browser.close())

  const context = await browser.newContext()
  context.setDefaultTimeout(10_000)
  const page = await context.newPage()
  await page.goto(`${url}/private?tab=1&q=a%2Fb`)
  await page.getByRole('link', { name: 'Lerna staff' }).click()
  await signInThere(page, 'mira')
  assert.equal(page.url(), `${url}/private?tab=1&q=a%2Fb`)
  assert.equal((await who(page)).sub, 'corp:mira')

  // What another provider's people may see: asked once, in the same session.
  await page.goto(`${url}/partners?x=1`)
  await page.getByRole('link', { name: 'Partners' }).click()
  await signInThere(page, 'm.lerna')
  assert.equal(page.url(), `${url}/partners?x=1`)

  // Somewhere else, with the other login alone: both at once.
  const elsewhere = await browser.newContext()
  elsewhere.setDefaultTimeout(10_000)
  const other = await elsewhere.newPage()
  await other.goto(`${url}/partners`)
  await other.getByRole('link', { name: 'Partners' }).click()
  await signInThere(other, 'm.lerna')
  assert.equal(other.url(), `${url}/partners`)
  await other.goto(`${url}/private`)
  const { idp } = await who(other)
  assert.deepEqual(new Set(idp as string[]), new Set(['corp', 'partner']))

  // Signed out at the provider: the other tab of the same session is over too.
  const second = await elsewhere.newPage()
  await second.goto(`${url}/private`)
  await other.goto(`${partner!.issuer}/session/end?client_id=gateway`)
  await other.getByRole('button', { name: 'Sign out' }).click()
  await eventually(async () => {
    await second.goto(`${url}/private`)
    assert.equal(new URL(second.url()).pathname, '/login')
  })
  // And the first browser goes on, until it signs out: there, and here.
  await page.goto(`${url}/logout`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(`${corp!.issuer}/session/end**`)
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(`${url}/login?logout`)
  await page.getByText('You are signed out', { exact: true }).waitFor()
})

async function signInThere(page: Page, name: string): Promise<void> {
  await page.getByLabel('User name').fill(name)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForLoadState()
}

/** What the service was told. */
async function who(page: Page): Promise<Record<string, unknown>> {
  const { headers } = JSON.parse(await page.locator('body').innerText())
  return payloadOf(/HYDRA-SSO=([^;]+)/.exec(headers.cookie)![1]!)
}
