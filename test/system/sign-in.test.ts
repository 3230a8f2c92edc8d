/**
 * Signing in, on and out with user name and password, through a real gateway: what a visitor without a browser's help
 * sees of it, and what attackers do not get.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { ConfigInput } from '@hydra-gateway/gateway'
import { type CookieBrowser, createCookieBrowser, hiddenFields } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startUpstream } from '../support/upstream.ts'

const GOOD = { username: 'mira', password: 'secret' }
/** The least that may be set. */
const QUICK = { memoryKiB: 8192, passes: 1 }
const BAD = { username: 'mira', password: 'wr0ng-pass' }

/** A site with an open part and one for people who are signed in. */
async function openSite(
  t: TestContext,
  identity: NonNullable<ConfigInput['identity']> = {},
): Promise<TestGateway> {
  const { port } = await startUpstream(t, 'desk')
  const url = `http://127.0.0.1:${port}`
  return startGateway(t, {
    siteTitle: 'Lerna Outfitters',
    identity: { users: [{ ...GOOD, id: 7, roles: ['USER'] }], database: false, ...identity },
    services: {
      shop: { url, routes: ['/open/**'], login: 'cookie' },
      desk: { url, routes: ['/members/**'], login: 'cookie', auth: 'required' },
    },
  })
}

/** Signs in as a person does who was sent to the form. */
async function signIn(
  browser: CookieBrowser,
  { url }: TestGateway,
  address = '/login',
  fields: Record<string, string> = GOOD,
) {
  const page = (await browser.open(`${url}${address}`)).at(-1)!
  return browser.post(`${url}/login`, { ...hiddenFields(page), ...fields })
}

test('a deep link leads to the login, and from there to exactly what was asked for, query and all', async (t) => {
  const gateway = await openSite(t)
  const browser = createCookieBrowser()
  const target = '/members/2291/a%20b?tab=items&q=%26%3D&next=https://other.example/'
  const [first, page] = await browser.open(`${gateway.url}${target}`)
  assert.equal(first!.status, 303)
  assert.equal(first!.headers.get('location'), `/login?ref=${encodeURIComponent(target)}`)
  assert.equal(page!.status, 200)
  const done = await browser.post(`${gateway.url}/login`, { ...hiddenFields(page!), ...GOOD })
  assert.deepEqual([done.status, done.headers.get('location')], [303, target])
  const lines = done.headers.getSetCookie()
  assert.ok(lines.every((line) => line.includes('; HttpOnly; SameSite=Lax')))
  assert.match(lines.find((line) => line.startsWith('HYDRA-SESSION='))!, /; Path=\/_hydra\/session;/)
  const served = await browser.get(`${gateway.url}${target}`)
  const seen = JSON.parse(served.body) as { url: string; headers: { cookie: string } }
  assert.equal(seen.url, target)
  assert.match(seen.headers.cookie, /^HYDRA-SSO=[\w.-]+$/, 'nothing else of ours reaches a service')
  assert.ok(!JSON.stringify(gateway.lines).includes(GOOD.password))
})

test('what asks in the background gets 401 and a problem, never a page or a redirect', async (t) => {
  const gateway = await openSite(t)
  const browser = createCookieBrowser()
  for (const headers of [{ 'sec-fetch-mode': 'cors' }, { 'sec-fetch-mode': 'same-origin' }] as const) {
    const answer = await browser.get(`${gateway.url}/members/`, { ...headers, 'sec-fetch-dest': 'empty' })
    assert.equal(answer.status, 401)
    assert.equal((JSON.parse(answer.body) as { code: string }).code, 'HYDRA_LOGIN_REQUIRED')
    assert.match(answer.headers.get('www-authenticate')!, /^Cookie realm="Lerna Outfitters"/)
  }
})

/** Sends a request as it stands, and resolves with its status line and location. */
async function raw({ port }: TestGateway, lines: readonly string[], body = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write(`${lines.join('\r\n')}\r\nHost: shop.example\r\nConnection: close\r\n\r\n${body}`, 'latin1')
  let text = ''
  for await (const chunk of socket) text += chunk
  // Interim answers may come before the one that counts.
  const [, status, head = ''] = /(?:^|\r\n)HTTP\/1\.1 ([2-5]\d\d)([\s\S]*?)\r\n\r\n/.exec(text) ?? []
  return `${status} ${/^location: (.*)$/im.exec(head)?.[1]?.trim()}`
}

