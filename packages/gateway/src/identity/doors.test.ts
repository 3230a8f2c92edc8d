import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { compileLoginTemplate } from '../pages/login-template.ts'
import { createPasswords } from './passwords.ts'
import { ACME, type Asked, createWorld, HOUR } from './testing/world.ts'

const GOOD = { username: 'mira', password: 'secret' }
const BAD = { username: 'mira', password: 'wrong' }
const PROVIDERS = [
  { name: 'acme', label: 'Acme staff', path: '/_hydra/login/acme', state: 'available' },
  { name: 'city', label: 'City pass', path: '/_hydra/login/city', state: 'down' },
] as const
const OWN = { origin: 'http://shop.example' }

test('somebody signs in with the form and is back at exactly the address they asked for', async () => {
  const { browser, lines } = await createWorld()
  const tab = browser()
  const page = await tab.open(`/login?ref=${encodeURIComponent('/orders/2291?tab=a%20b&x=1')}`)
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-security-policy')!, /default-src 'none'.*form-action 'self'/)
  assert.equal(page.headers.get('cache-control'), 'no-store')
  const done = await tab.send(page, GOOD)
  assert.equal(done.status, 303)
  assert.equal(done.headers.get('location'), '/orders/2291?tab=a%20b&x=1')
  assert.deepEqual([...tab.jar.keys()].map((name) => name.replace(/-[\w-]{8}$/, '-…')).sort(), [
    'HYDRA-KNOWN',
    'HYDRA-LOGIN-…',
    'HYDRA-RENEW',
    'HYDRA-SESSION',
    'HYDRA-SSO',
  ])
  const who = await tab.ask('/_hydra/session', { headers: { accept: 'application/json' } })
  const { user } = (await who.json()) as { user: unknown }
  assert.deepEqual(user, { username: 'mira', userId: 7, roles: ['USER'], claims: {}, providers: ['local'] })
  assert.ok(!JSON.stringify(lines).includes('secret'))
})

test('a wrong password shows the page again, with the name, without the password, and says it kindly', async () => {
  const { browser, refused, lines } = await createWorld()
  const tab = browser()
  const first = await tab.send(await tab.open('/login?ref=/orders'), BAD)
  assert.equal(first.status, 401)
  assert.equal(first.headers.get('hydra-problem'), 'HYDRA_BAD_LOGIN')
  assert.match(first.headers.get('www-authenticate')!, /^Cookie realm="Lerna Outfitters"/)
  const text = await first.text()
  assert.match(text, /That user name and password don’t belong together/)
  assert.match(text, /After 4 more tries we pause/)
  assert.match(text, /value="mira"/)
  assert.ok(!text.includes('wrong"'))
  assert.ok(!tab.jar.has('HYDRA-SSO'))
  assert.deepEqual(refused, ['login wrong'])
  assert.equal((await tab.send(text, GOOD)).headers.get('location'), '/orders')
  // A name nobody has may be a password in the wrong field.
  await tab.send(text, { username: 'my-p4ssword', password: '' })
  assert.ok(!JSON.stringify(lines).includes('my-p4ssword'))
})

test('everybody who may not sign in reads the same', async () => {
  const { browser, store, record, refused } = await createWorld()
  const says = async (fields: Record<string, string>) => {
    const tab = browser()
    const page = await (await tab.send(await tab.open('/login'), fields)).text()
    const main = page.slice(page.indexOf('<main>'), page.indexOf('<div class="creature"'))
    return main.replace(/value="[^"]*"/g, '').replace(/(After|Before)[^<]*pause[^<]*/, '')
  }
  const wrong = await says(BAD)
  assert.equal(await says({ username: 'nobody', password: 'secret' }), wrong)
  for (const flag of ['enabled', 'accountNonLocked', 'accountNonExpired', 'credentialsNonExpired']) {
    await store.users.put({ ...record, [flag]: false })
    assert.equal(await says(GOOD), wrong)
  }
  assert.deepEqual(refused.slice(2), [
    'login disabled',
    'login locked',
    'login expired',
    'login credentials-expired',
  ])
})

