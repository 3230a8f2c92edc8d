import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type CookieBrowser, createCookieBrowser, type Step } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { type OidcAnswer, type OidcOptions, payloadOf, startOidc, type TestOidc } from '../support/oidc.ts'
import { type OidcSite, startOidcSite } from '../support/oidc-site.ts'

const ACCOUNTS = {
  alice: {
    preferred_username: 'alice',
    email: 'alice@corp.example',
    email_verified: true,
    groups: ['admins', 'root'],
    login_hint: 'O.alice',
  },
  bob: { email: 'bob@corp.example', email_verified: true, groups: 'staff' },
  joe: { preferred_username: 'joe' },
  JOE: { preferred_username: 'JOE' },
}

/** A site with the provider `corp`. */
async function start(
  t: TestContext,
  {
    oidc: more = {},
    provider = {},
    site: options = {},
  }: { oidc?: Partial<OidcOptions>; provider?: object; site?: object } = {},
): Promise<{ oidc: TestOidc; site: OidcSite; browser: CookieBrowser }> {
  const port = await freePort()
  const site = `http://127.0.0.1:${port}`
  const oidc = await startOidc(t, {
    clients: [{ clientId: 'gateway', clientSecret: 'between us', site, provider: 'corp' }],
    accounts: ACCOUNTS,
    ...more,
  })
  const providers = { corp: { ...settingsOf(oidc), ...provider } }
  const started = await startOidcSite(t, { port, providers, ...options })
  if (!more.stopped) await eventually(() => assert.ok(started.logged('sign-in provider found')))
  return { oidc, site: started, browser: createCookieBrowser() }
}

function settingsOf({ issuer }: TestOidc) {
  return {
    issuer,
    clientId: 'gateway',
    clientSecret: 'between us',
    rolesClaim: 'groups',
    roles: { admins: 'admin', staff: 'user' },
    claims: ['email'],
  }
}

const loginAt = (site: OidcSite, ref: string, name = 'corp', more = ''): string =>
  `${site.url}/_hydra/login/${name}?ref=${encodeURIComponent(ref)}${more}`

/** Who the browser is signed in as, by the token it holds. */
function who({ jar }: CookieBrowser): Record<string, unknown> | undefined {
  const token = jar.get('127.0.0.1')?.get('HYDRA-SSO')?.value
  return token === undefined ? undefined : payloadOf(token)
}

/** Signs in up to the callback, which is not called: its address. */
async function untilCallback(
  browser: CookieBrowser,
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  let callback = ''
  await browser.open(url, {
    headers,
    stop(next) {
      if (!next.includes('/callback?')) return false
      callback = next
      return true
    },
  })
  assert.notEqual(callback, '', 'the provider sends the browser back')
  return callback
}

/** A sign-in that can't be finished: 400 with a page, nobody signed in, nothing of it left behind. */
async function assertRefused(
  browser: CookieBrowser,
  site: OidcSite,
  step: Step,
  reason: string,
): Promise<void> {
  assert.equal(step.status, 400, `${reason}: ${step.body}`)
  assert.match(step.body, /The sign-in could not be finished/)
  assert.equal(step.headers.get('hydra-problem'), 'HYDRA_LOGIN_FAILED')
  assert.equal(step.headers.get('cache-control'), 'no-store')
  assert.equal(step.headers.get('referrer-policy'), 'no-referrer')
  assert.equal(who(browser), undefined)
  assert.deepEqual(site.refusals().at(-1), reason)
}

test('somebody signs in at a provider and comes back to exactly the address they asked for', async (t) => {
  const { oidc, site, browser } = await start(t)
  const ref = '/private/a%20b?x=1&y=%C3%BC&next=%2Fz'
  const steps = await browser.open(loginAt(site, ref), { stop: (next) => next === `${site.url}${ref}` })
  assert.equal(steps.at(-1)?.headers.get('location'), ref)
  assert.equal(steps.at(-1)?.headers.get('cache-control'), 'no-store')
  const { sub, username, roles, email, idp, psid } = who(browser)!
  assert.deepEqual(
    { sub, username, roles, email, idp },
    { sub: 'corp:alice', username: 'alice', roles: ['admin'], email: 'alice@corp.example', idp: ['corp'] },
  )
  assert.match(String(psid), /^[\w-]{16}$/)
  assert.deepEqual(
    browser.names().filter((name) => name.startsWith('HYDRA-OIDC')),
    [],
  )
  const [asked] = steps.filter((step) => step.url.includes('/auth?'))
  const query = new URL(asked!.url).searchParams
  assert.equal(query.get('code_challenge_method'), 'S256')
  assert.equal(query.get('scope'), 'openid profile email')
  assert.ok(query.get('nonce')!.length >= 22 && query.get('state')!.length >= 22)
  assert.ok(oidc.requests.includes('GET /me'), 'what the ID token lacks is asked for')
  // Somebody else, whose name is an address that was verified, and whose group is one word.
  oidc.account = 'bob'
  const other = createCookieBrowser()
  await other.open(loginAt(site, '/'), { stop: (next) => next === `${site.url}/` })
  assert.deepEqual([who(other)?.username, who(other)?.roles], ['bob@corp.example', ['user']])
})