test('open redirects: neither ref nor Referer, header or cookie, leads to another site or back into the sign-in', async (t) => {
  const gateway = await openSite(t, { passwords: QUICK })
  const hostile = [
    'https://evil.example/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\\/evil.example',
    '/%2fevil.example',
    '/%5cevil.example',
    '/.//evil.example',
    '/x/..//evil.example',
    '/%2e%2e//evil.example',
    '%2f%2fevil.example',
    'evil.example',
    'javascript:alert(1)',
    'http:evil.example',
    '@evil.example',
    '/\tevil',
    '/\u0000',
    '/a\u007f',
    '/%0d%0aSet-Cookie:a=b',
    '/login',
    '/login?ref=//evil.example',
    '/%6cogin',
    '/logout',
    '/_hydra/session?ref=/a',
    `/${'a'.repeat(5000)}`,
  ]
  const form = new URLSearchParams(GOOD).toString()
  const post = (ref: string | undefined, header: string | undefined) => {
    const body = ref === undefined ? form : `${form}&ref=${encodeURIComponent(ref)}`
    return raw(
      gateway,
      [
        'POST /login HTTP/1.1',
        'Content-Type: application/x-www-form-urlencoded',
        `Content-Length: ${body.length}`,
        ...(header === undefined ? [] : [header]),
      ],
      body,
    )
  }
  for (const ref of hostile) {
    assert.equal(await post(ref, undefined), '303 /', `field ${JSON.stringify(ref)}`)
    const way = `GET /_hydra/session?ref=${encodeURIComponent(ref)} HTTP/1.1`
    assert.equal(await raw(gateway, [way, 'Accept: text/html']), '303 /', `renewal ${JSON.stringify(ref)}`)
    if (/[\u0000-\u001f\u007f]/.test(ref)) continue
    assert.equal(await post(undefined, `Cookie: Referer=${ref}`), '303 /', `cookie ${ref}`)
    assert.equal(await post(undefined, `Referer: ${ref}`), '303 /', `header ${ref}`)
    if (ref.startsWith('/'))
      assert.equal(await post(undefined, `Referer: http://evil.example${ref}`), '303 /')
  }
  assert.equal(await post(undefined, 'Cookie: Referer=/members/a?b=1'), '303 /members/a?b=1')
  assert.equal(await post(undefined, 'Referer: http://shop.example/open/a?b=1'), '303 /open/a')
})

test('a form that another site sends, or that was given to nobody, signs nobody in', async (t) => {
  const gateway = await openSite(t)
  const browser = createCookieBrowser()
  const { body } = await browser.get(`${gateway.url}/login`)
  const send = (headers: Record<string, string>, fields: Record<string, string>) =>
    new Promise<{ status: number; cookies: readonly string[] }>((resolve, reject) => {
      const [name, { value }] = [...browser.jar.get('127.0.0.1')!].find(([name]) =>
        name.startsWith('HYDRA-LOGIN-'),
      )!
      const cookie = `${name}=${value}`
      const call = request(`${gateway.url}/login`, {
        method: 'POST',
        headers: {
          ...{ accept: 'text/html', 'sec-fetch-mode': 'navigate', cookie },
          ...{ 'content-type': 'application/x-www-form-urlencoded', ...headers },
        },
      })
      call.on('error', reject).on('response', (response) => {
        response
          .resume()
          .on('end', () =>
            resolve({ status: response.statusCode!, cookies: response.headers['set-cookie'] ?? [] }),
          )
      })
      call.end(new URLSearchParams({ ...hiddenFields({ body }), ...fields }).toString())
    })
  const refused: readonly [Record<string, string>, Record<string, string>, number][] = [
    [{ origin: 'https://evil.example' }, GOOD, 403],
    [{ origin: 'null' }, GOOD, 403],
    [{ 'sec-fetch-site': 'cross-site' }, GOOD, 403],
    [{ 'sec-fetch-site': 'same-site', origin: `http://sub.127.0.0.1` }, GOOD, 403],
    [{ origin: gateway.url }, { ...GOOD, _csrf: 'A'.repeat(22) }, 400],
    [{ origin: gateway.url, cookie: '' }, GOOD, 400],
    [{ origin: gateway.url, cookie: `HYDRA-LOGIN-${'B'.repeat(8)}=${'B'.repeat(22)}` }, GOOD, 400],
    [{ origin: gateway.url, 'content-type': 'text/plain' }, GOOD, 400],
  ]
  for (const [headers, fields, status] of refused) {
    const answer = await send(headers, fields)
    assert.equal(answer.status, status, JSON.stringify(headers))
    assert.ok(!answer.cookies.some((line) => line.startsWith('HYDRA-SSO=ey')))
  }
  assert.equal((await send({ origin: gateway.url }, GOOD)).status, 303)
})

