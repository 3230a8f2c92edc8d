/**
 * A session that is renewed at one node, and what belongs to it at another: a WebSocket and an event stream of a service,
 * and an open page. They live as long as the session does, and end with it at once.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { hashPassword } from '@hydra-gateway/gateway/identity'
import { connect, type HydraService } from '@hydra-gateway/sdk'
import { WebSocket, WebSocketServer } from 'ws'
import { type ClusterSite, openClusterSite, type SiteNode } from '../support/cluster-site.ts'
import { createCookieBrowser } from '../support/cookie-browser.ts'
import { eventually } from '../support/eventually.ts'
import { openPage } from '../support/live-page.ts'
import { startRedis } from '../support/redis.ts'

const PASSWORD = 'correct horse'
const IDLE_MS = 4000
/** What is open is looked through each 5 s. */
const LOOKED_MS = 5500
/** An end is known everywhere within a second; the rest is a machine that does much else. */
const SOON_MS = 1000

async function openSite(t: TestContext, workers: number) {
  const [redis, passwordHash] = await Promise.all([startRedis(t), hashPassword(PASSWORD)])
  const site = await openClusterSite(t, {
    redisUrl: () => redis.url,
    config: {
      workers,
      identity: {
        users: ['mira', 'ada'].map((username) => ({ username, passwordHash, roles: ['USER'] })),
        token: { life: '1h', renewAfter: '500ms' },
        session: { idle: IDLE_MS, absolute: '1h' },
      },
    },
  })
  const shop = await startShop(t, site)
  const [a, b] = site.nodes as [SiteNode, SiteNode]
  await site.converged({ shop: [shop.instanceId!] })
  return { a, b, shop }
}

/** A service with an event stream and a WebSocket for who is signed in, and a page that says who that is. */
async function startShop(
  t: TestContext,
  { urls, publicKey, privateKey }: ClusterSite,
): Promise<HydraService> {
  const server = createServer(async (request, response) => {
    if (request.url !== '/shop/events')
      return void response.end((await shop.verify(request))?.user.username ?? 'nobody')
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data) => socket.send(String(data)))
  })
  const shop = await connect({
    ...{ name: 'shop', server, gateway: urls[0]!, publicKey, privateKey, signals: false, log: false },
    routes: ['/shop', { path: '/shop/events', auth: 'required' }],
    sockets: [{ path: '/shop/live', auth: 'required' }],
  })
  t.after(async () => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    await shop.close()
  })
  await shop.ready
  return shop
}

/** A browser in which somebody signs in at a node; its cookies go to all of them. */
async function signIn(node: SiteNode, username: string) {
  const browser = createCookieBrowser()
  const signedIn = await browser.signIn(node.url, { username, password: PASSWORD })
  assert.equal(signedIn.status, 303)
  return {
    cookie: () => browser.cookie(),
    /** Resolves with when the session ends unless it is renewed again, as its token says. */
    async renewAt({ url }: SiteNode): Promise<number> {
      const { status, body } = await browser.post(`${url}/_hydra/session`)
      assert.equal(status, 200, body)
      const [, claims] = browser.jar.get('127.0.0.1')!.get('HYDRA-SSO')!.value.split('.')
      return JSON.parse(Buffer.from(claims!, 'base64url').toString()).session_exp * 1000
    },
    async signOutAt({ url }: SiteNode): Promise<void> {
      assert.ok((await browser.post(`${url}/logout`)).status < 400)
    },
  }
}

