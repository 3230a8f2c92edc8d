import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { minify } from 'terser'
import { WebSocket, WebSocketServer } from 'ws'
import { eventually } from '../../../../test/support/eventually.ts'
import { openSocket, type SocketOptions } from './index.ts'

const ROUTER = 'f1e2@hydra-router:/'

/** A router as the original is (`flywheel.md` 5): long or short names, an id by the client when it is asked for. */
async function startRouter(
  t: Pick<TestContext, 'after'>,
  {
    hears = () => {},
    takesBack = true,
  }: {
    hears?: (frame: any, say: (frame: object) => void, line: WebSocket) => void
    takesBack?: boolean
  } = {},
) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const lines: WebSocket[] = []
  const frames: any[] = []
  let ids = 0
  server.on('connection', (line) => {
    lines.push(line)
    const say = (frame: object): void => line.send(JSON.stringify({ frm: ROUTER, mid: 'm', ...frame }))
    const greet = (id: string) =>
      say({ to: `${id}@client:/`, typ: 'connection', bdy: { id, ip: '127.0.0.1' } })
    greet(`id${++ids}`)
    line.on('message', (data) => {
      const frame = JSON.parse(String(data))
      frames.push(frame)
      if (frame.typ !== 'reconnect') hears(frame, say, line)
      else if (takesBack) greet(frame.bdy.id)
      else {
        say({ to: 'client:/', bdy: { error: 'unknown id' } })
        line.close()
      }
    })
  })
  t.after(() => {
    for (const line of server.clients) line.terminate()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `ws://127.0.0.1:${port}/`, lines, frames }
}

function open(t: Pick<TestContext, 'after'>, url: string, options: SocketOptions = {}) {
  const socket = openSocket(url, {
    WebSocket: WebSocket as never,
    firstRetryMs: 20,
    maxRetryMs: 50,
    ...options,
  })
  t.after(() => socket.close())
  const heard: string[] = []
  for (const name of ['state', 'recovered', 'lost', 'ended', 'error'] as const)
    socket.on(name, (value) => heard.push(`${name} ${value}`))
  return { socket, heard }
}

test('with an original router messages go and come, and it gives its client the former id back; what is lost nobody knows', async (t) => {
  const router = await startRouter(t, {
    hears({ mid, to, bdy }, say) {
      if (to === 'sums:/') say({ to: 'x', frm: 'sums:/', rmid: mid, bdy: { twice: bdy.n * 2 } })
      else say({ to: 'client:/', rmid: mid, bdy: { error: `No ${to.split(':')[0]} instances available` } })
    },
  })
  const { socket, heard } = open(t, router.url)
  const got: unknown[] = []
  socket.onMessage('news', ({ body }) => got.push(body))
  assert.deepEqual(await socket.call('sums:/', { n: 4 }), { twice: 8 })
  await assert.rejects(socket.call('gone:/', { n: 4 }), {
    message: 'No gone instances available',
    isUnknown: false,
  })
  assert.equal(socket.id, 'id1')
  assert.equal(router.frames.at(-1).frm, 'id1@client:/')
  // long names, as some services write them
  router.lines[0]!.send(JSON.stringify({ to: 'x', from: 'news:/', mid: 'm', type: 'news', body: { n: 1 } }))
  await eventually(() => assert.deepEqual(got, [{ n: 1 }]))
  router.lines[0]!.terminate()
  await eventually(() =>
    assert.deepEqual(heard, ['state open', 'state away', 'state open', 'recovered unknown']),
  )
  assert.equal(socket.id, 'id1')
})

test('an original router that does not give the former id back gives a new one', async (t) => {
  const router = await startRouter(t, { takesBack: false })
  const { socket, heard } = open(t, router.url)
  await eventually(() => assert.equal(socket.id, 'id1'))
  router.lines[0]!.terminate()
  await eventually(() => assert.equal(socket.id, 'id3'))
  assert.deepEqual(heard, [
    'state open',
    'state away',
    'error CallError: unknown id',
    'state open',
    'recovered unknown',
  ])
})