test('who tries passwords is slowed down, is told for how long, and keeps nobody out who was there before', async (t) => {
  const gateway = await openSite(t, { throttle: { base: '1m', mostPerAccount: '1m' } })
  const [owner, attacker] = [createCookieBrowser(), createCookieBrowser()]
  assert.equal((await signIn(owner, gateway)).status, 303)
  for (let i = 0; i < 5; i++) assert.equal((await signIn(attacker, gateway, '/login', BAD)).status, 401)
  const held = await signIn(attacker, gateway, '/login', GOOD)
  assert.equal(held.status, 429)
  assert.ok(Math.abs(Number(held.headers.get('retry-after')) - 60) <= 5)
  assert.match(held.body, /A short pause/)
  await owner.post(`${gateway.url}/logout`)
  assert.equal((await signIn(owner, gateway)).status, 303, 'the same name from the same address')
  assert.equal((await signIn(attacker, gateway, '/login', { ...GOOD, username: 'noor' })).status, 401)
  const metrics = await (await fetch(`${gateway.url}/_hydra/metrics`)).text()
  assert.match(metrics, /hydra_refused_total\{what="login",reason="throttled"\} 1/)
  assert.match(metrics, /hydra_refused_total\{what="login",reason="wrong"\} 6/)
  assert.ok(!JSON.stringify(gateway.lines).includes(BAD.password))
})

test('a name nobody has takes as long as one somebody has', async (t) => {
  const gateway = await openSite(t, { throttle: { free: 1000 } })
  const took = async (username: string): Promise<number> => {
    const body = new URLSearchParams({ username, password: 'x' })
    const from = performance.now()
    const { status } = await fetch(`${gateway.url}/login`, { method: 'POST', body })
    assert.equal(status, 401)
    return performance.now() - from
  }
  await took('warm')
  // By turns, and the fastest of each: what else the machine does makes some slower, and none faster.
  let [known, unknown] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let i = 0; i < 12; i++) {
    known = Math.min(known, await took('mira'))
    unknown = Math.min(unknown, await took('nobody'))
  }
  // A hash takes 20 ms and more; what is left between the two is noise.
  assert.ok(Math.min(known, unknown) > 8, `${known} ${unknown}`)
  assert.ok(Math.max(known, unknown) < 2 * Math.min(known, unknown), `${known} ${unknown}`)
})

test('many sign-ins at once leave the event loop free, and those that find no room are told to come back', async (t) => {
  const gateway = await openSite(t, { throttle: { free: 1000 }, passwords: QUICK })
  let isDone = false
  const pauses: number[] = []
  const watched = (async () => {
    while (!isDone) {
      const from = performance.now()
      await (await fetch(`${gateway.url}/health`)).text()
      pauses.push(performance.now() - from)
    }
  })()
  const statuses = await Promise.all(
    Array.from({ length: 120 }, async () => {
      const response = await fetch(`${gateway.url}/login`, { method: 'POST', body: new URLSearchParams(BAD) })
      await response.arrayBuffer()
      return response.status
    }),
  )
  isDone = true
  await watched
  const count = (wanted: number) => statuses.filter((status) => status === wanted).length
  assert.equal(count(401) + count(503), 120)
  assert.ok(count(401) >= 60 && count(503) >= 1, `${count(401)} judged, ${count(503)} sent away`)
  assert.ok(pauses.length > 20, `only ${pauses.length} other requests were answered meanwhile`)
})