test('after five tries there is a pause, said with its length, and a known browser does not share it', async () => {
  const { browser, clock } = await createWorld()
  const [mine, stranger] = [browser(), browser()]
  await mine.send(await mine.open('/login'), GOOD)
  let page = await (await stranger.open('/login?ref=/orders')).text()
  for (let i = 0; i < 5; i++) page = await (await stranger.send(page, BAD)).text()
  assert.match(page, /Before the next try there is a short pause/)
  const held = await stranger.send(page, GOOD)
  assert.equal(held.status, 429)
  assert.equal(held.headers.get('retry-after'), '1')
  page = await held.text()
  assert.match(page, /A short pause/)
  assert.match(page, /in 1 second\./)
  assert.match(held.headers.get('content-security-policy')!, /style-src 'sha256-\S+ 'sha256-\S+ 'sha256-/)
  assert.equal((await mine.send(await mine.open('/login'), GOOD)).status, 303)
  clock.advance(1000)
  assert.equal((await stranger.send(page, GOOD)).headers.get('location'), '/orders')
})

test('open redirects: nothing that is asked for by any way leads elsewhere', async () => {
  const hostile = [
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/%2f/evil.example',
    '/%5cevil.example',
    '/\t/evil.example',
    '/\r\nLocation: https://evil.example',
    '/.//evil.example',
    'javascript:alert(1)',
    '/login?ref=/a',
    '/logout',
    '/_hydra/session?ref=/a',
    '%2f%2fevil.example',
    'http:evil.example',
    '/\u0000',
    '@evil.example',
    ' /orders',
  ]
  const { browser } = await createWorld()
  for (const ref of hostile) {
    const inQuery = browser()
    const page = await inQuery.open(`/login?ref=${encodeURIComponent(ref)}`)
    assert.equal((await inQuery.send(page, GOOD)).headers.get('location'), '/', `ref ${JSON.stringify(ref)}`)
    const inField = browser()
    const changed = (await (await inField.open('/login?ref=/orders')).text()).replace('value="/orders"', '')
    assert.equal(
      (await inField.send(changed, { ...GOOD, ref })).headers.get('location'),
      '/',
      `field ${JSON.stringify(ref)}`,
    )
    const session = await inField.open(`/_hydra/session?ref=${encodeURIComponent(ref)}`)
    assert.equal(session.headers.get('location'), '/', `renewal ${JSON.stringify(ref)}`)
    if (/[;\s\u0000]/.test(ref)) continue
    const inCookie = browser()
    const cookie = { cookie: `Referer=${ref}` }
    const shown = await inCookie.open('/login', { headers: cookie })
    assert.equal((await inCookie.send(shown, GOOD, cookie)).headers.get('location'), '/', `cookie ${ref}`)
    const inHeader = browser()
    const header = { referer: ref.startsWith('/') ? `http://evil.example${ref}` : ref }
    const given = await inHeader.open('/login', { headers: header })
    assert.equal((await inHeader.send(given, GOOD, header)).headers.get('location'), '/', `header ${ref}`)
  }
})

test('the return address: the field, then the cookie of Medusa applications, then the page a link was on', async () => {
  const { browser } = await createWorld()
  const to = async (target: string, headers: Record<string, string>) => {
    const tab = browser()
    const page = await tab.open(target, { headers })
    const done = await tab.send(page, GOOD, headers)
    return { location: done.headers.get('location'), cookies: done.headers.getSetCookie().join('\n') }
  }
  const cookie = 'Referer=/secure/a?b=1'
  const referer = 'http://shop.example/catalog?q=1'
  assert.equal((await to('/login?ref=/orders', { cookie, referer })).location, '/orders')
  const byCookie = await to('/login', { cookie, referer })
  assert.equal(byCookie.location, '/secure/a?b=1')
  assert.match(byCookie.cookies, /^Referer=; Path=\/; Max-Age=0/m)
  assert.equal((await to('/login', { referer })).location, '/catalog')
  assert.equal((await to('/login', { referer: 'http://shop.example/login' })).location, '/')
  assert.equal((await to('/login', {})).location, '/')
})

test('a form of another site, of another browser, or without its field signs nobody in', async () => {
  const { browser, refused } = await createWorld()
  const tab = browser()
  const page = await (await tab.open('/login')).text()
  const outcome = async (response: Response) => {
    assert.ok(!tab.jar.has('HYDRA-SSO'))
    return `${response.status} ${response.headers.get('hydra-problem')}`
  }
  for (const origin of [
    'https://evil.example',
    'null',
    'http://sub.shop.example',
    'http://shop.example:81',
    'x',
  ])
    assert.equal(await outcome(await tab.send(page, GOOD, { origin })), '403 HYDRA_FORBIDDEN', origin)
  for (const site of ['cross-site', 'same-site'])
    assert.equal(await outcome(await tab.send(page, GOOD, { 'sec-fetch-site': site })), '403 HYDRA_FORBIDDEN')
  assert.equal(
    await outcome(await tab.send(page, { ...GOOD, _csrf: 'A'.repeat(22) })),
    '400 HYDRA_LOGIN_FAILED',
  )
  const other = browser()
  await other.open('/login')
  assert.equal((await other.send(page, GOOD)).status, 400)
  const expired = await browser().send(page, GOOD)
  assert.match(await expired.text(), /Please sign in once more/)
  const bare = await tab.open('/login', { method: 'POST', form: GOOD, headers: OWN })
  assert.equal(bare.status, 400)
  assert.deepEqual([...new Set(refused)], ['login foreign', 'login form', 'login form-cookie'])
  assert.equal((await tab.send(page, GOOD)).status, 303)
})

test('a form without its cookie is said in the log, and why the browser kept it where that is known', async () => {
  const settings = { siteTitle: 'Shop', publicUrl: 'https://shop.example' }
  for (const [door, hint] of [
    [{}, undefined],
    [{ settings }, 'the request came by http, and publicUrl is https'],
  ] as const) {
    const { browser, lines } = await createWorld({ door })
    const page = await (await browser().open('/login')).text()
    assert.equal((await browser().send(page, GOOD)).status, 400)
    assert.partialDeepStrictEqual(lines.at(-1), { reason: 'form-cookie' })
    assert.equal((lines.at(-1) as { hint?: string }).hint, hint)
  }
})

test('two tabs with the form do not spoil each other', async () => {
  const { browser } = await createWorld()
  const tab = browser()
  const [first, second] = [await tab.open('/login?ref=/a'), await tab.open('/login?ref=/b')]
  assert.equal((await tab.send(first, GOOD)).headers.get('location'), '/a')
  assert.equal((await tab.send(second, GOOD)).headers.get('location'), '/b')
})

test('a session that was put into the browser before is never the one somebody signs in to', async () => {
  const { browser, sessions } = await createWorld()
  const [attacker, victim] = [browser(), browser()]
  await attacker.send(await attacker.open('/login'), GOOD)
  for (const [name, cookie] of attacker.jar) victim.jar.set(name, { ...cookie })
  const before = await sessions.current(victim.at('/'))
  await victim.send(await victim.open('/login'), GOOD)
  const after = await sessions.current(victim.at('/'))
  assert.notEqual(after?.sid, before?.sid)
  assert.equal(await sessions.current(attacker.at('/')), undefined, 'and the old one is over')
})

test('programs get problems and JSON: without our form where nothing says they are a page of another site', async () => {
  const { browser } = await createWorld()
  const post = (form: Asked['form'], headers: Record<string, string> = {}) =>
    browser().ask('/login', { method: 'POST', form, headers })
  const json = { accept: 'application/json' }
  const bad = await post(BAD, json)
  assert.equal(bad.status, 401)
  assert.equal(bad.headers.get('content-type'), 'application/problem+json')
  assert.equal(((await bad.json()) as { code: string }).code, 'HYDRA_BAD_LOGIN')
  const good = await post(GOOD, { ...json, ...OWN })
  const { user, ref } = (await good.json()) as { user: { username: string }; ref: string }
  assert.deepEqual([good.status, user.username, ref], [200, 'mira', '/'])
  assert.equal(
    (await post({ ...GOOD, ref: '/orders' }, { accept: '*/*' })).headers.get('location'),
    '/orders',
  )
  assert.equal((await post(GOOD, { ...json, origin: 'https://evil.example' })).status, 403)
  assert.equal(
    (await post(GOOD, { ...json, 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'cross-site' })).status,
    403,
  )
  assert.equal((await post({ ...GOOD, _csrf: 'x' }, json)).status, 400)
})

test('what is no login form is refused: other types, too much, fields twice or missing', async () => {
  const { browser } = await createWorld()
  const post = async (form: Asked['form'], headers: Record<string, string> = {}) =>
    (await browser().ask('/login', { method: 'POST', form, headers })).status
  assert.equal(
    await post('{"username":"mira","password":"secret"}', { 'content-type': 'application/json' }),
    400,
  )
  assert.equal(await post('username=mira&password=secret', { 'content-type': 'multipart/form-data' }), 400)
  assert.equal(await post('username=mira&username=noor&password=secret'), 400)
  assert.equal(await post('username=mira'), 400)
  assert.equal(await post(`username=mira&password=${'x'.repeat(40_000)}`), 413)
  assert.equal(await post({ username: 'x'.repeat(10_000), password: 'secret' }), 401)
  const put = await browser().ask('/login', { method: 'PUT' })
  assert.deepEqual([put.status, put.headers.get('allow')], [405, 'GET, HEAD, POST'])
})

test('too many at once are told to come back, and it does not count against them', async () => {
  const passwords = createPasswords({ memoryKiB: 64, passes: 1, concurrent: 1, waiting: 0 })
  const stand = passwords.standIn()
  const { browser } = await createWorld({
    door: {
      users: {
        isEmpty: false,
        has: () => false,
        async authenticate() {
          await Promise.all([passwords.verify(stand, 'a'), passwords.verify(stand, 'a')])
          return 'wrong'
        },
      },
    },
  })
  const tab = browser()
  let page: Response | string = await tab.open('/login')
  for (let i = 0; i < 8; i++) {
    const busy: Response = await tab.send(page, GOOD)
    assert.equal(busy.status, 503)
    assert.ok(busy.headers.get('retry-after'))
    page = await busy.text()
    assert.match(page, /Many people sign in at this moment/)
  }
})

test('signing out ends the session everywhere and takes every cookie of it away', async () => {
  const { browser, sessions } = await createWorld()
  const [tab, copy] = [browser(), browser()]
  await tab.send(await tab.open('/login'), GOOD)
  for (const [name, cookie] of tab.jar) copy.jar.set(name, { ...cookie })
  const out = await tab.open('/logout', { method: 'POST', headers: OWN })
  assert.deepEqual([out.status, out.headers.get('location')], [303, '/login?logout'])
  assert.equal(tab.at('/_hydra/session').headers.get('cookie'), undefined)
  assert.match(tab.at('/login').headers.get('cookie')!, /^HYDRA-LOGIN-[^;]+; HYDRA-KNOWN=[^;]+$/)
  assert.equal(await sessions.current(copy.at('/')), undefined)
  assert.equal((await copy.ask('/_hydra/session', { method: 'POST' })).status, 401)
  assert.match(await (await tab.open('/login?logout')).text(), /You are signed out/)
})

test('signing out takes a page of this site and a button; programs get 204; a provider has its turn', async () => {
  const { browser, sessions } = await createWorld({ logoutUrl: 'https://id.example/end?client_id=1' })
  const tab = browser()
  await tab.send(await tab.open('/login'), GOOD)
  const page = await tab.open('/logout')
  assert.match(await page.text(), /<form method="post" action="\/logout">/)
  assert.match(page.headers.get('content-security-policy')!, /form-action 'self' https:\/\/id\.example;/)
  const foreign: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ]
  for (const headers of foreign)
    assert.equal((await tab.open('/logout', { method: 'POST', headers })).status, 403)
  assert.ok(await sessions.current(tab.at('/')))
  const out = await tab.open('/logout', { method: 'POST', headers: OWN })
  assert.equal(out.headers.get('location'), 'https://id.example/end?client_id=1')
  assert.equal(
    (await tab.ask('/logout', { method: 'POST', headers: { 'sec-fetch-mode': 'cors' } })).status,
    204,
  )
})