test('whoever asks for what is not for everybody is led through the provider, and gets it', async (t) => {
  const { site, browser } = await start(t)
  const steps = await browser.open(`${site.url}/private?x=1&y=%C3%BC`)
  const page = steps.at(-1)!
  assert.equal(page.url, `${site.url}/login?ref=%2Fprivate%3Fx%3D1%26y%3D%25C3%25BC`)
  const href = /href="(\/_hydra\/login\/corp[^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&')
  assert.ok(href, 'the login page has a way there')
  const back = await browser.open(new URL(href, site.url).href)
  assert.equal(back.at(-1)?.url, `${site.url}/private?x=1&y=%C3%BC`)
  const { headers } = JSON.parse(back.at(-1)!.body)
  assert.equal(payloadOf(/HYDRA-SSO=([^;]+)/.exec(headers.cookie)![1]!).username, 'alice')
})

test('under another name of the site the sign-in goes on under the one the provider knows', async (t) => {
  const { site, browser } = await start(t)
  const { port } = new URL(site.url)
  const steps = await browser.open(`http://localhost:${port}/_hydra/login/corp?ref=%2Fa%3Fb`, {
    stop: (next) => next.endsWith('/a?b'),
  })
  assert.equal(steps[1]?.url, `${site.url}/_hydra/login/corp?ref=%2Fa%3Fb&moved=1`)
  assert.equal(who(browser)?.username, 'alice')
})

test('signing out here signs out there, unless the operator wants it otherwise', async (t) => {
  for (const logout of [true, false]) {
    const { oidc, site, browser } = await start(t, {
      provider: { logout, claims: ['login_hint'] },
    })
    await browser.open(loginAt(site, '/'), { stop: (next) => next === `${site.url}/` })
    const ended = await browser.post(`${site.url}/logout`)
    const location = new URL(ended.headers.get('location')!, site.url)
    assert.equal(await site.admits(browser), false)
    if (!logout) {
      assert.equal(location.href, `${site.url}/login?logout`)
      continue
    }
    assert.equal(`${location.origin}${location.pathname}`, `${oidc.issuer}/session/end`)
    assert.deepEqual(Object.fromEntries(location.searchParams), {
      client_id: 'gateway',
      post_logout_redirect_uri: `${site.url}/login?logout`,
      logout_hint: 'O.alice',
    })
    const page = await browser.get(location.href)
    assert.match(page.body, /Sign out at the provider/, 'it takes the address to come back to')
  }
})

test('an ID token that says everything is enough, and a public client needs no secret', async (t) => {
  const port = await freePort()
  const oidc = await startOidc(t, {
    clients: [{ clientId: 'gateway', site: `http://127.0.0.1:${port}`, provider: 'corp' }],
    accounts: ACCOUNTS,
    fatIdToken: true,
  })
  const { clientSecret: _, ...provider } = settingsOf(oidc)
  const site = await startOidcSite(t, { port, providers: { corp: provider } })
  const browser = createCookieBrowser()
  await eventually(() => assert.ok(site.logged('sign-in provider found')))
  await browser.open(loginAt(site, '/'), { stop: (next) => next === `${site.url}/` })
  assert.deepEqual(who(browser)?.roles, ['admin'])
  assert.ok(!oidc.requests.includes('GET /me'))
})

