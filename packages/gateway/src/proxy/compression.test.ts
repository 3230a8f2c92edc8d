import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import zlib from 'node:zlib'
import { createCompression } from './compression.ts'

const CODINGS = ['zstd', 'br', 'gzip'] as const
const HTML = { 'content-type': 'text/html; charset=utf-8' }
const page = `<!doctype html>${'<p>The shop is closed for an hour.</p>\n'.repeat(200)}`
const big = page.repeat(40)

function decode(coding: string | null, bytes: Uint8Array): string {
  if (coding === 'gzip') return zlib.gunzipSync(bytes).toString()
  if (coding === 'br') return zlib.brotliDecompressSync(bytes).toString()
  if (coding === 'zstd') return zlib.zstdDecompressSync(bytes).toString()
  assert.equal(coding, null)
  return Buffer.from(bytes).toString()
}

async function textOf(response: Response): Promise<string> {
  return decode(
    response.headers.get('content-encoding'),
    new Uint8Array(await response.clone().arrayBuffer()),
  )
}

/** A body whose chunks come when they are asked for, each in a turn of its own. */
function slowly(chunks: string[], onCancel?: () => void): ReadableStream<Uint8Array> {
  const left = [...chunks]
  return new ReadableStream(
    {
      async pull(controller) {
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
        const chunk = left.shift()
        if (chunk === undefined) controller.close()
        else controller.enqueue(Buffer.from(chunk))
      },
      ...(onCancel ? { cancel: onCancel } : {}),
    },
    { highWaterMark: 0 },
  )
}