test('a session is renewed by scripts and on the way, and signing out ends it for copies of its cookies too', async (t) => {
  const gateway = await openSite(t, { token: { life: '3s', renewAfter: '1s' } })
  const browser = createCookieBrowser()
  await signIn(browser, gateway)
  const jar = browser.jar.get('127.0.0.1')!
  const before = jar.get('HYDRA-SSO')!.value
  const renewed = await browser.post(`${gateway.url}/_hydra/session`)
  const { user } = JSON.parse(renewed.body) as { user: { username: string; roles: string[] } }
  assert.deepEqual([user.username, user.roles], ['mira', ['USER']])
  assert.notEqual(jar.get('HYDRA-SSO')!.value, before)

  // As when the token is over: only what asks for the renewal is left.
  jar.delete('HYDRA-SSO')
  const steps = await browser.open(`${gateway.url}/members/a?b=1`)
  assert.deepEqual(
    steps.map(({ status, url }) => `${status} ${url.slice(gateway.url.length).split('?')[0]}`),
    ['303 /members/a', '303 /_hydra/session', '200 /members/a'],
  )
  // And as when something spoiled it: the session is as good as ever.
  const { attributes } = jar.get('HYDRA-SSO')!
  jar.set('HYDRA-SSO', { value: 'abc.def.ghi', path: '/', attributes })
  assert.equal((await browser.open(`${gateway.url}/members/a`)).at(-1)!.status, 200)
  assert.match(jar.get('HYDRA-SSO')!.value, /^ey/)
  const copy = createCookieBrowser()
  copy.jar.set('127.0.0.1', new Map(jar))
  const out = await browser.post(`${gateway.url}/logout`)
  assert.equal(out.headers.get('location'), '/login?logout')
  const left = [...jar.keys()].filter((name) => !name.startsWith('HYDRA-LOGIN-'))
  assert.deepEqual(left.sort(), ['HYDRA-KNOWN', 'HYDRA-RENEWING'])
  const stolen = await copy.open(`${gateway.url}/members/a`)
  assert.match(stolen.at(-1)!.url, /\/login\?ref=%2Fmembers%2Fa$/)
  assert.equal((await copy.post(`${gateway.url}/_hydra/session`)).status, 401)
})

test('operators see a session from its sign-in on, and longer once it is renewed', async (t) => {
  const gateway = await openSite(t, { token: { life: '3s', renewAfter: '1s' } })
  const browser = createCookieBrowser()
  await signIn(browser, gateway)
  const begun = (await gateway.admin('sessions')).sessions
  assert.deepEqual(
    begun.map(({ username, identity, address }: Record<string, unknown>) => [username, identity, address]),
    [['mira', 'local:mira', '127.0.0.1']],
  )
  assert.equal((await signIn(browser, gateway)).status, 303)
  const [next, ...others] = (await gateway.admin('sessions')).sessions
  assert.deepEqual(others, [], 'the one before ended with the sign-in')
  assert.notEqual(next.sid, begun[0].sid)
  await eventually(async () => {
    await browser.post(`${gateway.url}/_hydra/session`)
    assert.ok((await gateway.admin('sessions')).sessions[0].endsAt > next.endsAt)
  })
})

test('a session is not signed out by another site, nor by opening an address', async (t) => {
  const gateway = await openSite(t)
  const browser = createCookieBrowser()
  await signIn(browser, gateway)
  assert.match((await browser.get(`${gateway.url}/logout`)).body, /Sign out\?/)
  const cookie = `HYDRA-SSO=${browser.jar.get('127.0.0.1')!.get('HYDRA-SSO')!.value}`
  const foreign: readonly Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
  ]
  for (const headers of foreign) {
    const { status } = await fetch(`${gateway.url}/logout`, {
      method: 'POST',
      headers: { cookie, ...headers },
    })
    assert.equal(status, 403)
  }
  assert.equal((await browser.get(`${gateway.url}/members/`)).status, 200)
})