test('nobody is sent to another site afterwards, however the address is written', async (t) => {
  const { site } = await start(t)
  for (const ref of [
    '//evil.example',
    '/\\evil.example',
    'https://evil.example/',
    '/\t/evil.example',
    '/login',
  ]) {
    const browser = createCookieBrowser()
    const callback = await untilCallback(browser, loginAt(site, ref))
    assert.equal((await browser.get(callback)).headers.get('location'), '/', ref)
  }
})

test('two tabs and two providers don’t race', async (t) => {
  const port = await freePort()
  const site = `http://127.0.0.1:${port}`
  const client = { clientId: 'gateway', clientSecret: 'between us', site }
  const [corp, partner] = await Promise.all(
    ['corp', 'partner'].map((provider) =>
      startOidc(t, {
        clients: [{ ...client, provider }],
        accounts: ACCOUNTS,
        account: provider === 'corp' ? 'alice' : 'bob',
      }),
    ),
  )
  const providers = { corp: settingsOf(corp!), partner: settingsOf(partner!) }
  const started = await startOidcSite(t, { port, providers })
  await eventually(() => assert.equal(started.logged('sign-in provider found', 2), true))
  const browser = createCookieBrowser()
  const first = await untilCallback(browser, loginAt(started, '/one?a=1'))
  const second = await untilCallback(browser, loginAt(started, '/two?b=2', 'partner'))
  const third = await untilCallback(browser, loginAt(started, '/three'))
  assert.equal(browser.names().filter((name) => name.startsWith('HYDRA-OIDC')).length, 3)
  // A state belongs to its provider.
  const mixed = second.replace('/partner/', '/corp/')
  assert.equal((await browser.get(mixed)).status, 400)
  for (const [callback, ref, sub] of [
    [third, '/three', 'corp:alice'],
    [first, '/one?a=1', 'corp:alice'],
    [second, '/two?b=2', 'partner:bob'],
  ] as const) {
    const step = await browser.get(callback)
    assert.equal(step.headers.get('location'), ref)
    assert.equal(who(browser)?.sub, sub)
  }
})

test('a callback counts once, in the browser that began, for what it began', async (t) => {
  const { oidc, site, browser } = await start(t)
  const callback = await untilCallback(browser, loginAt(site, '/a'))
  const flows = () => [...browser.jar.get('127.0.0.1')!].filter(([name]) => name.startsWith('HYDRA-OIDC'))
  const [[name, kept]] = flows() as [[string, { value: string; path: string; attributes: string }]]
  assert.equal(kept.attributes, 'Path=/_hydra/login; Max-Age=600; HttpOnly; SameSite=Lax')

  await assertRefused(createCookieBrowser(), site, await createCookieBrowser().get(callback), 'state-unknown')
  const forged = callback.replace(/state=[^&]*/, (state) => `${state.slice(0, -3)}xyz`)
  await assertRefused(browser, site, await browser.get(forged), 'state-unknown')
  await assertRefused(
    browser,
    site,
    await browser.get(callback.replace(/state=[^&]*&?/, '')),
    'state-missing',
  )
  await assertRefused(browser, site, await browser.get(`${callback}&state=x`), 'state-missing')
  const tokens = () => oidc.requests.filter((one) => one === 'POST /token').length
  assert.equal(tokens(), 0, 'the provider was not bothered with any of it')

  assert.equal((await browser.get(callback)).status, 303)
  const replaying = createCookieBrowser()
  await assertRefused(replaying, site, await replaying.get(callback), 'state-unknown')
  replaying.jar.set('127.0.0.1', new Map([[name, kept]]))
  await assertRefused(replaying, site, await replaying.get(callback), 'state-used')
  assert.equal(tokens(), 1)
})