test('who is signed in already is told so, is never sent on by itself, and may become somebody else', async () => {
  const { browser } = await createWorld({ logoutUrl: 'https://id.example/end' })
  const tab = browser()
  await tab.send(await tab.open('/login'), GOOD)
  const page = await tab.open('/login?ref=/orders')
  assert.equal(page.status, 200)
  const text = await page.text()
  assert.match(text, /You are signed in as mira/)
  assert.match(text, /<a class="button" href="\/orders">Continue<\/a>/)
  assert.match(text, /Sign in as somebody else/)
  assert.match(page.headers.get('content-security-policy')!, /form-action 'self' https:\/\/id\.example;/)
})

test('a service that knows people by another login: only its ways in, and both belong together afterwards', async () => {
  const { browser, sessions } = await createWorld({
    providers: PROVIDERS,
    door: {
      acceptedProviders: (service) => ({ billing: ['local'], crm: ['acme', 'city'] })[service],
      titleOf: (service) => ({ billing: 'Billing', crm: 'Customers' })[service],
    },
  })
  const tab = browser()
  tab.take(await sessions.begin(tab.at('/_hydra/login/acme/callback'), ACME))
  const crm = await (await tab.open('/login?ref=/crm&for=crm')).text()
  assert.match(crm, /You are signed in as mira\.k/, 'known there already')
  const page = await (await tab.open('/login?ref=/bills&for=billing')).text()
  assert.match(page, /<h1>Billing knows you by user name and password<\/h1>/)
  assert.ok(!page.includes('Acme staff'))
  const done = await tab.send(page, GOOD)
  assert.equal(done.headers.get('location'), '/bills')
  const session = await sessions.current(tab.at('/'))
  assert.deepEqual(
    session?.identities.map(({ provider }) => provider),
    ['acme', 'local'],
  )

  const local = browser()
  await local.send(await local.open('/login'), GOOD)
  const both = await (await local.open('/login?for=crm&ref=/crm')).text()
  assert.match(both, /You are signed in as mira/, 'linked for ever')
  const noor = browser()
  noor.take(await sessions.begin(noor.at('/'), { ...ACME, provider: 'other', subject: '1' }))
  const links = await (await noor.open('/login?for=crm&ref=/crm')).text()
  assert.match(links, /Customers knows you by Acme staff or City pass/)
  assert.match(links, /href="\/_hydra\/login\/acme\?ref=%2Fcrm&amp;link=1"/)
  assert.ok(!links.includes('name="password"'))
})

