/**
 * Signing in once, with Java services that ask for it themselves: their redirect to `/login`, their roles, and the one
 * key each of them holds while the gateway changes keys.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, suite, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import type { JavaProcess } from '../support/java.ts'
import { type GatewayProcess, startGateway } from './gateway-process.ts'

export interface IdentityWorld {
  readonly start: (name: string, port: number, gateway: string) => Promise<JavaProcess>
  readonly browserPath: string
  readonly keys: { readonly publicKey: string; readonly privateKey: string }
  readonly say: (line: string) => void
}

/** Which role opens `/{name}/secure/a/b` is the application's to say: ADMIN. */
const ENV = {
  HYDRA_USERS: JSON.stringify([
    { id: 7, username: 'mira', password: 'pond-boots', roles: ['USER'] },
    { id: 8, username: 'ada', password: 'marsh-lamp', roles: ['USER', 'MANAGER'] },
  ]),
  HYDRA_ROLES: '{"MANAGER":{"mappedTo":"admin","service":"one, three"}}',
}
const START_MS = 60_000
/** Each application is told of a new key within this time. */
const TOLD_MS = 30_000
/** Deep, and with what is easily changed on the way. */
const DEEP = '/one/secure/a/b?tab=orders&q=a%2Fb%20c&q=%C3%A9+1'