test('an ID token that does not hold signs nobody in', async (t) => {
  const { oidc, site, browser } = await start(t)
  const other = await startOidc(t, { clients: [], accounts: {} })
  const second = (from: number) => Math.floor(Date.now() / 1000) + from
  const cases: [reason: string, change: (claims: Record<string, unknown>) => void][] = [
    ['jwt-claim-comparison-failed', (claims) => void (claims.nonce = 'another')],
    ['invalid-response', (claims) => void delete claims.nonce],
    ['jwt-claim-comparison-failed', (claims) => void (claims.iss = other.issuer)],
    ['jwt-claim-comparison-failed', (claims) => void (claims.aud = 'somebody')],
    ['jwt-claim-comparison-failed', (claims) => void (claims.aud = ['gateway', 'somebody'])],
    ['jwt-claim-comparison-failed', (claims) => Object.assign(claims, { aud: ['gateway', 'x'], azp: 'x' })],
    ['jwt-timestamp-check-failed', (claims) => void (claims.exp = second(-120))],
    ['invalid-response', (claims) => void delete claims.sub],
  ]
  for (const [reason, change] of cases) {
    oidc.behave()
    oidc.alterIdToken(change)
    const callback = await untilCallback(browser, loginAt(site, '/a'))
    await assertRefused(browser, site, await browser.get(callback), reason)
  }
  const wrong: [reason: string, sign: (claims: Record<string, unknown>) => string][] = [
    ['invalid-response', (claims) => oidc.sign(claims, { alg: 'none' })],
    ['invalid-response', (claims) => oidc.sign(claims, { alg: 'HS256' })],
    ['key-selection-failed', (claims) => other.sign(claims)],
    ['invalid-response', (claims) => `${oidc.sign(claims).slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`],
    ['invalid-response', () => 'nonsense'],
  ]
  for (const [reason, sign] of wrong) {
    oidc.behave()
    oidc.alter('/token', (answer) => {
      const body = JSON.parse(answer.body)
      answer.body = JSON.stringify({ ...body, id_token: sign(payloadOf(body.id_token)) })
    })
    const callback = await untilCallback(browser, loginAt(site, '/a'))
    await assertRefused(browser, site, await browser.get(callback), reason)
  }
  oidc.behave()
  const callback = await untilCallback(browser, loginAt(site, '/a'))
  assert.equal((await browser.get(callback)).status, 303)
})

test('metadata that offers no signature does not talk us into taking none', async (t) => {
  const { oidc, site, browser } = await start(t, { oidc: { stopped: true } })
  oidc.alter('/.well-known/', (answer) => {
    const metadata = JSON.parse(answer.body)
    metadata.id_token_signing_alg_values_supported = ['none', 'HS256', 'RS256']
    answer.body = JSON.stringify(metadata)
  })
  await oidc.start()
  for (const alg of ['none', 'HS256']) {
    oidc.alter('/token', (answer) => {
      const body = JSON.parse(answer.body)
      answer.body = JSON.stringify({ ...body, id_token: oidc.sign(payloadOf(body.id_token), { alg }) })
    })
    const callback = await eventually(() => untilCallback(browser, loginAt(site, '/a')), 10_000, 100)
    await assertRefused(browser, site, await browser.get(callback), 'unsupported-operation')
  }
})

test('an answer of another provider is not taken for this one’s (RFC 9207)', async (t) => {
  const { site, browser } = await start(t)
  for (const change of [
    (url: string) => url.replace(/iss=[^&]*/, `iss=${encodeURIComponent('https://evil.example')}`),
    (url: string) => url.replace(/&iss=[^&]*/, ''),
  ]) {
    const callback = change(await untilCallback(browser, loginAt(site, '/a')))
    await assertRefused(browser, site, await browser.get(callback), 'invalid-response')
  }
})

test('claims of another person at the UserInfo endpoint are refused', async (t) => {
  const { oidc, site, browser } = await start(t)
  oidc.alter('/me', (answer) => {
    answer.body = JSON.stringify({ ...JSON.parse(answer.body), sub: 'bob' })
  })
  const callback = await untilCallback(browser, loginAt(site, '/a'))
  await assertRefused(browser, site, await browser.get(callback), 'json-attribute-comparison-failed')
})

test('a provider that takes neither our secret nor its own token is named so, and the visitor is not', async (t) => {
  // oidc-provider asks for the secret with a challenge, as RFC 6749 wants it.
  const { oidc, site, browser } = await start(t, { provider: { clientSecret: 'an old one' } })
  const callback = await untilCallback(browser, loginAt(site, '/a'))
  const refused = await browser.get(callback)
  await assertRefused(browser, site, refused, 'client-refused')
  assert.doesNotMatch(refused.body, /too long ago/)
  assert.match(refused.body, /<p class="lead">What the sign-in provider answered does not belong/)
  // What the page says of a sign-in that is over, it says once.
  const again = await browser.get(callback)
  await assertRefused(browser, site, again, 'state-unknown')
  assert.equal(again.body.match(/too long ago/g)?.length, 1)

  const other = await start(t)
  other.oidc.alter('/me', (answer) => {
    answer.status = 401
    answer.headers['www-authenticate'] = 'Bearer error="invalid_token"'
  })
  const second = await untilCallback(other.browser, loginAt(other.site, '/a'))
  await assertRefused(other.browser, other.site, await other.browser.get(second), 'userinfo-refused')
  assert.ok(oidc.requests.includes('POST /token'))
})