for (const coding of CODINGS) {
  test(`a page reaches who reads ${coding} whole, as bytes of known length`, async () => {
    const { compress } = createCompression()
    const answer = await compress(coding, new Response(page, { status: 404, headers: HTML }))
    assert.equal(answer.status, 404)
    assert.equal(answer.headers.get('content-encoding'), coding)
    assert.equal(answer.headers.get('vary'), 'Accept-Encoding')
    assert.equal(answer.headers.get('content-type'), HTML['content-type'])
    const bytes = await answer.clone().arrayBuffer()
    assert.equal(answer.headers.get('content-length'), String(bytes.byteLength))
    assert.ok(bytes.byteLength < page.length / 10)
    assert.equal(await textOf(answer), page)
  })

  test(`a large answer and a stream reach who reads ${coding} whole`, async () => {
    const { compress } = createCompression()
    const large = await compress(coding, new Response(big, { headers: HTML }))
    assert.equal(large.headers.get('content-length'), null)
    assert.equal(await textOf(large), big)
    const noise = Array.from({ length: 50 }, () => randomBytes(9000).toString('base64'))
    const stream = await compress(coding, new Response(slowly(['', ...noise, '']), { headers: HTML }))
    assert.equal(stream.headers.get('content-encoding'), coding)
    assert.equal(await textOf(stream), noise.join(''))
    const empty = await compress(coding, new Response(slowly([]), { headers: HTML }))
    assert.equal(await textOf(empty), '')
  })

  test(`each part of a ${coding} stream can be read before the next one is there`, async () => {
    const { compress } = createCompression()
    let say: (text: string) => void = () => {}
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        say = (text) => (text === '' ? controller.close() : controller.enqueue(Buffer.from(text)))
      },
    })
    const answer = await compress(coding, new Response(source, { headers: HTML }))
    const decoder = {
      gzip: zlib.createGunzip,
      br: zlib.createBrotliDecompress,
      zstd: zlib.createZstdDecompress,
    }[coding]()
    const heard: string[] = []
    decoder.on('data', (bytes: Buffer) => void heard.push(bytes.toString()))
    const done = pipeline(Readable.fromWeb(answer.body as never), decoder)
    for (const word of ['one', 'two', 'three']) {
      say(word)
      while (!heard.join('').endsWith(word)) await once(decoder, 'data')
    }
    say('')
    await done
    assert.equal(heard.join(''), 'onetwothree')
  })

  test(`an answer that is written at once reaches who reads ${coding} as well`, () => {
    const { compressBytes } = createCompression()
    const headers = { 'Content-Type': 'application/problem+json', Vary: 'accept', 'Content-Length': '1' }
    const answer = compressBytes(coding, 404, headers, page)
    assert.deepEqual(answer.headers, {
      'Content-Type': 'application/problem+json',
      Vary: 'accept, Accept-Encoding',
      'content-encoding': coding,
    })
    assert.equal(decode(coding, answer.body as Uint8Array), page)
  })

  test(`fetch reads a ${coding} answer`, async (t) => {
    const { compress } = createCompression()
    const server = createServer(async (request, outgoing) => {
      const body = request.url === '/stream' ? slowly([page, 'x', page]) : page
      const answer = await compress(request.headers['accept-encoding'], new Response(body, { headers: HTML }))
      outgoing.writeHead(answer.status, Object.fromEntries(answer.headers))
      await pipeline(Readable.fromWeb(answer.body as never), outgoing)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const ask = async (path: string) => {
      const answer = await fetch(url + path, {
        headers: { 'accept-encoding': coding, connection: 'close' },
      })
      assert.equal(answer.headers.get('content-encoding'), coding)
      return answer.text()
    }
    assert.equal(await ask('/'), page)
    assert.equal(await ask('/stream'), `${page}x${page}`)
  })
}

for (const [what, init, body] of [
  ['an answer under 1 KB', { headers: HTML }, 'x'.repeat(1023)],
  ['an answer that says it is under 1 KB', { headers: { ...HTML, 'content-length': '10' } }, 'x'.repeat(10)],
  ['a picture', { headers: { 'content-type': 'image/png' } }, page],
  ['an answer without a type', { headers: { 'content-type': '' } }, page],
  ['an event stream', { headers: { 'content-type': 'text/event-stream; charset=utf-8' } }, page],
  ['what is encoded already', { headers: { ...HTML, 'content-encoding': 'deflate' } }, page],
  ['a part', { status: 206, headers: { ...HTML, 'content-range': 'bytes 0-1/2' } }, page],
  ['what must not be changed', { headers: { ...HTML, 'cache-control': 'private, No-Transform' } }, page],
  ['what has a digest of its bytes', { headers: { ...HTML, 'content-digest': 'sha-256=:x:' } }, page],
  ['no content', { status: 204, headers: HTML }, null],
  ['not modified', { status: 304, headers: { ...HTML, etag: '"a"' } }, null],
] as const) {
  test(`${what} stays as it is`, async () => {
    const { compress, compressBytes } = createCompression()
    const before = new Response(body, init)
    const headers = Object.fromEntries(before.headers)
    const answer = await compress('gzip, br, zstd', before)
    assert.deepEqual(Object.fromEntries(answer.headers), headers)
    assert.equal(Buffer.from(await answer.arrayBuffer()).toString(), body ?? '')
    const status = 'status' in init ? init.status : 200
    assert.deepEqual(compressBytes('gzip', status, headers, body ?? ''), { headers, body: body ?? '' })
  })
}

test('types that are text under other names are compressed', async () => {
  const { compress } = createCompression()
  const types = `text/css text/plain;charset=utf-8 application/json application/problem+json text/javascript
    application/javascript image/svg+xml application/atom+xml application/xml application/wasm
    application/manifest+json Application/JSON`
  for (const type of types.split(/\s+/)) {
    const answer = await compress('gzip', new Response(page, { headers: { 'content-type': type } }))
    assert.equal(answer.headers.get('content-encoding'), 'gzip', type)
  }
  for (const type of [
    'image/webp',
    'application/zip',
    'application/octet-stream',
    'font/woff2',
    'video/mp4',
  ]) {
    const answer = await compress('gzip', new Response(page, { headers: { 'content-type': type } }))
    assert.equal(answer.headers.get('content-encoding'), null, type)
  }
})

test('caches learn that the answer depends on what its reader understands, compressed or not', async () => {
  const { compress, compressBytes } = createCompression()
  const vary = async (said: string | undefined, before?: string) => {
    const headers = { ...HTML, ...(before === undefined ? {} : { vary: before }) }
    const answer = await compress(said, new Response(page, { headers }))
    const other = compressBytes(said, 200, headers, page).headers as Record<string, string>
    assert.equal(other.vary, answer.headers.get('vary'))
    return answer.headers.get('vary')
  }
  assert.equal(await vary(undefined), 'Accept-Encoding')
  assert.equal(await vary('deflate'), 'Accept-Encoding')
  assert.equal(await vary('br', 'accept'), 'accept, Accept-Encoding')
  assert.equal(await vary('br', 'Cookie, ACCEPT-ENCODING'), 'Cookie, ACCEPT-ENCODING')
  assert.equal(await vary('br', '*'), '*')
})

test('a strong tag becomes a weak one where the bytes are others, and only there', async () => {
  const { compress, compressBytes } = createCompression()
  for (const [said, before, after] of [
    ['br', '"abc"', 'W/"abc"'],
    ['br', 'W/"abc"', 'W/"abc"'],
    [undefined, '"abc"', '"abc"'],
  ] as const) {
    const headers = { ...HTML, ETag: before, 'Accept-Ranges': 'bytes' }
    const answer = await compress(said, new Response(page, { headers }))
    assert.equal(answer.headers.get('etag'), after)
    assert.equal(answer.headers.has('accept-ranges'), said === undefined)
    assert.equal((compressBytes(said, 200, headers, page).headers as Record<string, string>).ETag, after)
  }
})

test('what becomes no smaller is sent as it is', async () => {
  const { compress, compressBytes } = createCompression()
  const noise = randomBytes(2000)
  const answer = await compress('br', new Response(noise, { headers: HTML }))
  assert.equal(answer.headers.get('content-encoding'), null)
  assert.deepEqual(Buffer.from(await answer.arrayBuffer()), noise)
  assert.equal(compressBytes('br', 200, HTML, noise).body, noise)
})

test('an answer to HEAD that has no body keeps having none', async () => {
  const { compress } = createCompression()
  const answer = await compress('br', new Response(null, { headers: HTML }))
  assert.equal(answer.body, null)
  assert.equal(answer.headers.get('vary'), 'Accept-Encoding')
  assert.equal(answer.headers.get('content-encoding'), null)
})

test('several cookies stay several', async () => {
  const { compress } = createCompression()
  const headers = new Headers(HTML)
  headers.append('set-cookie', 'a=1')
  headers.append('set-cookie', 'b=2')
  const answer = await compress('gzip', new Response(page, { headers }))
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
})

test('what may be cached is compressed once, however many ask and however large it is', async () => {
  const { compress, compressBytes } = createCompression()
  const headers = { ...HTML, 'cache-control': 'public, max-age=3600' }
  for (const body of [page, big]) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => compress('br', new Response(body, { headers }))),
    )
    for (const answer of answers) {
      assert.ok(Number(answer.headers.get('content-length')) > 0, 'its length is known')
      assert.equal(await textOf(answer), body)
    }
  }
  const first = compressBytes('br', 200, headers, page).body
  assert.equal(compressBytes('br', 200, headers, page).body, first, 'the same bytes')
  const private1 = compressBytes('br', 200, { ...HTML, 'cache-control': 'no-store' }, page).body
  assert.notEqual(compressBytes('br', 200, { ...HTML, 'cache-control': 'no-store' }, page).body, private1)
  const other = compressBytes('br', 200, headers, `${page}!`).body
  assert.equal(decode('br', other as Uint8Array), `${page}!`)
})

