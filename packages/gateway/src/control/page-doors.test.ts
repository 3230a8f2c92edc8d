import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MenuView } from '@hydra-gateway/protocol'
import type { Caller } from '../identity/port.ts'
import type { Exchange, ExchangeHandler } from '../proxy/exchange.ts'
import { FakeExchange } from '../proxy/testing/fake-exchange.ts'
import { createLiveDoor } from './live-door.ts'
import { createMenuDoor, isMenuPath } from './menu-door.ts'

const VIEWS: Record<string, MenuView> = {
  main: { name: 'main', items: [{ path: '/a', label: 'A & <b>', state: 'available' }] },
  'für dich': { name: 'für dich', items: [] },
}
const mira = { sid: 'mira' } as Caller

const door = createMenuDoor({
  menus: {
    view: (name, caller) => (name === 'mine' && caller ? { name, items: [] } : VIEWS[name]),
    names: (caller) => (caller ? ['main', 'mine'] : ['main']),
  },
  identify(exchange) {
    if (!exchange.headers.get('cookie')) return undefined
    return Promise.resolve().then(() => {
      exchange.caller = mira
    })
  },
})

async function ask(handler: ExchangeHandler, request: string, ...lines: string[]) {
  const exchange = new FakeExchange(`${request} HTTP/1.1`, ...lines)
  await handler(exchange)
  const headers: Record<string, string> = {}
  for (let i = 0; i < exchange.lines.length; i += 2) headers[exchange.lines[i]!] = exchange.lines[i + 1]!
  return { status: exchange.status, headers, body: exchange.body }
}

test('a menu is JSON for programs, HTML for who prefers it, and right until something changes', async () => {
  const { status, headers, body } = await ask(door, 'GET /_hydra/menus/main')
  assert.equal(status, 200)
  assert.deepEqual(JSON.parse(body), VIEWS.main)
  assert.equal(headers['cache-control'], 'private, no-cache')
  assert.equal(headers.vary, 'Cookie, Accept')
  assert.match(headers.etag!, /^"[\w-]{22}"$/)
  for (const tag of [headers.etag, `W/${headers.etag}`, `"x", ${headers.etag}`, '*']) {
    const again = await ask(door, 'GET /_hydra/menus/main', `If-None-Match: ${tag}`)
    assert.deepEqual([again.status, again.body, again.headers.etag], [304, '', headers.etag])
  }
  const html = await ask(door, 'GET /_hydra/menus/main?current=/a', 'Accept: text/html')
  assert.match(html.headers['content-type']!, /^text\/html/)
  assert.match(html.body, /^<hydra-menu name="main">.*aria-current="page".*A &amp; &lt;b&gt;/)
  assert.notEqual(html.headers.etag, headers.etag)
  assert.equal(
    (await ask(door, 'GET /_hydra/menus/main?format=html')).headers.etag === html.headers.etag,
    false,
  )
  assert.equal((await ask(door, 'GET /_hydra/menus/main?format=json', 'Accept: text/html')).body, body)
  assert.equal((await ask(door, 'GET /_hydra/menus/main?format=xml')).status, 400)
})

test('HEAD is told the same without a body', async () => {
  const { status, headers, body } = await ask(door, 'HEAD /_hydra/menus/main')
  assert.deepEqual([status, body], [200, ''])
  assert.equal(headers.etag, (await ask(door, 'GET /_hydra/menus/main')).headers.etag)
})

test('menus are those of who asks', async () => {
  assert.deepEqual(JSON.parse((await ask(door, 'GET /_hydra/menus')).body), { menus: ['main'] })
  assert.deepEqual(JSON.parse((await ask(door, 'GET /_hydra/menus/', 'Cookie: a=b')).body), {
    menus: ['main', 'mine'],
  })
  assert.equal((await ask(door, 'GET /_hydra/menus/mine')).status, 404)
  assert.equal((await ask(door, 'GET /_hydra/menus/mine', 'Cookie: a=b')).status, 200)
})

test('a name may be any, and a menu nobody knows is a problem', async () => {
  assert.equal((await ask(door, 'GET /_hydra/menus/f%C3%BCr%20dich')).status, 200)
  for (const path of ['/_hydra/menus/none', '/_hydra/menus/main/x', '/_hydra/menus/main%2Fx']) {
    const { status, headers, body } = await ask(door, `GET ${path}`)
    assert.equal(status, 404, path)
    assert.match(headers['content-type']!, /problem/)
    assert.equal(JSON.parse(body).code, 'HYDRA_NO_ROUTE')
  }
  const wrong = await ask(door, 'POST /_hydra/menus/main')
  assert.deepEqual([wrong.status, wrong.headers.allow], [405, 'GET, HEAD'])
  for (const path of ['/_hydra/menus', '/_hydra/menus/', '/_hydra/menus/x']) assert.ok(isMenuPath(path))
  assert.equal(isMenuPath('/_hydra/menusx'), false)
})

const FILES = { script: 'let x', fragmentsScript: 'let y', styles: 'a{}' }

test('a stream is opened for who it is, unless they left meanwhile', async () => {
  const opened: Exchange[] = []
  const deps = { hub: { open: (exchange: Exchange) => void opened.push(exchange) }, ...FILES }
  let leaves = false
  const doors = createLiveDoor({
    ...deps,
    async identify(exchange) {
      exchange.caller = mira
      if (leaves) (exchange as FakeExchange).leave()
    },
  })
  await ask(doors.get('/_hydra/live')!, 'GET /_hydra/live')
  assert.deepEqual(
    opened.map(({ caller }) => caller),
    [mira],
  )
  leaves = true
  await ask(doors.get('/_hydra/live')!, 'GET /_hydra/live')
  assert.equal(opened.length, 1)
  assert.equal(createLiveDoor(deps).get('/_hydra/live')!(new FakeExchange()), undefined)
  assert.equal(opened.length, 2)
})

test('the scripts and the style sheet are files', async () => {
  const doors = createLiveDoor({ hub: { open() {} }, ...FILES })
  for (const [path, type, text] of [
    ['/_hydra/live.js', 'text/javascript; charset=utf-8', 'let x'],
    ['/_hydra/live-fragments.js', 'text/javascript; charset=utf-8', 'let y'],
    ['/_hydra/menu.css', 'text/css; charset=utf-8', 'a{}'],
  ] as const) {
    const handler = doors.get(path)!
    const { headers, body } = await ask(handler, `GET ${path}`)
    assert.equal(headers['content-type'], type)
    assert.equal(headers['cache-control'], 'public, max-age=3600')
    assert.equal(body, text)
    assert.equal((await ask(handler, `GET ${path}`, `If-None-Match: ${headers.etag}`)).status, 304)
    assert.equal((await ask(handler, `DELETE ${path}`)).status, 405)
  }
})