test('somebody who says no, or may not, is back at the login page with a sentence', async (t) => {
  const { oidc, site, browser } = await start(t)
  oidc.account = 'denied'
  const steps = await browser.open(loginAt(site, '/a?b=1'), {
    stop: (next) => next.includes('/login?') && !next.includes('_hydra'),
  })
  const location = new URL(steps.at(-1)!.headers.get('location')!, site.url)
  assert.equal(location.pathname, '/login')
  assert.equal(location.searchParams.get('ref'), '/a?b=1')
  assert.equal(location.searchParams.get('error'), 'corp')
  assert.deepEqual(site.refusals(), ['denied'])
})

test('a provider that is down when the gateway starts is found when it is there', async (t) => {
  const { oidc, site, browser } = await start(t, { oidc: { stopped: true } })
  await eventually(() => assert.ok(site.logged('sign-in provider not found')))
  const refused = await browser.get(loginAt(site, '/a'))
  assert.equal(refused.status, 503)
  assert.match(refused.body, /That way to sign in is away for a moment/)
  assert.equal(refused.headers.get('retry-after'), '5')
  assert.equal(site.refusals().at(-1), 'down')
  await oidc.start()
  // Nobody has to wait for the next look in the background.
  const callback = await eventually(() => untilCallback(browser, loginAt(site, '/a')), 5000, 100)
  assert.equal((await browser.get(callback)).status, 303)
})

test('a provider that hangs, or is gone in the middle, costs a visitor seconds and nobody else anything', async (t) => {
  const { oidc, site, browser } = await start(t)
  const callback = await untilCallback(browser, loginAt(site, '/a'))
  oidc.hang('/token')
  const begun = performance.now()
  const [refused, served] = await Promise.all([
    browser.get(callback),
    createCookieBrowser().get(`${site.url}/`),
  ])
  assert.equal(served.status, 200)
  assert.equal(refused.status, 503)
  assert.ok(performance.now() - begun < 8000)
  assert.equal(site.refusals().at(-1), 'timeout')
  oidc.behave()
  const again = await untilCallback(browser, loginAt(site, '/a'))
  await oidc.stop()
  assert.equal((await browser.get(again)).status, 503)
  assert.equal(site.refusals().at(-1), 'unreachable')
  await oidc.start()
  const last = await eventually(() => untilCallback(browser, loginAt(site, '/a')), 5000, 100)
  assert.equal((await browser.get(last)).status, 303)
})

test('a provider that lies about itself is none', async (t) => {
  const { oidc, site } = await start(t, { oidc: { stopped: true } })
  await oidc.start()
  const metadata = (change: object) => (answer: OidcAnswer) => {
    answer.body = JSON.stringify({ ...JSON.parse(answer.body), ...change })
  }
  const lies: [reason: string, lie: (answer: OidcAnswer) => void][] = [
    ['json-attribute-comparison-failed', metadata({ issuer: 'https://evil.example' })],
    ['metadata-endpoint', metadata({ authorization_endpoint: 'javascript:alert(1)' })],
    ['metadata-endpoint', metadata({ token_endpoint: 'http://evil.example/token' })],
    ['metadata-endpoint', metadata({ jwks_uri: undefined })],
    ['metadata-algorithms', metadata({ id_token_signing_alg_values_supported: ['none', 'HS256'] })],
    ['oversize', metadata({ padding: 'x'.repeat(300_000) })],
    ['parse-error', (answer) => void (answer.body = 'moved')],
    ['provider-busy', (answer) => void (answer.status = 503)],
  ]
  for (const [reason, lie] of lies) {
    oidc.behave()
    oidc.alter('/.well-known/', lie)
    await eventually(
      async () => {
        assert.equal((await createCookieBrowser().get(loginAt(site, '/a'))).status, 503)
        assert.equal(site.lines().findLast(({ msg }) => msg === 'sign-in provider not found')?.reason, reason)
      },
      5000,
      100,
    )
  }
})