test('a reader who leaves ends the source', async () => {
  const { compress } = createCompression()
  let ended = 0
  const endless = () =>
    new Response(
      new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
            controller.enqueue(Buffer.from(page))
          },
          cancel: () => void ended++,
        },
        { highWaterMark: 0 },
      ),
      { headers: HTML },
    )
  const unread = await compress('gzip', endless())
  await unread.body!.cancel()
  assert.equal(ended, 1)
  const begun = (await compress('zstd', endless())).body!.getReader()
  assert.ok((await begun.read()).value!.length > 0)
  await begun.cancel()
  assert.equal(ended, 2)
  const waiting = (await compress('br', endless())).body!.getReader()
  const read = waiting.read()
  await waiting.cancel()
  assert.equal((await read).done, true)
  assert.equal(ended, 3)
})

test('nothing is read from a source before its reader wants it', async () => {
  const { compress } = createCompression()
  let reads = 0
  const source = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        reads++
        controller.enqueue(randomBytes(16 * 1024))
      },
    },
    { highWaterMark: 0 },
  )
  const answer = await compress('gzip', new Response(source, { headers: HTML }))
  const atOnce = reads
  assert.ok(atOnce <= 4, `${atOnce} chunks were read to see how large it is`)
  const reader = answer.body!.getReader()
  await reader.read()
  await new Promise((resolve) => setImmediate(resolve))
  assert.ok(reads <= atOnce + 1)
  await reader.cancel()
})

test('a source that breaks is seen as broken', async () => {
  const { compress } = createCompression()
  const broken = (after: string[]) => {
    const left = [...after]
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const chunk = left.shift()
        if (chunk === undefined) {
          controller.error(new Error('the disk is gone'))
          return
        }
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
        controller.enqueue(Buffer.from(chunk))
      },
    })
  }
  await assert.rejects(compress('gzip', new Response(broken([]), { headers: HTML })), /the disk is gone/)
  const answer = await compress('gzip', new Response(broken([page, page]), { headers: HTML }))
  await assert.rejects(answer.arrayBuffer(), /the disk is gone/)
})
