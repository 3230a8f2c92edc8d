import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2 } from 'node:http2'
import { type AddressInfo, connect as connectTcp } from 'node:net'
import { test } from 'node:test'
import { fragment } from './fragment.ts'
import { page } from './page.ts'
import { sendPage } from './page-send.ts'
import { bindingOf } from './testing/hand-made-gateway.ts'

function boundPage(html: string, binding: ReturnType<typeof bindingOf>) {
  const made = page(html)
  made.compile(binding)
  made.bind(binding)
  return made
}

test('over HTTP/2 a visitor who leaves ends the page, and nobody hears of a fault', {
  timeout: 10_000,
}, async (t) => {
  let told = () => {}
  const aborted = new Promise<void>((resolve) => (told = resolve))
  const stuck = fragment('stuck', ({ signal }) => {
    signal.addEventListener('abort', told)
    return new Promise<string>(() => {})
  })
  const binding = bindingOf(undefined, [stuck])
  const product = boundPage('<p>head</p><m:fragment ref="stuck"/>', binding)
  const sent: Promise<unknown>[] = []
  const large = page('x'.repeat(1_000_000))
  const server = createHttp2((request, response) => {
    const send = () => sendPage(response, product.render({}, request))
    const late = () => once(response, 'close').then(() => sendPage(response, large.render()))
    sent.push(request.url === '/late' ? late() : send())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.after(() => {
    session.destroy()
    server.close()
  })
  const visit = (path: string) => {
    const stream = session.request({ ':path': path })
    stream.on('error', () => {})
    return stream
  }
  const stream = visit('/')
  await once(stream, 'data')
  stream.close(8)
  await aborted
  const late = visit('/late')
  await once(server, 'request')
  late.close(8)
  await Promise.all(sent)
  assert.deepEqual(binding.lines, [])
})

test('a page for an answer that was sent already is told to the log, and not sent', async (t) => {
  const binding = bindingOf(undefined)
  const product = boundPage('<p>page</p>', binding)
  const respond = async (request: IncomingMessage, response: ServerResponse) => {
    response.end('first')
    await sendPage(response, product.render({}, request))
  }
  const server = createServer((request, response) => void respond(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  assert.equal(await answer.text(), 'first')
  assert.deepEqual(binding.lines, ['a page was not sent: something else was sent before'])
})

test('nothing is written to an answer its app has ended by itself while a page was on its way', {
  timeout: 10_000,
}, async (t) => {
  let ready = () => {}
  const late = fragment('late', () => new Promise<string>((resolve) => (ready = () => resolve('late'))))
  const product = boundPage('<p>head</p><m:fragment ref="late"/>', bindingOf(undefined, [late]))
  const faults: Error[] = []
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  // A visitor who doesn't read, so that the answer stays open.
  const socket = connectTcp((server.address() as AddressInfo).port, '127.0.0.1')
  socket.pause()
  socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n')
  t.after(() => socket.destroy())
  const [request, response] = (await once(server, 'request')) as [IncomingMessage, ServerResponse]
  response.on('error', (fault) => faults.push(fault))
  const sent = sendPage(response, product.render({}, request))
  while (!response.headersSent) await new Promise(setImmediate)
  response.end('x'.repeat(20_000_000))
  ready()
  await sent
  await new Promise(setImmediate)
  assert.equal(response.writableFinished, false)
  assert.deepEqual(faults, [])
})