test('a provider nobody set up is a page for people, and a problem for programs', async (t) => {
  const { site } = await start(t)
  const page = await fetch(`${site.url}/_hydra/login/nosuch`, { headers: { accept: 'text/html' } })
  assert.equal(page.status, 404)
  assert.match(page.headers.get('content-type') ?? '', /^text\/html/)
  assert.match(await page.text(), /There is nothing at this address/)
  const problem = await fetch(`${site.url}/_hydra/login/nosuch`)
  assert.equal(problem.headers.get('content-type'), 'application/problem+json')
  assert.equal(((await problem.json()) as { code: string }).code, 'HYDRA_NO_ROUTE')
})

test('a form that the provider posts is not spoken', async (t) => {
  const { site } = await start(t)
  const response = await fetch(`${site.url}/_hydra/login/corp/callback`, {
    method: 'POST',
    body: new URLSearchParams({ code: 'c', state: 's' }),
  })
  assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET'])
  assert.equal((await fetch(`${site.url}/_hydra/login/nobody`)).status, 404)
  assert.equal((await fetch(`${site.url}/_hydra/logout/corp`)).status, 405)
})

test('a second account is added by whoever is signed in, and from then on one login brings both', async (t) => {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const client = { clientId: 'gateway', clientSecret: 'between us', site: url }
  const [corp, partner] = await Promise.all(
    ['corp', 'partner'].map((provider) =>
      startOidc(t, {
        clients: [{ ...client, provider }],
        accounts: ACCOUNTS,
        account: provider === 'corp' ? 'alice' : 'bob',
      }),
    ),
  )
  const site = await startOidcSite(t, {
    port,
    providers: { corp: settingsOf(corp!), partner: settingsOf(partner!) },
  })
  await eventually(() => assert.ok(site.logged('sign-in provider found', 2)))
  const browser = createCookieBrowser()
  const home = { stop: (next: string) => next.startsWith(`${url}/private`) }
  await browser.open(loginAt(site, '/private'), home)
  const { sid } = who(browser)!

  for (const [headers, reason] of [
    [{ 'sec-fetch-site': 'cross-site' }, 'link-foreign'],
    [{ 'sec-fetch-site': 'none' }, 'link-foreign'],
    [{ 'sec-fetch-site': 'same-site' }, 'link-foreign'],
  ] as const) {
    const refused = await browser.get(loginAt(site, '/private', 'partner', '&link=1'), headers)
    assert.equal(refused.status, 400)
    assert.equal(site.refusals().at(-1), reason)
  }
  const own = { 'sec-fetch-site': 'same-origin' }
  const stranger = await createCookieBrowser().get(loginAt(site, '/private', 'partner', '&link=1'), own)
  assert.equal(
    stranger.headers.get('location'),
    '/login?ref=%2Fprivate',
    'somebody has to be signed in first',
  )

  // Signed out, or somebody else, by the time they come back: nothing is linked.
  let callback = await untilCallback(browser, loginAt(site, '/private', 'partner', '&link=1'), own)
  const kept = browser.jar.get('127.0.0.1')!.get('HYDRA-SSO')!
  browser.jar.get('127.0.0.1')!.delete('HYDRA-SSO')
  await assertRefused(browser, site, await browser.get(callback), 'no-session')
  browser.jar.get('127.0.0.1')!.set('HYDRA-SSO', kept)

  callback = await untilCallback(browser, loginAt(site, '/private?b', 'partner', '&link=1'), own)
  assert.equal((await browser.get(callback)).headers.get('location'), '/private?b')
  const linked = who(browser)!
  assert.deepEqual([linked.sub, linked.idp, linked.sid], ['corp:alice', ['corp', 'partner'], sid])
  assert.ok(site.logged('identities were linked'))

  const later = createCookieBrowser()
  await later.open(loginAt(site, '/private', 'partner'), home)
  assert.deepEqual(
    [who(later)?.sub, new Set(who(later)?.idp as string[])],
    ['partner:bob', new Set(['corp', 'partner'])],
  )
  assert.equal(site.logged('two persons became one'), false)

  // Somebody else who proves to be bob as well.
  corp!.account = 'joe'
  const third = createCookieBrowser()
  await third.open(loginAt(site, '/private'), home)
  callback = await untilCallback(third, loginAt(site, '/private', 'partner', '&link=1'), own)
  assert.equal((await third.get(callback)).status, 303)
  assert.equal(who(third)?.sub, 'corp:joe')
  assert.ok(site.logged('two persons became one'))
})

