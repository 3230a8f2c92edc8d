import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpService, rawClient, until } from './testing/raw.ts'
import { instanceAt, startRig } from './testing/rig.ts'

const GET = 'GET /_local/a HTTP/1.1\r\nHost: shop.example\r\n'

async function ask(t: Parameters<typeof rawClient>[0], port: number, bytes: string): Promise<string> {
  const client = rawClient(t, port, bytes)
  await client.sees('\r\n\r\n')
  return client.text
}

test('every answer carries the id that stands in the log, and ids differ', async (t) => {
  const rig = await startRig(t)
  const client = rawClient(t, rig.port, `${GET}\r\n`)
  await client.sees('local')
  client.send(`${GET}X-Request-Id: chosen-by-a-stranger\r\n\r\n`)
  await client.sees(/local[\s\S]*local/)
  const ids = [...client.text.matchAll(/X-Request-Id: (\S+)/g)].map((match) => match[1])
  assert.equal(ids.length, 2)
  assert.notEqual(ids[0], ids[1])
  assert.ok(!ids.includes('chosen-by-a-stranger'))
  await until('two log lines', () => rig.lines.length === 2)
  assert.deepEqual(
    rig.lines.map((line) => line.exchange),
    ids,
  )
  assert.equal(rig.lines[0]!.client, '127.0.0.1')
})

test('bytes that are no request are logged as that, with the id of their answer', async (t) => {
  const rig = await startRig(t)
  const text = await ask(t, rig.port, 'this is no request\r\n\r\n')
  await until('a log line', () => rig.lines.length === 1)
  const [line] = rig.lines
  assert.equal(line!.msg, 'unreadable request')
  assert.ok(text.includes(`X-Request-Id: ${line!.exchange}\r\n`), text)
  assert.equal(line!.status, 400)
})