test('oversize, doubled and forged session cookies are none, and are taken away', async (t) => {
  const gateway = await openSite(t)
  const browser = createCookieBrowser()
  await signIn(browser, gateway)
  const jar = browser.jar.get('127.0.0.1')!
  const { value } = jar.get('HYDRA-SESSION')!
  for (const cookie of ['x', value.slice(0, -3), 'x'.repeat(6000), `${value}; HYDRA-SESSION=${value}`]) {
    const response = await fetch(`${gateway.url}/_hydra/session`, {
      method: 'POST',
      headers: { cookie: `HYDRA-SESSION=${cookie}` },
    })
    assert.equal(response.status, 401)
    assert.ok(response.headers.getSetCookie().every((line) => line.includes('Max-Age=0')))
  }
})

test('a header that names another path, as some frameworks take it, does not get to a service', async (t) => {
  const gateway = await openSite(t, { passwords: QUICK })
  for (const name of ['X-Original-URL', 'x-rewrite-url', 'X_Original_URL', 'X_REWRITE_URL']) {
    const response = await fetch(`${gateway.url}/open/a`, {
      headers: { [name]: '/members/x', 'x-kept': '1' },
    })
    const { headers } = (await response.json()) as { headers: Record<string, string> }
    assert.equal(headers['x-kept'], '1')
    assert.ok(!JSON.stringify(headers).includes('/members'), name)
  }
})

test('while nobody can sign in, what is closed is closed in every reading of its path', async (t) => {
  const { port } = await startUpstream(t, 'desk')
  const gateway = await startGateway(t, {
    services: {
      desk: {
        url: `http://127.0.0.1:${port}`,
        routes: ['/**', { path: '/members/**', auth: 'required' }, { path: '/Staff', roles: ['STAFF'] }],
      },
    },
  })
  for (const path of ['/members/a', '/Members/a', '//members/a', '/members;x/a', '/%4Dembers/a', '/staff'])
    assert.equal(await raw(gateway, [`GET ${path} HTTP/1.1`]), '401 undefined', path)
  assert.equal(await raw(gateway, ['GET /Open/;a//b HTTP/1.1']), '200 undefined')
})

test('caches that serve everybody keep nothing that is for some, also where only the operator closed it', async (t) => {
  const server = createServer((asked, response) => {
    if (asked.url !== '/members/said') response.setHeader('cache-control', 'public, max-age=600')
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}`
  const gateway = await startGateway(t, {
    identity: {
      users: [{ ...GOOD, roles: ['USER'] }],
      database: false,
      rules: [{ path: '/closed/**', auth: 'required' }],
    },
    services: {
      shop: { url, routes: ['/open/**', '/closed/**'], login: 'cookie' },
      desk: { url, routes: ['/members/**'], auth: 'required' },
    },
  })
  const browser = createCookieBrowser()
  assert.equal((await signIn(browser, gateway)).status, 303)
  const told = async (path: string) => {
    const { headers } = (await browser.open(`${gateway.url}${path}`)).at(-1)!
    return [headers.get('cache-control'), headers.get('vary')]
  }
  assert.deepEqual(await told('/open/a'), ['public, max-age=600', null])
  assert.deepEqual(await told('/closed/a'), ['public, max-age=600', 'Cookie'])
  assert.deepEqual(await told('/members/a'), ['public, max-age=600', 'Cookie'])
  assert.deepEqual(await told('/members/said'), ['private', 'Cookie'])
})

test('a flood of passwords keeps nobody out who signed in with that browser before', async (t) => {
  const gateway = await openSite(t, {
    passwords: { ...QUICK, concurrent: 1, waiting: 2 },
    throttle: { free: 1000 },
  })
  const owner = createCookieBrowser()
  assert.equal((await signIn(owner, gateway)).status, 303)
  await owner.post(`${gateway.url}/logout`)
  const statuses = new Set<number>()
  let isOver = false
  const flood = Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      while (!isOver) {
        const answer = await fetch(`${gateway.url}/login`, {
          method: 'POST',
          headers: { accept: 'application/json' },
          body: new URLSearchParams({ username: `nobody-${i}`, password: 'guess' }),
        })
        statuses.add(answer.status)
        await answer.arrayBuffer()
      }
    }),
  )
  try {
    await eventually(() => assert.ok(statuses.has(503) && statuses.has(401), [...statuses].join(' ')))
    for (let i = 0; i < 5; i++) {
      assert.equal((await signIn(owner, gateway)).status, 303)
      await owner.post(`${gateway.url}/logout`)
    }
  } finally {
    isOver = true
    await flood
  }
})
