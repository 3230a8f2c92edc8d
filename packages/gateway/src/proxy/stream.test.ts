import assert from 'node:assert/strict'
import { connect } from 'node:http2'
import { test } from 'node:test'
import type { AnswerSink } from './composition.ts'
import type { Exchange } from './exchange.ts'
import { startHttp2 } from './testing/http2.ts'
import { rawClient, until } from './testing/raw.ts'
import { startRig } from './testing/rig.ts'

const HEAD = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }

function opener() {
  const opened: { exchange: Exchange; sink: AnswerSink }[] = []
  const say = (text: string): void => {
    for (const { sink } of opened) {
      sink.write(Buffer.from(text))
      sink.flush()
    }
  }
  const local = (exchange: Exchange): void => {
    opened.push({ exchange, sink: exchange.stream(200, HEAD) })
    say('first\n')
  }
  return { opened, say, local }
}

test('a stream is whole chunks, and outlives every idle limit', async (t) => {
  const { opened, say, local } = opener()
  const settings = { idleTimeoutMs: 30, keepAliveTimeoutMs: 30, clientHeadTimeoutMs: 30 }
  const rig = await startRig(t, { local, settings })
  const client = rawClient(
    t,
    rig.port,
    'GET /_local/a?b=c HTTP/1.1\r\nHost: a.test\r\nCookie: x=HYDRA-\r\n\r\n',
  )
  await client.sees(/\r\n\r\n6\r\nfirst\n\r\n$/)
  assert.match(client.text, /^HTTP\/1.1 200 OK\r\nContent-Type: text\/event-stream\r\n/)
  assert.doesNotMatch(client.text, /Content-Length|Connection/)
  const [{ exchange, sink }] = opened as [(typeof opened)[0]]
  assert.deepEqual([exchange.query, exchange.headers.flat, exchange.hasOurCookies], ['', [], false])
  const begun = performance.now()
  await until('several idle limits to pass', () => performance.now() - begun > 400)
  say('second\n')
  await client.sees(/7\r\nsecond\n\r\n$/)
  sink.finish()
  sink.flush()
  await client.sees(/0\r\n\r\n$/)
  client.send('GET /_local/b HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await until('the next request of the connection', () => opened.length === 2)
})

test('HTTP/1.0 is given the same without chunks', async (t) => {
  const { opened, local } = opener()
  const rig = await startRig(t, { local })
  const client = rawClient(t, rig.port, 'GET /_local/a HTTP/1.0\r\nHost: a.test\r\n\r\n')
  await client.sees(/Connection: close\r\n[\s\S]*\r\n\r\nfirst\n$/)
  opened[0]!.sink.finish()
  opened[0]!.sink.flush()
  await client.closed()
  assert.ok(client.isEnded)
})

test('a reader who takes nothing is noticed, and heard of when he does', async (t) => {
  const { opened, local } = opener()
  const rig = await startRig(t, { local })
  const client = rawClient(t, rig.port, 'GET /_local/a HTTP/1.1\r\nHost: a.test\r\n\r\n')
  await client.sees('first')
  client.socket.pause()
  const { sink } = opened[0]!
  let drained = 0
  sink.onDrain = () => void drained++
  const large = Buffer.alloc(256 * 1024, 'x')
  for (let i = 0; i < 200 && !sink.isBlocked; i++) {
    sink.write(large)
    sink.flush()
  }
  assert.ok(sink.isBlocked)
  client.socket.resume()
  await until('what was written to have left', () => drained > 0)
  assert.equal(sink.isBlocked, false)
})

test('in HTTP/2 a stream is one of many of its connection', async (t) => {
  const { opened, say, local } = opener()
  const { port } = await startHttp2(t, local)
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const streams = [1, 2].map((i) => session.request({ ':path': `/_local/${i}` }))
  const texts = ['', '']
  const codes = [-1, -1]
  for (const [i, stream] of streams.entries()) {
    stream.setEncoding('utf8').on('data', (chunk) => {
      texts[i] += chunk
    })
    stream.on('close', () => {
      codes[i] = stream.rstCode
    })
  }
  await until('both to begin', () => texts.every((text) => text.includes('first')))
  say('second\n')
  await until('both to be told', () => texts.every((text) => text.endsWith('second\n')))
  for (const { sink } of opened) {
    sink.finish()
    sink.flush()
  }
  await until('both to end', () => codes.join() === '0,0')
})