test('a provider’s user who is called like a local one is told apart', async (t) => {
  const { oidc, site, browser } = await start(t, { site: { users: { joe: 'a password of joe' } } })
  oidc.account = 'joe'
  await browser.open(loginAt(site, '/'), { stop: (next) => next === `${site.url}/` })
  assert.deepEqual([who(browser)?.sub, who(browser)?.username], ['corp:joe', 'joe@corp'])
  // Applications that compare names as their database does would take them for joe.
  oidc.account = 'JOE'
  const other = createCookieBrowser()
  await other.open(loginAt(site, '/'), { stop: (next) => next === `${site.url}/` })
  assert.deepEqual([who(other)?.sub, who(other)?.username], ['corp:JOE', 'JOE@corp'])
})

test('signing out at the provider ends what was opened with it, at once', async (t) => {
  const { oidc, site } = await start(t)
  const signIn = async (account: string) => {
    const browser = createCookieBrowser()
    oidc.account = account
    await browser.open(loginAt(site, '/'), { stop: (next) => next === `${site.url}/` })
    assert.equal(await site.admits(browser), true)
    return browser
  }
  const [desk, phone, other] = [await signIn('alice'), await signIn('alice'), await signIn('bob')]
  const send = (token: string) =>
    fetch(`${site.url}/_hydra/logout/corp`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    })

  // The desk's browser is taken to the provider and signs out there: the real provider calls us.
  assert.notDeepEqual(who(desk)?.psid, who(phone)?.psid, 'one session at the provider for each browser')
  const page = await desk.get(`${oidc.issuer}/session/end?client_id=gateway`)
  const xsrf = /name="xsrf" value="(\w+)"/.exec(page.body)![1]!
  const ended = await desk.post(`${oidc.issuer}/session/end/confirm`, { xsrf, logout: 'yes' })
  assert.deepEqual([ended.status, oidc.errors], [303, []])
  await eventually(async () => assert.equal(await site.admits(desk), false), 1000)
  assert.equal(await site.admits(phone), true, 'the other session goes on')

  // Of everything of the person, when no session is named.
  const token = oidc.sign(oidc.logoutClaims('gateway', { sub: 'alice' }), { typ: 'logout+jwt' })
  const answered = await send(token)
  assert.deepEqual([answered.status, answered.headers.get('cache-control')], [200, 'no-store'])
  assert.equal(await site.admits(phone), false)
  assert.equal(await site.admits(other), true)
  assert.equal((await send(token)).status, 400, 'once')
  assert.equal(site.refusals().at(-1), 'logout-replayed')
})

test('a logout token that does not hold ends nothing', async (t) => {
  const { oidc, site, browser } = await start(t)
  await browser.open(loginAt(site, '/'), { stop: (next) => next === `${site.url}/` })
  const other = await startOidc(t, { clients: [], accounts: {} })
  const post = (body: URLSearchParams | string, type?: string) =>
    fetch(`${site.url}/_hydra/logout/corp`, {
      method: 'POST',
      body,
      ...(type === undefined ? {} : { headers: { 'content-type': type } }),
    })
  const claims = (more: object) => oidc.logoutClaims('gateway', { sub: 'alice', ...more })
  const now = Math.floor(Date.now() / 1000)
  const event = 'http://schemas.openid.net/event/backchannel-logout'
  const faults: [reason: string, token: string][] = [
    ['logout-algorithm', oidc.sign(claims({}), { alg: 'none' })],
    ['logout-algorithm', oidc.sign(claims({}), { alg: 'HS256' })],
    ['logout-unknown-key', other.sign(claims({}))],
    ['logout-forged', `${oidc.sign(claims({})).slice(0, -20)}AAAAAAAAAAAAAAAAAAAA`],
    ['logout-iss', oidc.sign(claims({ iss: other.issuer }))],
    ['logout-aud', oidc.sign(claims({ aud: 'somebody' }))],
    ['logout-iat', oidc.sign(claims({ iat: now - 3600 }))],
    ['logout-iat', oidc.sign(claims({ iat: now + 3600, exp: now + 7200 }))],
    ['logout-iat', oidc.sign(claims({ iat: undefined }))],
    ['logout-exp', oidc.sign(claims({ iat: now - 100, exp: now - 60 }))],
    ['logout-jti', oidc.sign(claims({ jti: undefined }))],
    ['logout-events', oidc.sign(claims({ events: undefined }))],
    ['logout-events', oidc.sign(claims({ events: {} }))],
    ['logout-events', oidc.sign(claims({ events: { [event]: true } }))],
    ['logout-nonce', oidc.sign(claims({ nonce: 'n' }))],
    ['logout-subject', oidc.sign(claims({ sub: undefined }))],
    ['logout-sub', oidc.sign(claims({ sub: 7 }))],
    ['logout-type', oidc.sign(claims({}), { typ: 'at+jwt' })],
    ['logout-malformed', 'nonsense'],
    ['logout-malformed', ''],
  ]
  for (const [reason, token] of faults) {
    const answered = await post(new URLSearchParams({ logout_token: token }))
    assert.equal(answered.status, 400, reason)
    assert.equal(answered.headers.get('cache-control'), 'no-store')
    assert.deepEqual(await answered.json(), { error: 'invalid_request', error_description: reason })
    assert.equal(site.refusals().at(-1), reason)
  }
  const good = new URLSearchParams({ logout_token: oidc.sign(claims({})) })
  const twice = new URLSearchParams([...good, ...good])
  for (const [body, type] of [
    [good.toString(), 'text/plain'],
    ['', 'application/x-www-form-urlencoded'],
    [twice.toString(), 'application/x-www-form-urlencoded'],
    [`logout_token=${'x'.repeat(40_000)}`, 'application/x-www-form-urlencoded'],
  ] as const) {
    assert.equal((await post(body, type)).status, 400)
    assert.equal(site.refusals().at(-1), 'logout-form')
  }
  assert.equal(await site.admits(browser), true)
  assert.equal((await post(good)).status, 200, 'the good one among them')
  assert.equal(await site.admits(browser), false)
})