test('heads that can be read in two ways, or are too large, are refused and counted', async (t) => {
  const rig = await startRig(t)
  const many = Array.from({ length: 101 }, (_, i) => `X-${i}: 1\r\n`).join('')
  const cases: [string, number, string][] = [
    ['GET /_local/a HTTP/1.1\r\n\r\n', 400, 'host'],
    [`${GET}Host: other\r\n\r\n`, 400, 'host'],
    ['GET /_local/a HTTP/1.1\r\nHost: a b\r\n\r\n', 400, 'host'],
    ['GET /_local/a HTTP/1.1\r\nHost: user@a\r\n\r\n', 400, 'host'],
    ['GET /_local/a HTTP/1.1\r\nHost: a:99999\r\n\r\n', 400, 'host'],
    ['GET http://other/_local/a HTTP/1.1\r\nHost: shop.example\r\n\r\n', 400, 'authority'],
    ['GET /_local/%00 HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'path'],
    ['GET /_local/..;/x HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'path'],
    ['GET /_local/#x HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'target'],
    ['OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'target'],
    [`GET /_local/${'a'.repeat(8200)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414, 'target'],
    [`${GET}${many}\r\n`, 431, 'header-lines'],
    [`${GET}X: ${'a'.repeat(17_000)}\r\n\r\n`, 431, 'header-overflow'],
    ['GET /_local/a HTTP/1.1\nHost: a\n\n', 400, 'bare-lf'],
    [`${GET}Bad Name: x\r\n\r\n`, 400, 'space-before-colon'],
    [`${GET}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501, 'unknown-coding'],
    [
      'POST /_local/a HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      '',
    ],
    ['POST /_local/a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, ''],
    [`${GET}Expect: a-miracle\r\n\r\n`, 400, 'expect'],
    ['TRACE /_local/a HTTP/1.1\r\nHost: a\r\n\r\n', 405, 'trace'],
    ['CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n', 405, 'connect'],
    ['hello there\r\n\r\n', 400, ''],
  ]
  for (const [bytes, status, reason] of cases) {
    const text = await ask(t, rig.port, bytes)
    assert.ok(text.startsWith(`HTTP/1.1 ${status} `), `${JSON.stringify(bytes.slice(0, 90))} gave ${text}`)
    assert.match(text, /X-Request-Id: \S+/)
    if (status === 405) assert.match(text, /Allow: GET/)
    const counted = (await rig.metrics.text()).body
    assert.match(counted, new RegExp(`what="request",reason="${reason || '[a-z-]+'}"`), bytes.slice(0, 60))
  }
})

test('paths are made canonical before anybody looks at them', async (t) => {
  const rig = await startRig(t, {
    local: (exchange) => exchange.answer(200, {}, `${exchange.path} ${exchange.query}`),
  })
  const text = await ask(t, rig.port, 'GET /x/../_local/./b?q=/../ HTTP/1.1\r\nHost: A.Example.:8080\r\n\r\n')
  assert.match(text, /\/_local\/b \?q=\/\.\.\/$/)
  const absolute = await ask(t, rig.port, 'GET http://a.example/_local/c HTTP/1.1\r\nHost: a.example\r\n\r\n')
  assert.match(absolute, /\/_local\/c $/)
})

test('a head that never ends is answered with 408', async (t) => {
  const rig = await startRig(t, { settings: { clientHeadTimeoutMs: 100 } })
  const client = rawClient(t, rig.port, 'GET /_local/a HTTP/1.1\r\nHost: a\r\nX: ')
  assert.match(await client.closed(), /^HTTP\/1.1 408 /)
})

test('requests sent ahead are answered one after the other, in their order', async (t) => {
  let running = 0
  const rig = await startRig(t, {
    local: async (exchange) => {
      assert.equal(++running, 1)
      await new Promise((resolve) => setTimeout(resolve, exchange.path.endsWith('0') ? 30 : 1))
      running--
      exchange.answer(200, {}, `<${exchange.path}>`)
    },
  })
  const client = rawClient(
    t,
    rig.port,
    [0, 1, 2, 3].map((i) => `GET /_local/${i} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''),
  )
  await client.sees('</_local/3>')
  assert.deepEqual(
    [...client.text.matchAll(/<\/_local\/(\d)>/g)].map((match) => match[1]),
    ['0', '1', '2', '3'],
  )
})

test('garbage after a request does not replace the answer of that request', async (t) => {
  let go: (() => void) | undefined
  const rig = await startRig(t, {
    local: (exchange) =>
      new Promise<void>((resolve) => {
        go = () => {
          exchange.answer(200, {}, 'mine')
          resolve()
        }
      }),
  })
  const client = rawClient(t, rig.port, `${GET}\r\n\u0001\u0002 nonsense\r\n\r\n`)
  await until('the request to arrive', () => go !== undefined)
  assert.equal(client.text, '')
  go!()
  const text = await client.closed()
  assert.match(text, /^HTTP\/1.1 200 [\s\S]*mineHTTP\/1.1 400 /)
})

test('a chunked body that breaks its own framing is answered with 400', async (t) => {
  const rig = await startRig(t, {
    local: async (exchange) => exchange.answer(200, {}, await exchange.toRequest().text()),
  })
  const client = rawClient(
    t,
    rig.port,
    'POST /_local/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n',
  )
  assert.match(await client.closed(), /^HTTP\/1.1 400 /)
  assert.match(client.text, /Connection: close/)
})

test('an offer to upgrade to something else is an ordinary request, its body included', async (t) => {
  const rig = await startRig(t, {
    local: async (exchange) =>
      exchange.answer(200, {}, `${exchange.isUpgrade} ${await exchange.toRequest().text()}`),
  })
  const text = await ask(
    t,
    rig.port,
    'POST /_local/a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc',
  )
  assert.match(text, /false abc$/)
})

test('an early answer to a large upload arrives whole although the upload goes on', async (t) => {
  const rig = await startRig(t, { local: (exchange) => exchange.answer(413, {}, 'too much') })
  const client = rawClient(
    t,
    rig.port,
    'POST /_local/a HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n',
  )
  const chunk = Buffer.alloc(64 * 1024)
  const timer = setInterval(() => client.socket.writable && client.socket.write(chunk), 2)
  t.after(() => clearInterval(timer))
  await client.sees('too much')
  await client.closed()
  assert.match(client.text, /^HTTP\/1.1 413 [\s\S]*Connection: close[\s\S]*too much$/)
})

test('only trusted proxies are believed about visitor, scheme and id', async (t) => {
  const seen = (exchange: { client: string; secure: boolean; id: string }) =>
    `${exchange.client} ${exchange.secure} ${exchange.id}`
  const claims =
    'X-Forwarded-For: 6.6.6.6, 9.9.9.9, 10.0.0.7\r\nX-Forwarded-Proto: https\r\nX-Request-Id: from-the-edge\r\n'
  const open = await startRig(t, { local: (exchange) => exchange.answer(200, {}, seen(exchange)) })
  assert.match(await ask(t, open.port, `${GET}${claims}\r\n`), /127\.0\.0\.1 false [0-9A-Z-]{21}$/)
  const behind = await startRig(t, {
    trusted: { has: (address) => address === '127.0.0.1' || address.startsWith('10.') },
    local: (exchange) => exchange.answer(200, {}, seen(exchange)),
  })
  assert.match(await ask(t, behind.port, `${GET}${claims}\r\n`), /9\.9\.9\.9 true from-the-edge$/)
})

test('keys in paths are masked in the log', async (t) => {
  const rig = await startRig(t, { maskPath: (path) => path.replace(/secret/g, '***') })
  await ask(t, rig.port, 'GET /_local/secret?secret HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('a log line', () => rig.lines.length === 1)
  assert.equal(rig.lines[0]!.path, '/_local/***')
})

test('a gateway that stops lets running requests end, closes their connections, and ends', async (t) => {
  let isThere = false
  const service = await httpService(t, (_request, response) => {
    isThere = true
    setTimeout(() => response.end('slow but whole'), 120)
  })
  const rig = await startRig(t, { routes: [{ path: '/slow', instances: [instanceAt(service.port)] }] })
  const idle = rawClient(t, rig.port, `${GET}\r\n`)
  await idle.sees('local')
  const busy = rawClient(t, rig.port, 'GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('a request in flight', () => isThere)
  await rig.listener.close(5000)
  await busy.closed()
  await idle.closed()
  assert.match(busy.text, /slow but whole$/)
  assert.match(busy.text, /Connection: close/)
})

test('a gateway that stops does not wait longer than it may', async (t) => {
  let isThere = false
  const service = await httpService(t, () => {
    isThere = true
  })
  const rig = await startRig(t, { routes: [{ path: '/never', instances: [instanceAt(service.port)] }] })
  const client = rawClient(t, rig.port, 'GET /never HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('a request in flight', () => isThere)
  const began = performance.now()
  await rig.listener.close(50)
  assert.ok(performance.now() - began < 2000)
  await client.closed()
  assert.equal(client.text, '')
})

test('the gateway answers with a stream at the pace of the reader, and ends the stream when the reader leaves', async (t) => {
  let pulled = 0
  let cancelled = false
  const rig = await startRig(t, {
    local: (exchange) =>
      exchange.respond(
        new Response(
          new ReadableStream(
            {
              pull(controller) {
                pulled++
                controller.enqueue(new Uint8Array(64 * 1024))
              },
              cancel() {
                cancelled = true
              },
            },
            { highWaterMark: 0 },
          ),
        ),
      ),
  })
  const client = rawClient(t, rig.port)
  client.socket.pause()
  client.send(`${GET}\r\n`)
  await until('the stream to begin', () => pulled > 0)
  let before = -1
  await until('the stream to wait', () => {
    const isStill = before === pulled
    before = pulled
    return isStill
  })
  assert.ok(pulled * 64 < 16 * 1024, `${pulled} chunks`)
  client.socket.destroy()
  await until('the stream to be cancelled', () => cancelled)
})

test('a stream that breaks is seen as broken', async (t) => {
  const rig = await startRig(t, {
    local: (exchange) =>
      exchange.respond(
        new Response(
          new ReadableStream({
            async pull(controller) {
              controller.enqueue(Buffer.from('half'))
              await new Promise((resolve) => setTimeout(resolve, 20))
              controller.error(new Error('disk'))
            },
          }),
        ),
      ),
  })
  await assert.rejects(async () => (await fetch(`${rig.url}/_local/a`)).text())
  const old = rawClient(t, rig.port, 'GET /_local/a HTTP/1.0\r\nHost: a\r\n\r\n')
  await old.closed()
  assert.equal(old.isEnded, false)
  assert.equal(old.error?.code, 'ECONNRESET')
})

test('repeated cookies of our own answers stay two lines, and headers that cannot be sent are left out', async (t) => {
  const rig = await startRig(t, {
    local: (exchange) => {
      exchange.addHeader('Set-Cookie', 'b=2')
      exchange.addHeader('X-Bad', 'a\r\nSet-Cookie: evil=1')
      exchange.answer(200, { 'Set-Cookie': 'a=1', 'X-Worse': 'x\ny' }, 'ok')
    },
  })
  const text = await ask(t, rig.port, `${GET}\r\n`)
  assert.match(text, /Set-Cookie: a=1\r\n[\s\S]*Set-Cookie: b=2\r\n/)
  assert.doesNotMatch(text, /evil|X-Worse/)
})

test('a handler that throws is answered with 500 and logged', async (t) => {
  const rig = await startRig(t, { local: () => Promise.reject(new Error('boom')) })
  assert.match(await ask(t, rig.port, `${GET}\r\n`), /^HTTP\/1.1 500 /)
})

test('every byte of a large answer is counted, not only those that leave with its head', async (t) => {
  const rig = await startRig(t, { local: (exchange) => exchange.answer(200, {}, Buffer.alloc(100_000, 'x')) })
  const text = await (await fetch(`${rig.url}/_local/a`)).text()
  assert.equal(text.length, 100_000)
  const counted = (await rig.metrics.text()).body
  const out = Number(/hydra_bytes_total\{direction="out"\} (\d+)/.exec(counted)?.[1])
  assert.ok(out > 100_000 && out < 101_000, `${out} bytes`)
})

test('who has connected and waits to be taken when a gateway stops is served, not reset', async (t) => {
  const rig = await startRig(t)
  const clients = Array.from({ length: 30 }, () => rawClient(t, rig.port, `${GET}\r\n`))
  // The system has them all when the clients have asked it to connect, and we have taken none.
  await new Promise((resolve) => process.nextTick(resolve))
  await rig.listener.close(5000, 1000)
  await Promise.all(clients.map((client) => client.closed()))
  for (const { text } of clients) assert.match(text, /^HTTP\/1\.1 200 [\s\S]*Connection: close/)
})

test('so is who waits while a gateway that stops is busy', async (t) => {
  const rig = await startRig(t, {
    local(exchange) {
      const until = performance.now() + 15
      while (performance.now() < until);
      exchange.answer(200, {}, 'late')
    },
  })
  const clients = Array.from({ length: 40 }, () => rawClient(t, rig.port, `${GET}\r\n`))
  await new Promise((resolve) => process.nextTick(resolve))
  await rig.listener.close(5000, 1000)
  await Promise.all(clients.map((client) => client.closed()))
  for (const { text } of clients) assert.match(text, /^HTTP\/1\.1 200 /)
})