test('providers keep their order and place, also one that is down, and carry the address to come back to', async () => {
  const { browser } = await createWorld({ providers: PROVIDERS })
  const text = await (await browser().open('/login?ref=/a?b')).text()
  assert.match(text, /href="\/_hydra\/login\/acme\?ref=%2Fa%3Fb"/)
  assert.match(text, /role="link" aria-disabled="true"><b aria-hidden="true">C<\/b>City pass/)
})

test('a renewal by a script: new cookies and times for pages of this site, 401 and none for nobody', async () => {
  const { browser, clock } = await createWorld()
  const tab = browser()
  await tab.send(await tab.open('/login'), GOOD)
  clock.advance(HOUR / 2)
  const renewed = await tab.ask('/_hydra/session', { method: 'POST', headers: OWN })
  const { user, expiresAt, renewAt } = (await renewed.json()) as {
    user: { roles: string[] }
    expiresAt: number
    renewAt: number
  }
  assert.deepEqual([user.roles, expiresAt - clock.now(), renewAt - clock.now()], [['USER'], HOUR, HOUR / 2])
  assert.equal(renewed.headers.getSetCookie().length, 3)
  assert.equal(renewed.headers.get('cache-control'), 'no-store')
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }])
    assert.equal((await tab.ask('/_hydra/session', { method: 'POST', headers })).status, 403)
  const nobody = await browser().ask('/_hydra/session', { method: 'POST', headers: OWN })
  assert.equal(nobody.status, 401)
  assert.ok(nobody.headers.getSetCookie().every((line) => line.includes('Max-Age=0')))
  const who = await browser().ask('/_hydra/session', { headers: { accept: 'application/json' } })
  assert.deepEqual([who.status, await who.json()], [200, { user: null }])
})