export function identityTests({ start, browserPath, keys, say }: IdentityWorld): void {
  suite('signing in', () => {
    const ports = { one: 0, two: 0, gateway: 0 }
    let folder: string
    let gateway: GatewayProcess
    let services: JavaProcess[] = []
    let browser: Browser
    /** Of ada, who stays signed in through all that follows her sign-in. */
    let adas: BrowserContext

    const openGateway = () =>
      startGateway({
        port: ports.gateway,
        ...keys,
        env: { ...ENV, HYDRA_IDENTITY_DATABASE: join(folder, 'identity.db') },
      })
    const answers = async (path: string) => {
      const response = await fetch(gateway.url + path)
      await response.arrayBuffer()
      assert.equal(response.status, 200, path)
    }
    const admin = async (method: string, path: string) => {
      const authorization = `Basic ${btoa(`${keys.publicKey}:${keys.privateKey}`)}`
      const response = await fetch(`${gateway.url}/_hydra/api/v1${path}`, {
        method,
        headers: { authorization },
      })
      assert.equal(response.status, 200, `${method} ${path}`)
      return (await response.json()) as any
    }

    before(
      async () => {
        folder = await mkdtemp(join(tmpdir(), 'hydra-compat-identity-'))
        for (const name of ['one', 'two', 'gateway'] as const) ports[name] = await freePort()
        gateway = await openGateway()
        services = [await start('one', ports.one, gateway.url), await start('two', ports.two, gateway.url)]
        browser = await chromium.launch({
          executablePath: browserPath,
          args: ['--no-sandbox', '--disable-dev-shm-usage'],
        })
        adas = await browser.newContext()
        await eventually(() => answers('/one/who'), START_MS)
        await eventually(() => answers('/two/who'), START_MS)
      },
      { timeout: 2 * START_MS },
    )
    after(async () => {
      await browser?.close()
      for (const service of services) await service.stop()
      await gateway?.stop()
      await rm(folder, { recursive: true, force: true })
    })

    test('the redirect of a Java service ends back at exactly the page asked for, which knows the mapped role', async () => {
      const page = await adas.newPage()
      await page.goto(gateway.url + DEEP)
      assert.equal(new URL(page.url()).pathname, '/login', 'the answer of the application led to the login')
      assert.deepEqual(await refererOf(adas), { value: '/one/secure/a/b', path: '/', httpOnly: true })
      await signIn(page, 'ada', 'wrong')
      await page.getByText('That user name and password don’t belong together').waitFor()
      await signIn(page, 'ada', 'marsh-lamp')
      assert.equal(page.url(), gateway.url + DEEP)
      assert.deepEqual(await shown(page), { who: 'ada', authorities: 'ADMIN USER', asked: DEEP })
      assert.equal(await refererOf(adas), undefined)
      await page.close()
    })

    test('one sign-in is for all services, each with the roles it is told', async () => {
      const page = await adas.newPage()
      await page.goto(`${gateway.url}/two/me`)
      assert.deepEqual(await shown(page), { who: 'ada', authorities: 'MANAGER USER', asked: '/two/me' })
      const refused = await page.goto(`${gateway.url}/two/secure/a/b`)
      assert.equal(refused?.status(), 403, 'there nobody calls a manager ADMIN')
      await page.goto(`${gateway.url}/one/me`)
      assert.equal((await shown(page)).authorities, 'ADMIN USER')
      await page.close()
    })

    test('public pages are open to everybody, and know who is signed in', async () => {
      const page = await adas.newPage()
      await page.goto(`${gateway.url}/one/who?all=1`)
      assert.deepEqual(await shown(page), { who: 'ada', authorities: 'ADMIN USER', asked: '/one/who?all=1' })
      await page.close()
      const stranger = await (await browser.newContext()).newPage()
      await stranger.goto(`${gateway.url}/one/who?all=1`)
      assert.deepEqual(await shown(stranger), { who: 'nobody', authorities: '', asked: '/one/who?all=1' })
      await stranger.context().close()
    })

    test('a user without the role gets the 403 of the application, and stays signed in', async () => {
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(`${gateway.url}/one/me?tab=1`)
      await signIn(page, 'mira', 'pond-boots')
      assert.equal(page.url(), `${gateway.url}/one/me?tab=1`)
      assert.deepEqual(await shown(page), { who: 'mira', authorities: 'USER', asked: '/one/me?tab=1' })
      const refused = await page.goto(gateway.url + DEEP)
      assert.equal(refused?.status(), 403)
      assert.equal(page.url(), gateway.url + DEEP)
      await page.goto(`${gateway.url}/two/me`)
      assert.equal((await shown(page)).who, 'mira')
      await context.close()
    })

    test('who opens the login by hand comes back to the page the application noted in a cookie', async () => {
      const context = await browser.newContext()
      const page = await context.newPage()
      // Its script and style are asked for after the page, and are noted by the application too.
      await page.goto(`${gateway.url}/one/counter`)
      await page.locator('html[data-script=loaded]').waitFor()
      assert.deepEqual(await refererOf(context), { value: '/one/counter', path: '/', httpOnly: true })
      await page.goto(`${gateway.url}/login`)
      await signIn(page, 'mira', 'pond-boots')
      assert.equal(page.url(), `${gateway.url}/one/counter`)
      assert.equal(await refererOf(context), undefined)
      await context.close()
    })

    test('a script that asks for a page behind the login gets no page of the login', async () => {
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(`${gateway.url}/one/who`)
      const asked = await page.evaluate(async () => {
        const response = await fetch('/one/me', { redirect: 'manual' })
        return { type: response.type, status: response.status }
      })
      // As the application answers: its redirect is no wish of a script's, so nothing is made of it.
      assert.deepEqual(asked, { type: 'opaqueredirect', status: 0 })
      await context.close()
    })

    test('signing out ends it at all services', async () => {
      const context = await browser.newContext()
      const page = await context.newPage()
      await page.goto(`${gateway.url}/two/me`)
      await signIn(page, 'mira', 'pond-boots')
      const cookie = await loginCookie(context)
      await page.goto(`${gateway.url}/logout`)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.waitForURL(/\/login\?logout/)
      for (const path of ['/one/me', '/two/me']) {
        await page.goto(gateway.url + path)
        assert.equal(new URL(page.url()).pathname, '/login', path)
      }
      // Applications keep who a token speaks of for 5 minutes: an ended one must not get there.
      const { status, location } = await navigate(`${gateway.url}/two/me`, cookie)
      assert.deepEqual({ status, location }, { status: 303, location: '/login?ref=%2Ftwo%2Fme' })
      await context.close()
    })

    test('a new key costs nobody a sign-in: before, while and after each application takes it', {
      timeout: 2 * TOLD_MS + 20_000,
    }, async () => {
      const cookie = await loginCookie(adas)
      const keysOf = () => services.map((service) => timesSaid(service.output(), 'verifies with key'))
      const before = keysOf()
      const toldBefore = told(gateway)
      const load = keepAsking([`${gateway.url}/one/secure/a/b`, `${gateway.url}/two/me`], cookie)
      await delay(1000)

      const { keys: signing } = await admin('POST', '/keys/rotate')
      assert.equal(signing.length, 2)
      const rotatedAtMs = performance.now()
      const waitedMs: Record<string, number> = {}
      await eventually(async () => {
        for (const name of ['one', 'two']) {
          if (told(gateway)[name] !== toldBefore[name]) waitedMs[name] ??= performance.now() - rotatedAtMs
        }
        assert.deepEqual(
          keysOf(),
          before.map((times) => times + 1),
        )
      }, TOLD_MS + 5000)
      await delay(4000)
      const answered = await load.stop()

      for (const [name, ms] of Object.entries(waitedMs)) {
        say(`${name} was told of the new key ${Math.round(ms)} ms after it was made`)
        assert.ok(ms <= TOLD_MS, `${name} was told after ${ms} ms`)
      }
      assert.deepEqual(told(gateway), { one: (toldBefore.one ?? 0) + 1, two: (toldBefore.two ?? 0) + 1 })
      assert.deepEqual(
        keysOf(),
        before.map((times) => times + 1),
        'each registered again once',
      )
      say(`${answered.total} requests, ${answered.failures.length} of them not served`)
      assert.deepEqual(answered.failures, [])
      assert.ok(answered.total > 100)

      const page = await adas.newPage()
      await page.goto(gateway.url + DEEP)
      assert.deepEqual(await shown(page), { who: 'ada', authorities: 'ADMIN USER', asked: DEEP })
      await page.goto(`${gateway.url}/one/counter`)
      assert.equal(await page.locator('#name').innerText(), 'one')
      await page.close()
    })

    test('a restarted gateway knows who was signed in, and the applications still do', {
      timeout: 60_000,
    }, async () => {
      await gateway.stop()
      gateway = await openGateway()
      await eventually(() => answers('/one/who'), 15_000)
      await eventually(() => answers('/two/who'), 15_000)
      const page = await adas.newPage()
      await page.goto(gateway.url + DEEP)
      assert.equal(page.url(), gateway.url + DEEP)
      assert.deepEqual(await shown(page), { who: 'ada', authorities: 'ADMIN USER', asked: DEEP })
      await page.goto(`${gateway.url}/two/me`)
      assert.equal((await shown(page)).who, 'ada')
      await page.close()
    })
  })
}

