/**
 * WebSocket handshakes: what looks like one and is none never joins two connections, and what is one joins them
 * from the first byte to the last.
 */
import assert from 'node:assert/strict'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../support/eventually.ts'
import { startGateway } from '../../support/gateway.ts'
import { medusaBean } from '../../support/medusa-client.ts'
import { openVisitor, type Visitor } from './visitor.ts'

const HOST = 'Host: shop.example\r\n'
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
const VERSION = 'Sec-WebSocket-Version: 13\r\n'
const FORGED = `GET /smuggled HTTP/1.1\r\n${HOST}hydra-path: evil\r\n\r\n`
const AGREED =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n'
/** An unmasked text frame, as services send it. */
const frame = (text: string) => `\x81${String.fromCharCode(text.length)}${text}`
/** A text frame with a mask of zeros, as visitors send it. */
const masked = (text: string) => `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`

const handshake = (lines: string, method = 'GET', version = '1.1') =>
  `${method} /live HTTP/${version}\r\n${HOST}${lines}\r\n`

interface Scene {
  /** Everything each connection to the service brought. */
  readonly received: readonly { readonly socket: Socket; readonly text: string }[]
  visit(bytes: string): Visitor
}

/** A gateway with a service that answers each head with `answer`. */
async function setScene(t: TestContext, answer: string): Promise<Scene> {
  const received: { socket: Socket; text: string }[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const one = { socket, text: '' }
    received.push(one)
    t.after(() => socket.destroy())
    socket.on('error', () => {}).on('end', () => socket.end())
    socket.on('data', (chunk) => {
      const before = one.text.split('\r\n\r\n').length
      one.text += chunk.toString('latin1')
      const heads = one.text.split('\r\n\r\n').length - before
      for (let i = 0; i < heads; i++) socket.write(answer, 'latin1')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const gateway = await startGateway(t, { lease: { ttl: '600s' } })
  const { port } = server.address() as AddressInfo
  const bean = medusaBean('all', port, { endpoints: ['/other'], sockets: ['/live'] })
  const registered = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(bean),
  })
  assert.equal(registered.status, 200)
  return {
    received,
    visit(bytes) {
      const visitor = openVisitor(gateway.port)
      t.after(() => visitor.socket.destroy())
      visitor.socket.write(bytes, 'latin1')
      return visitor
    },
  }
}

const statuses = ({ text }: Visitor) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)

test('both sides get the first bytes of the other, and the last', async (t) => {
  const scene = await setScene(t, `${AGREED}${frame('welcome')}`)
  const visitor = scene.visit(`${handshake(`${UPGRADE}${VERSION}${KEY}`)}${masked('hello')}`)
  await visitor.until(() => visitor.text.endsWith(frame('welcome')))
  assert.deepEqual(statuses(visitor), ['101'])
  await eventually(() => assert.ok(scene.received[0]!.text.endsWith(masked('hello'))))
  visitor.socket.write(masked('bye'), 'latin1')
  await eventually(() => assert.ok(scene.received[0]!.text.endsWith(`${masked('hello')}${masked('bye')}`)))
  scene.received[0]!.socket.end(frame('farewell'), 'latin1')
  await visitor.until(() => visitor.isClosed)
  assert.ok(visitor.text.endsWith(`${frame('welcome')}${frame('farewell')}`))
  assert.equal(scene.received.length, 1)
})

test('the service is told once who asks, whatever the handshake claims', async (t) => {
  const scene = await setScene(t, AGREED)
  const claims =
    'hydra-path: evil\r\nX-Forwarded-For: 6.6.6.6\r\nX-Request-Id: 6.6.6.6\r\nHydra_User: root\r\nX-Secret: 1\r\n'
  const lines = `Connection: keep-alive, Upgrade, X-Secret\r\nUpgrade: WebSocket\r\n${VERSION}${KEY}${claims}`
  const visitor = scene.visit(handshake(lines))
  await visitor.until(() => visitor.text.includes('\r\n\r\n'))
  assert.deepEqual(statuses(visitor), ['101'])
  const { text } = scene.received[0]!
  assert.doesNotMatch(text, /6\.6\.6\.6|evil|root|X-Secret/i)
  for (const name of [
    'host',
    'hydra-path',
    'x-forwarded-for',
    'x-request-id',
    'connection',
    'upgrade',
    'sec-websocket-key',
  ]) {
    assert.equal(text.match(new RegExp(`^${name}:`, 'gim'))?.length, 1, name)
  }
})