test('a renewal on the way leads back to the page, and without a session takes away what asks for it', async () => {
  const { browser, clock } = await createWorld()
  const tab = browser()
  await tab.send(await tab.open('/login'), GOOD)
  clock.advance(2 * HOUR)
  const way = await tab.open('/_hydra/session?ref=%2Forders%3Fa%3D1')
  assert.deepEqual([way.status, way.headers.get('location')], [303, '/orders?a=1'])
  assert.match(tab.at('/').headers.get('cookie')!, /HYDRA-SSO=/)
  clock.advance(25 * HOUR)
  tab.jar.set('HYDRA-RENEW', { value: 'x', path: '/', until: Number.POSITIVE_INFINITY })
  const over = await tab.open('/_hydra/session?ref=/orders')
  assert.equal(over.headers.get('location'), '/orders')
  assert.equal(tab.at('/').headers.get('cookie'), undefined)
})

test('a template of the operator: filled in, escaped, and refused when nobody could sign in with it', async () => {
  const template = compileLoginTemplate(
    '<title>{{title}}</title><p class="e">{{error}}</p><p>{{ message }}</p>{{signedIn}}<form method="post" action="/login">{{fields}}<input name="username" value="{{username}}"><input name="password"></form>{{providers}}',
  )
  const { browser } = await createWorld({ door: { template }, providers: PROVIDERS })
  const tab = browser()
  const nasty = '"><script>alert(1)</script>{{_csrf}}'
  const page = await tab.send(await tab.open('/login?ref=/orders'), { username: nasty, password: 'x' })
  const text = await page.text()
  assert.match(text, /<p class="e">That user name and password/)
  assert.ok(!text.includes('<script>'))
  assert.match(text, /\{\{_csrf\}\}/, 'what was typed is not filled in')
  assert.match(page.headers.get('content-security-policy')!, /form-action 'self'; frame-ancestors 'none'/)
  assert.doesNotMatch(text, /Sign out/)
  assert.equal((await tab.send(text, GOOD)).headers.get('location'), '/orders')
  const signedIn = await (await tab.open('/login?ref=/orders')).text()
  assert.match(
    signedIn,
    /<a class="button" href="\/orders">Continue<\/a><form method="post" action="\/logout">/,
  )
  assert.throws(
    () => compileLoginTemplate('<form><input name="username"></form>'),
    /no place for the hidden field _csrf/,
  )
  assert.throws(
    () => compileLoginTemplate('{{form}}{{user.name}}'),
    /\{\{user\.name\}\}, which stands for nothing/,
  )
  compileLoginTemplate('<input type="hidden" name="_csrf" value="{{_csrf}}">')
})

test('the login page of the guide works as it stands there', async () => {
  const guide = await readFile(new URL('../../../../docs/guides/sign-in.md', import.meta.url), 'utf8')
  const written = [...guide.matchAll(/^```html\n([\s\S]*?)^```$/gm)].find(([, code]) => code!.includes('{{'))
  const template = compileLoginTemplate(written![1]!)
  const { browser } = await createWorld({ door: { template } })
  const tab = browser()
  const page = await (await tab.open('/login?ref=/orders')).text()
  assert.match(page, /<meta name="viewport"/)
  assert.equal((await tab.send(page, GOOD)).headers.get('location'), '/orders')
  assert.match(
    await (await tab.open('/login')).text(),
    /You are signed in as mira\.[\s\S]*Sign out<\/button>/,
  )
})