test('strangers who send slowly keep no provider from signing somebody out', async (t) => {
  const { oidc, site, browser } = await start(t)
  await browser.open(loginAt(site, '/private/a'))
  const { port } = new URL(site.url)
  const head = 'POST /_hydra/logout/corp HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n'
  const slow = Array.from({ length: 60 }, () => connect(Number(port), '127.0.0.1').on('error', () => {}))
  t.after(() => {
    for (const socket of slow) socket.destroy()
  })
  for (const socket of slow)
    socket.write(`${head}Content-Type: application/x-www-form-urlencoded\r\n\r\nlogout_token=`)
  await eventually(async () => {
    const metrics = await (await fetch(`${site.url}/_hydra/metrics`)).text()
    assert.ok(Number(/^hydra_connections (\d+)$/m.exec(metrics)?.[1]) >= 60)
  })
  const logout_token = oidc.sign(oidc.logoutClaims('gateway', { sub: 'alice' }))
  const body = new URLSearchParams({ logout_token })
  const answer = await fetch(`${site.url}/_hydra/logout/corp`, { method: 'POST', body })
  assert.equal(answer.status, 200, await answer.text())
  assert.equal(await site.admits(browser), false)
})

test('nothing secret of a sign-in stands in the log', async (t) => {
  const { oidc, site, browser } = await start(t)
  const callback = await untilCallback(browser, loginAt(site, '/a'))
  const flow = [...browser.jar.get('127.0.0.1')!].find(([name]) => name.startsWith('HYDRA-OIDC'))![1].value
  await browser.get(callback)
  await createCookieBrowser().get(callback)
  oidc.alter('/token', (answer) => {
    answer.status = 400
    answer.body = JSON.stringify({ error: 'invalid_grant', error_description: `unknown ${randomUUID()}` })
  })
  const failing = await untilCallback(browser, loginAt(site, '/a'))
  await browser.get(failing)
  assert.equal(site.refusals().at(-1), 'code-refused')
  const token = oidc.sign(oidc.logoutClaims('gateway', { sub: 'alice', nonce: 'n' }))
  await fetch(`${site.url}/_hydra/logout/corp`, {
    method: 'POST',
    body: new URLSearchParams({ logout_token: token }),
  })
  const log = JSON.stringify(site.lines())
  const of = (url: string, name: string) => new URL(url).searchParams.get(name)!
  const secrets = [callback, failing].flatMap((url) => [of(url, 'code'), of(url, 'state')])
  for (const secret of [...secrets, flow, token, 'between us', 'unknown ']) {
    assert.ok(!log.includes(secret), `${secret.slice(0, 12)}… stands in the log`)
  }
})
