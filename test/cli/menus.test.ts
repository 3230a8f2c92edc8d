import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { bareEnv, emptyDirectory, HYDRA, runHydra } from '../support/hydra.ts'
import { startUpstream } from '../support/upstream.ts'

async function startShop(t: TestContext, menuItems: object, listener?: RequestListener) {
  const gateway = await startGateway(t, { lease: { ttl: '60s' } })
  const { port } = await startUpstream(t, 'shop', listener)
  const routes = [{ path: '/books' }, { path: '/desk', roles: ['STAFF', 'ADMIN'] }]
  const response = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'shop', host: '127.0.0.1', port, protocol: 1, routes, menuItems }),
  })
  assert.equal(response.status, 200)
  const cwd = await emptyDirectory(t)
  const env = { HYDRA_PUBLIC_KEY: gateway.publicKey, HYDRA_PRIVATE_KEY: gateway.privateKey }
  const hydra = (...words: string[]) => runHydra([...words, '--gateway', gateway.url], { cwd, env })
  const start = (...words: string[]) =>
    spawn(process.execPath, [HYDRA, ...words, '--gateway', gateway.url], { cwd, env: bareEnv(env) })
  return Object.assign(hydra, { start, url: gateway.url })
}

const MENUS = {
  main: [
    { endpoint: '/books', label: 'Books', order: 1 },
    { endpoint: '/books?new', label: 'New\u001b[2J ones', parent: '/books' },
    { endpoint: '/desk', label: 'Desk', group: 'Work', roles: ['STAFF'], signedOut: 'show' },
    { endpoint: '/soon', label: 'Soon', group: 'Work' },
    { endpoint: 'javascript:alert(1)', label: 'x' },
  ],
  account: [{ endpoint: '/books?mine', label: 'Mine' }],
}

test('an operator sees the menus as a tree, where each item leads and for whom, and what is wrong', async (t) => {
  const hydra = await startShop(t, MENUS)
  const { out, err, status } = await hydra('menus')
  assert.equal(status, 0, err)
  assert.match(out, /5 items in 2 menus; not available now: Soon\./)
  assert.match(out, /^ {4}● available {2}Books +\/books +shop +everybody$/m)
  assert.match(out, /^ {4}● available {4}New�\[2J ones +\/books\?new +shop +everybody$/m)
  assert.match(out, /^ +Work$/m)
  assert.match(
    out,
    /^ {4}● available {4}Desk +\/desk +shop +STAFF or ADMIN of shop, and STAFF of shop; shown to who is not signed in$/m,
  )
  assert.match(out, /^ {4}✕ down {9}Soon +\/soon +shop, leads nowhere +everybody$/m)
  assert.match(
    out.replaceAll(/\s+/g, ' '),
    /▲ 2 items are not as somebody meant\. shop "javascript:alert\(1\)" of/,
  )
  assert.ok(!out.includes('\u001b'))
  assert.ok(out.indexOf('account') < out.indexOf('main'))
})

test('one menu, for programs, and one that is not there', async (t) => {
  const hydra = await startShop(t, MENUS)
  const { menus, faults } = JSON.parse((await hydra('menus', '--json', '--menu', 'account')).out)
  assert.deepEqual([menus.length, menus[0].items.length, faults.length], [1, 1, 0])
  const nobody = await hydra('menus', '--menu', 'acount')
  assert.equal(nobody.status, 1)
  assert.match(nobody.err, /did you mean account\?/)
})

test('a menu that a page asks for and nobody has is named, with the page and what was meant', async (t) => {
  const page = '<nav><m:menu name="mian">none</m:menu><m:menu name="nobody-has-it">none</m:menu></nav>'
  const hydra = await startShop(t, MENUS, (_, response) =>
    response.writeHead(200, { 'content-type': 'text/html', 'hydra-compose': '1' }).end(page),
  )
  assert.equal((await fetch(`${hydra.url}/books`)).status, 200)
  const { out } = await hydra('menus')
  assert.match(out, /▲ 2 menus are asked for, and nobody has an item in it\./)
  assert.match(out, /^ {4}mian\n {6}shop asks for menu "mian" at \/books; did you mean main\?$/m)
  assert.match(out, /shop asks for menu "nobody-has-it" at \/books\. Add an item/)
  const { menus, wanted } = JSON.parse((await hydra('menus', '--json', '--menu', 'mian')).out)
  assert.deepEqual([menus.length, wanted.length], [0, 1])
  assert.match((await hydra('check')).out, /▲ shop asks for menu "mian" at \/books; did you mean main\?/)
})

test('a site without menus says so', async (t) => {
  const hydra = await startShop(t, {})
  const { out, status } = await hydra('menus')
  assert.equal(status, 0)
  assert.match(out, /No service has an item in a menu\./)
})

test('a reader who has seen enough is no failure', async (t) => {
  // More than a pipe holds.
  const items = Array.from({ length: 490 }, (_, at) => ({
    endpoint: `/books?${at}`,
    label: 'Book '.repeat(40),
  }))
  const { start } = await startShop(t, { main: items, footer: items })
  for (const words of [['menus'], ['menus', '--json']]) {
    const child = start(...words)
    let err = ''
    child.stderr.setEncoding('utf8').on('data', (text) => (err += text))
    child.stdout.once('data', () => child.stdout.destroy())
    const [status] = await once(child, 'close')
    assert.deepEqual([status, err], [0, ''], words.join(' '))
  }
})