test('what is sent while the line is away waits, up to a number of messages, and the rest is refused', async (t) => {
  const router = await startRouter(t)
  const { socket } = open(t, router.url, { maxQueued: 3 })
  const sends = Array.from({ length: 5 }, (_, n) => socket.send('news:/', { n }).then(() => n))
  const settled = await Promise.allSettled(sends)
  assert.deepEqual(
    settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message)),
    [0, 1, 2, 'too many messages wait for the line', 'too many messages wait for the line'],
  )
  await eventually(() =>
    assert.deepEqual(
      router.frames.map(({ bdy }) => bdy.n),
      [0, 1, 2],
    ),
  )
})

test('what is sent while the line is closing leaves by the next one', async (t) => {
  const router = await startRouter(t)
  const lines: WebSocket[] = []
  const Socket = class extends WebSocket {
    constructor(url: string) {
      super(url)
      lines.push(this)
    }
  }
  const { socket } = open(t, router.url, { WebSocket: Socket as never })
  await eventually(() => assert.equal(socket.state, 'open'))
  const [line] = router.lines
  // It says goodbye, and does not see ours.
  line!.pause()
  line!.close(1012)
  await eventually(() => assert.equal(lines[0]!.readyState, WebSocket.CLOSING))
  const sent = socket.send('news:/', { n: 1 })
  line!.terminate()
  const mid = await sent
  await eventually(() => assert.equal(router.frames.at(-1)?.mid, mid))
})

test('what another client says in the name of an original router makes nobody else of a client', async (t) => {
  const router = await startRouter(t)
  const { socket } = open(t, router.url)
  await eventually(() => assert.equal(socket.state, 'open'))
  const say = (frame: object) => router.lines[0]!.send(JSON.stringify({ frm: ROUTER, mid: 'm', ...frame }))
  say({ to: 'id1@client:/', typ: 'connection', bdy: { id: 'thief', resume: 1 } })
  say({ to: 'id1@client:/', typ: 'session', bdy: { id: 'thief', token: 'x', epoch: 'e', at: '9.x' } })
  let isHeard = false
  socket.onMessage('last', () => {
    isHeard = true
  })
  say({ to: 'id1@client:/', typ: 'last', bdy: {} })
  await eventually(() => assert.ok(isHeard))
  assert.equal(socket.id, 'id1')
  assert.deepEqual(router.frames, [])
})

test('all lines of a client say that they are its own, and those of another that they are not', async (t) => {
  const router = await startRouter(t)
  const asked: string[] = []
  while (asked.length < 2) {
    const { socket } = open(t, router.url, {
      WebSocket: class extends WebSocket {
        constructor(url: string) {
          super(url)
          this.on('open', () => {
            const hello = { frm: ROUTER, typ: 'connection', bdy: { id: 'x', resume: 1 } }
            this.emit('message', JSON.stringify(hello), false)
          })
        }
      } as never,
    })
    await eventually(() => assert.ok(router.frames.filter(({ typ }) => typ === 'session').length >= 1))
    router.lines.at(-1)!.terminate()
    await eventually(() => assert.ok(router.frames.filter(({ typ }) => typ === 'session').length >= 2))
    socket.close()
    const all = router.frames.splice(0).filter(({ typ }) => typ === 'session')
    assert.equal(new Set(all.map(({ bdy }) => bdy.self)).size, 1)
    assert.match(all[0].bdy.self, /^[0-9a-f]{32}$/)
    asked.push(all[0].bdy.self)
  }
  assert.equal(new Set(asked).size, 2)
})