async function signIn(page: Page, username: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** What a page of the application says of who asked and for what. */
async function shown(page: Page): Promise<{ who: string; authorities: string; asked: string }> {
  const at = (id: string) => page.locator(`#${id}`).innerText()
  return { who: await at('who'), authorities: await at('authorities'), asked: await at('asked') }
}

async function loginCookie(context: BrowserContext): Promise<string> {
  const cookie = (await context.cookies()).find(({ name }) => name === 'HYDRA-SSO')
  assert.ok(cookie, 'nobody is signed in')
  return `HYDRA-SSO=${cookie.value}`
}

async function refererOf(context: BrowserContext) {
  const [cookie, ...more] = (await context.cookies()).filter(({ name }) => name === 'Referer')
  assert.deepEqual(more, [])
  return cookie && { value: cookie.value, path: cookie.path, httpOnly: cookie.httpOnly }
}

/** As a browser opens a page, without going where it is sent. `fetch` would say that it is a script. */
async function navigate(url: string, cookie: string) {
  const asked = request(url, {
    headers: { cookie, accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  }).end()
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const { statusCode: status, headers } = response
  return { status, location: headers.location, text: await text(response) }
}

/** Opens the pages over and over, several at a time, and notes what was not the page for ada. */
function keepAsking(urls: readonly string[], cookie: string) {
  const failures: string[] = []
  const startedAtMs = performance.now()
  let total = 0
  let isOver = false
  const ask = async (url: string): Promise<void> => {
    while (!isOver) {
      const { status, location, text } = await navigate(url, cookie)
      total += 1
      if (status !== 200 || !text.includes('<p id="who">ada</p>'))
        failures.push(`${Math.round(performance.now() - startedAtMs)} ms: ${url} ${status} ${location}`)
      await delay(5)
    }
  }
  const loops = [...urls, ...urls].map(ask)
  return {
    async stop() {
      isOver = true
      await Promise.all(loops)
      return { total, failures }
    },
  }
}

/** How often the gateway said that it told an instance of a service to register again for a new key. */
function told(gateway: GatewayProcess): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of gateway.output().split('\n')) {
    if (!line.includes('told to register again: the key')) continue
    const name = /\b(one|two)\b/.exec(line)?.[1] ?? line
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

function timesSaid(output: string, words: string): number {
  return output.split(words).length - 1
}