test('a handshake that the service declines joins nothing: what follows it is another request', async (t) => {
  const scene = await setScene(t, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
  const visitor = scene.visit(`${handshake(`${UPGRADE}${VERSION}${KEY}`)}${FORGED}`)
  await visitor.until(() => visitor.isClosed || statuses(visitor).length > 1)
  // The second is nobody's route; it may also never be looked at.
  assert.deepEqual(statuses(visitor).slice(0, 1), ['403'])
  assert.ok(statuses(visitor).length === 1 || statuses(visitor)[1] === '404')
  assert.doesNotMatch(scene.received.map(({ text }) => text).join(), /evil|smuggled/)
})

const NO_HANDSHAKES = {
  'an older version of WebSockets': handshake(`${UPGRADE}Sec-WebSocket-Version: 12\r\n${KEY}`),
  'no version': handshake(`${UPGRADE}${KEY}`),
  'no key': handshake(`${UPGRADE}${VERSION}`),
  'a key of the wrong length': handshake(`${UPGRADE}${VERSION}Sec-WebSocket-Key: abcd\r\n`),
  'two keys': handshake(`${UPGRADE}${VERSION}${KEY}${KEY}`),
  'an upgrade that is not nominated': handshake(`Upgrade: websocket\r\n${VERSION}${KEY}`),
  'a nomination without an upgrade': handshake(`Connection: Upgrade\r\n${VERSION}${KEY}`),
  'an upgrade to HTTP/2': handshake(
    `Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n`,
  ),
  'an upgrade to WebSockets or something else': handshake(
    `Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n${VERSION}${KEY}`,
  ),
  'two upgrades': handshake(`${UPGRADE}Upgrade: h2c\r\n${VERSION}${KEY}`),
  'two origins': handshake(
    `${UPGRADE}${VERSION}${KEY}Origin: http://shop.example\r\nOrigin: http://evil.example\r\n`,
  ),
  'another origin': handshake(`${UPGRADE}${VERSION}${KEY}Origin: http://evil.example\r\n`),
  'a POST': `${handshake(`${UPGRADE}${VERSION}${KEY}Content-Length: 2\r\n`, 'POST')}xx`,
  'a body': `${handshake(`${UPGRADE}${VERSION}${KEY}Content-Length: ${FORGED.length}\r\n`)}${FORGED}`,
  'a chunked body': `${handshake(`${UPGRADE}${VERSION}${KEY}Transfer-Encoding: chunked\r\n`)}0\r\n\r\n`,
  'HTTP/1.0': handshake(`${UPGRADE}${VERSION}${KEY}`, 'GET', '1.0'),
}

test('what looks like a handshake and is none never gets to a service that takes WebSockets', async (t) => {
  const scene = await setScene(t, AGREED)
  for (const [name, bytes] of Object.entries(NO_HANDSHAKES)) {
    const visitor = scene.visit(bytes)
    await visitor.until(() => visitor.isClosed || statuses(visitor).length > 0)
    assert.match(String(statuses(visitor)[0]), /^4\d\d$/, `${name}: ${visitor.text}`)
    assert.doesNotMatch(visitor.text, / 101 /, name)
    visitor.socket.destroy()
  }
  assert.deepEqual(
    scene.received.map(({ text }) => text).filter((text) => text !== ''),
    [],
  )
})

for (const [name, lines] of Object.entries({
  'without saying to what': '',
  'with a length': 'Content-Length: 2\r\n',
  'without Connection': 'Upgrade: websocket\r\n',
  'without Upgrade': 'Connection: Upgrade\r\n',
  'to something else': 'Connection: Upgrade\r\nUpgrade: x\r\n',
  'to two things': 'Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n',
})) {
  test(`a service that switches ${name} is broken, and its visitor gets 502`, async (t) => {
    const scene = await setScene(t, `HTTP/1.1 101 Switching Protocols\r\n${lines}\r\nLEFTOVER`)
    const visitor = scene.visit(`${handshake(`${UPGRADE}${VERSION}${KEY}`)}${masked('hello')}`)
    await visitor.until(() => visitor.isClosed || statuses(visitor).length > 0)
    assert.deepEqual(statuses(visitor).slice(0, 1), ['502'], visitor.text)
    assert.doesNotMatch(visitor.text, /LEFTOVER/)
  })
}

test('a service that closes takes its visitor with it, and a visitor who leaves takes the service’s connection', async (t) => {
  const scene = await setScene(t, AGREED)
  const visitors = [0, 1, 2].map(() => scene.visit(handshake(`${UPGRADE}${VERSION}${KEY}`)))
  for (const visitor of visitors) await visitor.until(() => visitor.text.endsWith('\r\n\r\n'))
  const [first, second, third] = scene.received
  const of = (one: typeof first) => {
    one!.socket.write(frame('you'), 'latin1')
    return eventually(() => {
      const visitor = visitors.find(({ text }) => text.endsWith(frame('you')))
      assert.ok(visitor)
      visitors.splice(visitors.indexOf(visitor), 1)
      return visitor
    })
  }
  const [a, b, c] = [await of(first), await of(second), await of(third)]
  first!.socket.resetAndDestroy()
  await a.until(() => a.isClosed)
  b.socket.resetAndDestroy()
  await eventually(() => assert.ok(second!.socket.destroyed))
  c.socket.end()
  await eventually(() => assert.ok(third!.socket.destroyed))
  assert.ok(a.isClosed)
})
