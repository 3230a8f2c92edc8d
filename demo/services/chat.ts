/**
 * A chat for the visitors of the shop: messages, with plain Node for its page.
 *
 * A line is said to the room by `say`, and pushed to everybody who joined it. Where the visitors' sockets hang, at which
 * node, and whether that one still lives, is nothing this service knows.
 *
 * It is one instance, as it gives the lines their numbers.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type MessageContext, MessageError } from '@hydra-gateway/sdk'
import { hydra } from '@hydra-gateway/sdk/node'
import { html } from './look/html.ts'
import { MENU_TAGS } from './look/menus.ts'
import { type Maker, page } from './look/page.ts'
import { openRoom } from './room.ts'

const version = '1.0.0'
const MOST_SHOWN = 50
const LONGEST_LINE = 280
const SCRIPT = readFileSync(new URL('static/chat.js', import.meta.url))

const room = openRoom({
  file: join(process.env.SHOP_DATA ?? '.', 'chat.jsonl'),
  push: (member, line) => service.push(member, line, { type: 'line', timeoutMs: 3000 }),
  isGone: (fault) => fault instanceof MessageError && fault.fault === 'unknown-client',
  wait: delay,
  now: Date.now,
})

const text = { type: 'string', minLength: 1, maxLength: LONGEST_LINE }
const BODY_OF_LINE = {
  type: 'object',
  required: ['id', 'text'],
  properties: { id: { ...text, maxLength: 64 }, text },
}

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://shop.invalid')
  if (pathname === '/chat/chat.js') send(response, 'text/javascript; charset=utf-8', SCRIPT)
  else send(response, 'text/html; charset=utf-8', chatPage())
})
const service = await hydra(server, {
  name: 'chat',
  title: 'Chat',
  version,
  routes: [
    { path: '/chat', methods: ['GET'] },
    { path: '/chat/chat.js', methods: ['GET'] },
  ],
  menu: [{ path: '/chat', label: 'Chat', order: 5 }],
  messages: {
    /** From now on the client hears every line; what was said lately is the answer. */
    join: {
      from: 'clients',
      handler: (_message, { sender }) => ({ last: room.join(sender.id!), lines: room.after(0, MOST_SHOWN) }),
    },
    leave: { from: 'clients', handler: (_message, { sender }) => room.leave(sender.id!) },
    say: {
      from: 'clients',
      schema: BODY_OF_LINE,
      async handler({ body }, context) {
        const line = room.say({ id: body.id, who: await nameOf(context), text: body.text })
        if (body.text.startsWith('rating ')) void rate(body.id, body.text.slice('rating '.length).trim())
        return { n: line.n }
      },
    },
    /** For who was told that messages were lost. */
    after: { from: 'clients', handler: ({ body }) => ({ lines: room.after(Number(body.n) || 0) }) },
    /** A service behind hydra-router says so. */
    reviewed({ mid, body: { good, stars, words } }, { sender }) {
      if (sender.kind === 'client') return
      const said = `${'★'.repeat(Math.min(5, Number(stars) || 0))} for ${good}${words ? `: ${words}` : ''}`
      room.say({ id: mid, who: 'reviews', text: said.slice(0, LONGEST_LINE) })
    },
  },
})
service.on('registered', () => process.send?.(service.instanceId))
const maker: Maker = { service, version, framework: 'plain Node' }
server.listen(0, process.env.SHOP_HOST ?? '127.0.0.1')

/** Asks an unmodified hydra service, and says its answer in the room. */
async function rate(id: string, good: string): Promise<void> {
  const rated = await service
    .call('reviews:/', { good }, { type: 'rating', timeoutMs: 3000 })
    .then(
      ({ stars, reviews }) =>
        `${good}: ${stars} of 5, by ${reviews === 1 ? '1 review' : `${reviews} reviews`}`,
    )
    .catch(() => 'the reviews are away for a moment')
  room.say({ id: `${id}-rating`, who: 'reviews', text: rated })
}

/** Who is signed in has a name; others are told apart by a piece of what nobody can guess anything from. */
async function nameOf({ sender, user }: MessageContext): Promise<string> {
  const { username } = (await user()) ?? {}
  return username ?? `visitor ${sender.id!.slice(-4)}`
}

function chatPage(): string {
  const main = html`<div class="words"><h1>Chat</h1><p class="lead">Everybody in the shop hears it. Write <code>rating marsh-lamp</code>, and the reviews answer.</p></div>
<div class="chat" data-chat>
<form class="card form" data-say hidden><div class="field"><label for="text">Say something</label><input id="text" name="text" maxlength="${LONGEST_LINE}" autocomplete="off" required></div>
<button class="button" type="submit">Say it</button></form>
<p class="soft" data-state role="status"></p>
<noscript><p class="soft">The chat needs a script.</p></noscript>
<ul class="rows lines" data-lines role="log"></ul>
</div>
<script type="module" src="/chat/chat.js"></script>`
  return page({ title: 'Chat', main, menus: MENU_TAGS, maker, kind: 'narrow' })
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response
    .writeHead(200, {
      'content-type': type,
      'cache-control': 'no-store',
      // The gateway puts the menus in.
      ...(type.startsWith('text/html') ? { 'hydra-compose': '1' } : {}),
    })
    .end(body)
}