/** All that stays open at a node, a client of messages among it: when each of it ended, and how. */
async function openAll(t: TestContext, { url }: SiteNode, cookie: string) {
  const headers = { cookie }
  const ended: Partial<Record<'socket' | 'client' | 'events' | 'page', number>> = {}
  const codes: { socket?: number; client?: number } = {}
  const open = async (what: 'socket' | 'client', path: string): Promise<WebSocket> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, { headers })
    t.after(() => socket.terminate())
    socket.on('close', (code) => {
      codes[what] = code
      ended[what] = Date.now()
    })
    await once(socket, 'open')
    return socket
  }
  const [socket] = await Promise.all([open('socket', '/shop/live'), open('client', '/_hydra/socket')])

  const request = get(`${url}/shop/events`, { headers, agent: false })
  t.after(() => request.destroy())
  request.on('error', () => {})
  const [events] = await once(request, 'response')
  assert.equal(events.statusCode, 200)
  events.on('error', () => {})
  events.resume().on('close', () => {
    ended.events = Date.now()
  })

  const page = await openPage(t, url, 'menu=main', { headers })
  assert.equal(page.status, 200)
  page.response.on('close', () => {
    ended.page = Date.now()
  })
  return {
    ended,
    /** Resolves with the word that comes back. */
    async echo(text: string): Promise<string> {
      const answer = once(socket, 'message')
      socket.send(text)
      return String((await answer)[0])
    },
    goodbyes: () => ({ ...codes, page: page.events.at(-1)?.event }),
  }
}

const GOODBYES = { socket: 4401, client: 4401, page: 'bye' }
const whoAt = async ({ url }: SiteNode, cookie: string) =>
  (await fetch(`${url}/shop`, { headers: { cookie } })).text()

/** What a client that resumes is told by a token instead of cookies: until when its sign-in lasts. */
async function resumeAt(t: TestContext, { url }: SiteNode, login: string) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/_hydra/socket`)
  t.after(() => socket.terminate())
  socket.on('open', () =>
    socket.send(
      JSON.stringify({ to: 'hydra-router:/', frm: 'client:/', typ: 'session', mid: '1', bdy: { login } }),
    ),
  )
  for (;;) {
    const message = JSON.parse(String((await once(socket, 'message'))[0]))
    if (message.rmid === '1') return message.bdy
  }
}

async function proveLives(t: TestContext, workers: number): Promise<void> {
  const { a, b } = await openSite(t, workers)
  const [mira, ada] = await Promise.all([signIn(a, 'mira'), signIn(a, 'ada')])
  const [ofMira, ofAda] = await Promise.all([openAll(t, a, mira.cookie()), openAll(t, a, ada.cookie())])
  const over = Date.now() + IDLE_MS

  // Both renew at the other node, one of them once.
  const adaEndsAt = await ada.renewAt(b)
  while (Date.now() < over + LOOKED_MS) {
    await mira.renewAt(b)
    await delay(500)
  }
  assert.deepEqual(ofMira.ended, {})
  assert.equal(await ofMira.echo('still here'), 'still here')
  await eventually(() => assert.deepEqual(ofAda.goodbyes(), GOODBYES), 2 * LOOKED_MS)
  await eventually(() => assert.equal(Object.keys(ofAda.ended).length, 4))
  for (const at of Object.values(ofAda.ended)) assert.ok(at >= adaEndsAt, 'hers lived until its real end')

  const cookie = mira.cookie()
  const login = /HYDRA-SSO=([^;]+)/.exec(cookie)![1]!
  assert.equal(await whoAt(a, cookie), 'mira')
  assert.ok((await resumeAt(t, a, login)).endsAt > Date.now())
  await mira.signOutAt(b)
  const from = Date.now()
  await eventually(() => assert.equal(Object.keys(ofMira.ended).length, 4))
  assert.deepEqual(ofMira.goodbyes(), GOODBYES)
  for (const [what, at] of Object.entries(ofMira.ended))
    assert.ok(at - from < SOON_MS, `${what}: ${at - from}`)

  // What has ended is nobody's, whoever is shown it.
  assert.equal(await whoAt(a, cookie), 'nobody')
  assert.equal((await resumeAt(t, a, login)).endsAt, undefined)
}

test('what is open at one node lives as long as its session, which is renewed at another one', {
  concurrency: true,
}, async (t) => {
  await Promise.all([
    t.test('in a gateway that is one process', (t) => proveLives(t, 1)),
    t.test('in one with workers', (t) => proveLives(t, 2)),
  ])
})