test('a line that is dead without a word is given up, and another one opened', async (t) => {
  const deaf = new Set<WebSocket>()
  const router = await startRouter(t, {
    hears({ typ, mid }, say, line) {
      if (typ === 'ping' && !deaf.has(line)) say({ rmid: mid, typ: 'pong', bdy: { typ: 'pong' } })
    },
  })
  const { socket, heard } = open(t, router.url, { heartbeatMs: 80 })
  await eventually(() => assert.ok(router.frames.filter(({ typ }) => typ === 'ping').length >= 3))
  assert.equal(router.lines.length, 1)
  deaf.add(router.lines[0]!)
  await eventually(() =>
    assert.deepEqual(heard, ['state open', 'state away', 'state open', 'recovered unknown']),
  )
  assert.equal(socket.state, 'open')
})

test('what a handler throws is told, and others get their messages', async (t) => {
  const router = await startRouter(t)
  const { socket, heard } = open(t, router.url)
  const got: number[] = []
  socket.onMessage('*', () => {
    throw new Error('a mistake')
  })
  const stop = socket.onMessage('msg', ({ body }) => got.push(body.n))
  await eventually(() => assert.equal(socket.state, 'open'))
  const say = (n: number) => router.lines[0]!.send(JSON.stringify({ to: 'x', frm: 'news:/', bdy: { n } }))
  router.lines[0]!.send('nonsense')
  say(1)
  await eventually(() => assert.deepEqual([got, heard.at(-1)], [[1], 'error Error: a mistake']))
  stop()
  say(2)
  await eventually(() => assert.equal(heard.filter((one) => one.startsWith('error')).length, 2))
  assert.deepEqual(got, [1])
})

/** As the gateway says it: a session is asked for, and answered. */
const session = (bdy: object) => ({ to: 'c@client:/', typ: 'session', bdy })

test('who has signed out stays away; who has to sign in again does, and goes on', async (t) => {
  for (const [refusal, renewed, expected] of [
    ['ended', true, ['state ended', 'ended session']],
    ['login', false, ['state away', 'state ended', 'ended login']],
    ['login', true, ['state away', 'state open', 'recovered true']],
  ] as const) {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    t.after(() => {
      for (const line of server.clients) line.terminate()
      server.close()
    })
    let isRefused = false
    const asked: any[] = []
    server.on('connection', (line) => {
      const say = (frame: object): void => line.send(JSON.stringify({ frm: ROUTER, ...frame }))
      say({ typ: 'connection', bdy: { id: 'c1', resume: 1 } })
      line.on('message', (data) => {
        const { mid, bdy, typ } = JSON.parse(String(data))
        if (typ !== 'session') return
        asked.push(bdy)
        if (isRefused) {
          say({ ...session({ error: refusal }), rmid: mid })
          line.close(4401)
          isRefused = false
          return
        }
        const place = { epoch: 'e', at: bdy.at ?? '0.' }
        say({ ...session({ id: 'r1', token: 'secret', ...place, recovered: true }), rmid: mid })
      })
    })
    const { port } = server.address() as AddressInfo
    const { socket, heard } = open(t, `ws://127.0.0.1:${port}`, { renewLogin: async () => renewed })
    await eventually(() => assert.equal(socket.state, 'open'))
    isRefused = true
    heard.length = 0
    for (const line of server.clients) line.terminate()
    await eventually(() =>
      assert.deepEqual(
        [...new Set(heard)],
        ['state away', ...expected].filter((w, i, all) => all.indexOf(w) === i),
      ),
    )
    const { self: _, ...place } = asked.at(-1) as Record<string, unknown>
    assert.deepEqual(place, { token: 'secret', epoch: 'e', at: '0.' })
  }
})

test('the client is one file of at most 6 KB as browsers get it', async () => {
  const source = readFileSync(fileURLToPath(new URL('socket.ts', import.meta.url)), 'utf8')
  assert.doesNotMatch(source, /^import (?!type)/m)
  const { code } = await minify(stripTypeScriptTypes(source), { ecma: 2020, module: true })
  const bytes = gzipSync(code!).length
  assert.ok(bytes <= 6 * 1024, `${bytes} bytes`)
})
