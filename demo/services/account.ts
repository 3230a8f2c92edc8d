/**
 * The visitor's account, its uploads, and the live figures of the shop over a WebSocket: plain Node.
 *
 * Uploads are listed by the instance that took them, so a visitor stays with one instance (`affinity`).
 *
 * @module
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { fragment, type User } from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/node'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Html, html, textOf } from './look/html.ts'
import { MENU_TAGS } from './look/menus.ts'
import { type Maker, notFoundPage, page } from './look/page.ts'
import { readForm, readRaw, type Upload, UploadError } from './upload.ts'

const version = '1.2.0'
const MOST_UPLOADS = 10
const LARGEST_BYTES = 64 * 1024 * 1024

/** What each person sent, by who they are for ever. */
const uploads = new Map<string, Upload[]>()
const uploadsOf = (sub: string): readonly Upload[] => uploads.get(sub) ?? []

/** A line about the visitor, for pages of others. */
const greeting = fragment('greeting', ({ user }) => {
  if (!user?.sub) return textOf(html`<p class="greeting"><a href="/account">Sign in</a></p>`)
  const { length } = uploadsOf(user.sub)
  const sent = length === 0 ? 'nothing sent yet' : length === 1 ? '1 file sent' : `${length} files sent`
  return textOf(
    html`<p class="greeting"><a href="/account">${user.username}</a> <span class="soft small">${sent}</span></p>`,
  )
})

const server = createServer((request, response) => {
  answer(request, response).catch((fault: Error) => {
    // A visitor who left in the middle of an upload is nobody to answer.
    if (!response.headersSent) response.writeHead(fault instanceof UploadError ? 400 : 500)
    response.end()
  })
})
const service = await hydra(server, {
  name: 'account',
  title: 'Account',
  version,
  routes: [
    { path: '/account', methods: ['GET'], auth: 'required' },
    { path: '/account/sign-out', methods: ['GET'], auth: 'required' },
    { path: '/account/files', methods: ['POST'], maxBodyBytes: LARGEST_BYTES, auth: 'required' },
    { path: '/account/files/{name}', methods: ['PUT'], maxBodyBytes: LARGEST_BYTES, auth: 'required' },
  ],
  sockets: ['/live'],
  menu: {
    account: [
      // Whoever is not signed in is led to the sign-in, and then here; the other is for those who are.
      { path: '/account', label: 'Account', order: 1, signedOut: 'show' },
      { path: '/account/sign-out', label: 'Sign out', order: 2 },
    ],
  },
  affinity: true,
  fragments: [greeting],
})
service.on('registered', () => process.send?.(service.instanceId))
const maker: Maker = { service, version, framework: 'plain Node' }

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, headers } = request
  const { pathname } = new URL(request.url ?? '/', 'http://shop.invalid')
  const user = (await service.verify(request))?.user
  // The gateway lets nobody else through; this port has other ways in.
  if (!user) {
    request.resume()
    response.writeHead(401).end()
    return
  }
  if (pathname === '/account') return send(response, 200, accountPage(user))
  // The gateway asks whether it is meant, and signs out.
  if (pathname === '/account/sign-out') {
    response.writeHead(303, { location: '/logout', 'cache-control': 'no-store' }).end()
    return
  }
  if (method === 'POST' && pathname === '/account/files') {
    try {
      keep(user, await readForm(request, headers['content-type'] ?? ''))
      response.writeHead(303, { location: '/account#files' }).end()
    } catch (fault) {
      if (!(fault instanceof UploadError)) throw fault
      request.resume()
      send(response, 400, accountPage(user, fault.message))
    }
    return
  }
  if (method === 'PUT' && pathname.startsWith('/account/files/')) {
    const name = decodeURIComponent(pathname.slice('/account/files/'.length))
    const upload = keep(user, await readRaw(request, name, headers['content-type']))
    response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(upload))
    return
  }
  const back = html`<a class="button" href="/account">Go to your account</a>`
  send(response, 404, notFoundPage(maker, MENU_TAGS, 'There is nothing here', back))
}

function keep({ sub }: User, upload: Upload): Upload {
  uploads.set(sub, [upload, ...uploadsOf(sub)].slice(0, MOST_UPLOADS))
  return upload
}

function accountPage(user: User, problem?: string): string {
  const main = mainOf(user, uploadsOf(user.sub), problem)
  return page({ title: 'Account', main, menus: MENU_TAGS, maker, kind: 'narrow' })
}

const mainOf = (
  { username }: User,
  sent: readonly Upload[],
  problem: string | undefined,
): Html => html`<div class="words"><h1>Account</h1><p class="lead">You are signed in as <strong>${username}</strong>. Send us a file, and see that it arrived whole.</p></div>
<form class="card form" method="post" action="/account/files" enctype="multipart/form-data">
${problem && html`<div class="note down" role="alert"><strong>Nothing was kept</strong><span>${problem}. Choose a file and send it again.</span></div>`}
<div class="field"><label for="file">Picture or other file</label><input id="file" type="file" name="file" required><span class="soft small">Up to 64 MB. We keep its size and its fingerprint, not the file.</span></div>
<button class="button" type="submit">Send the file</button>
</form>
<section class="words" id="files"><h2>What you sent</h2>
${sent.length === 0 ? html`<p class="soft">Nothing yet.</p>` : html`<ul class="rows">${sent.map(({ name, type, sizeBytes, sha256 }) => html`<li><span>${name}</span><span class="num">${formatBytes(sizeBytes)}</span><span class="soft">${type}</span><code class="small">${sha256}</code></li>\n`)}</ul>`}</section>
<div class="actions"><form method="post" action="/logout"><button class="button quiet" type="submit">Sign out</button></form><a m:link href="/orders">See your orders</a></div>`

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KB`
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}

function send(response: ServerResponse, status: number, text: string): void {
  response
    .writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      // The gateway puts the menus in.
      'hydra-compose': '1',
    })
    .end(text)
}

// ---- live figures ---------------------------------------------------------------------------------------

const sockets = new WebSocketServer({ server, maxPayload: 1024 })
sockets.on('connection', (socket) => {
  socket.on('error', () => socket.terminate())
  for (const each of sockets.clients) tell(each)
  socket.on('close', () => {
    for (const each of sockets.clients) tell(each)
  })
})
setInterval(() => {
  for (const socket of sockets.clients) tell(socket)
}, 1000).unref()

/** The barrel fills with the hour, the same for every instance. */
function tell(socket: WebSocket): void {
  const now = new Date()
  const secondsOfHour = now.getMinutes() * 60 + now.getSeconds()
  const figures = {
    visitors: sockets.clients.size,
    barrelLitres: 180 + secondsOfHour / 10,
    clock: now.toLocaleTimeString('en-GB'),
  }
  if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(figures))
}

server.listen(0, process.env.SHOP_HOST ?? '127.0.0.1')
