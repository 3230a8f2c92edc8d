import assert from 'node:assert/strict'
import { connect as connectHttp2, constants } from 'node:http2'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
} from 'node:zlib'
import { systemClock } from '../observe/clock.ts'
import { createLog } from '../observe/log.ts'
import { TLS_CERT, TLS_KEY } from '../proxy/testing/certificate.ts'
import { onHead, rawClient, rawServer, until } from '../proxy/testing/raw.ts'
import { instanceAt, type Rig, type RigRoute, startRig } from '../proxy/testing/rig.ts'
import { createCertificates } from '../tls/certificates.ts'
import {
  type HandComposer,
  type HandResolver,
  handComposer,
  handResolver,
  type Play,
} from './testing/hand-resolver.ts'

type Send = (bytes: string | Buffer) => void

interface Stage extends Rig {
  readonly resolver: HandResolver
  /** Heads of the requests the service got. */
  readonly heads: readonly string[]
  readonly sends: readonly Send[]
}

/** A gateway whose service answers with bytes of its own. */
async function stage(
  t: TestContext,
  serve: (send: Send, head: string, index: number) => void,
  {
    plays,
    route,
    ...composer
  }: HandComposer & { plays?: Record<string, Play>; route?: Partial<RigRoute> } = {},
): Promise<Stage> {
  const heads: string[] = []
  const sends: Send[] = []
  const { port } = await rawServer(t, (end) =>
    onHead(end, (head) => {
      const send: Send = (bytes) => end.send(bytes)
      heads.push(head)
      sends.push(send)
      serve(send, head, heads.length - 1)
    }),
  )
  const resolver = handResolver((tag) => plays?.[tag.ref])
  const rig = await startRig(t, {
    composer: handComposer(resolver, composer),
    routes: [{ path: '/**', instances: [instanceAt(port)], ...route }],
  })
  return { ...rig, resolver, heads, sends }
}

function page(
  html: string | Buffer,
  lines: readonly string[] = ['Hydra-Compose: 1'],
  status = '200 OK',
): Buffer {
  const body = Buffer.from(html as string)
  const all = ['Content-Type: text/html; charset=utf-8', `Content-Length: ${body.length}`, ...lines]
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status}\r\n${all.join('\r\n')}\r\n\r\n`), body])
}

const CHUNKED_HEAD =
  'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nHydra-Compose: 1\r\nTransfer-Encoding: chunked\r\n\r\n'
const chunk = (text: string | Buffer) =>
  Buffer.concat([
    Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n`),
    Buffer.from(text as string),
    Buffer.from('\r\n'),
  ])

const tag = (ref: string, fallback = '', more = '') =>
  `<m:fragment service="parts" ref="${ref}"${more}>${fallback}</m:fragment>`

test('fragments stand where their tags stood, whatever characters are in them', async (t) => {
  const html = `<!doctype html><title>é</title><body><p>$& ${tag('a')}-${tag('b', 'fell <b>back</b>')}</p></body>`
  const { url } = await stage(t, (send) => send(page(html)), {
    plays: { a: { html: '<i>$& $1 $` \x24{x} ü \\$#FRGM-</i>' }, b: 'failed' },
  })
  const answer = await fetch(url)
  assert.equal(answer.status, 200)
  assert.equal(
    await answer.text(),
    '<!doctype html><title>é</title><body><p>$& <i>$& $1 $` \x24{x} ü \\$#FRGM-</i>-fell <b>back</b></p></body>',
  )
})

test('an answer that does not opt in passes as it is', async (t) => {
  const html = `<body>${tag('a', 'x')}</body>`
  const { url, resolver } = await stage(t, (send) => send(page(html, ['ETag: "1"', 'Hydra-Else: 1'])), {
    plays: { a: { html: 'a' } },
  })
  const answer = await fetch(url)
  assert.equal(await answer.text(), html)
  assert.equal(answer.headers.get('etag'), '"1"')
  assert.equal(answer.headers.get('hydra-else'), null)
  assert.equal(resolver.pages.length, 0)
})

test('a Hydra-Compose nobody understands is in the log once for a route', async (t) => {
  for (const [value, isUnderstood] of [
    ['true', false],
    ['1; hodl', false],
    ['1;hold', true],
    ['1 ; HOLD;', true],
    ['0', true],
  ] as const) {
    const { url, lines } = await stage(t, (send) => send(page('<p>', [`Hydra-Compose: ${value}`])))
    for (let i = 0; i < 2; i++) assert.equal(await (await fetch(url)).text(), '<p>')
    assert.deepEqual(
      lines.filter(({ msg }) => msg === 'Hydra-Compose not understood').map(({ detail }) => detail),
      isUnderstood ? [] : [`Hydra-Compose: "${value}" is not understood; write 1 or 1; hold`],
    )
  }
})

test('a route may say that its pages are composed', async (t) => {
  const { url } = await stage(t, (send) => send(page(tag('a'), [])), {
    plays: { a: { html: 'A' } },
    route: { compose: true },
  })
  assert.equal(await (await fetch(url)).text(), 'A')
})

test('what was said of the bytes of the service is not said of a composed page, and it is private', async (t) => {
  const lines = [
    'Hydra-Compose: 1',
    'ETag: "1"',
    'Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT',
    'Accept-Ranges: bytes',
    'Content-MD5: x',
    'Digest: sha-256=x',
    'Cache-Control: public, max-age=60, s-maxage=600',
    'Vary: Cookie',
    "Content-Security-Policy: default-src 'self'",
    'Set-Cookie: a=1',
  ]
  const { url } = await stage(t, (send) => send(page('<p>', lines)))
  const { headers } = await fetch(url)
  for (const name of [
    'etag',
    'last-modified',
    'accept-ranges',
    'content-md5',
    'digest',
    'content-length',
    'hydra-compose',
  ])
    assert.equal(headers.get(name), null, name)
  assert.equal(headers.get('cache-control'), 'private, max-age=60')
  assert.equal(headers.get('content-security-policy'), "default-src 'self'")
  assert.equal(headers.get('set-cookie'), 'a=1')
  assert.equal(headers.get('vary'), 'Cookie')
})

test('a route whose pages are the same for everybody keeps what it says about caches', async (t) => {
  const { url } = await stage(t, (send) => send(page('<p>', ['Cache-Control: public, s-maxage=600'])), {
    route: { compose: true, composedCache: 'keep' },
  })
  assert.equal((await fetch(url)).headers.get('cache-control'), 'public, s-maxage=600')
})

test('every cut of a page gives the same page', async (t) => {
  const html =
    '<html><head><script type="application/json" m:attributes>{"a":1}</script></head><body>é<!-- <m:fragment> -->' +
    `${tag('a')}<script>"<m:fragment ref='x'></m:fragment>"</script>${tag('b', `1${tag('c', 'C')}2`)}</body></html>`
  const expected =
    '<html><head></head><body>é<!-- <m:fragment> --><b>A</b>' +
    `<script>"<m:fragment ref='x'></m:fragment>"</script>1C2</body></html>`
  const bytes = Buffer.from(html)
  const { url, resolver } = await stage(
    t,
    (send, head) => {
      const at = Number(/GET \/(\d+)/.exec(head)![1])
      send(CHUNKED_HEAD)
      const pieces =
        at === 0 ? [...bytes].map((byte) => Buffer.of(byte)) : [bytes.subarray(0, at), bytes.subarray(at)]
      for (const piece of pieces) if (piece.length > 0) send(chunk(piece))
      send('0\r\n\r\n')
    },
    { plays: { a: { html: '<b>A</b>' }, b: 'timeout', c: 'failed' } },
  )
  for (let at = 0; at <= bytes.length; at++)
    assert.equal(await (await fetch(`${url}/${at}`)).text(), expected, `${at}`)
  for (const { options, tags } of resolver.pages) {
    assert.deepEqual(options.attributes, { a: 1 })
    assert.deepEqual(
      tags.map(({ tag: { ref }, parent }) => [ref, parent]),
      [
        ['a', undefined],
        ['b', undefined],
        ['c', 1],
      ],
    )
  }
})

test('the page goes on up to a fragment that is not there, and all are asked for at once', async (t) => {
  const { port, resolver, sends } = await stage(t, (send) =>
    send(`${CHUNKED_HEAD}${chunk(`<head></head>before${tag('slow')}between${tag('fast')}behind`)}`),
  )
  const client = rawClient(t, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.sees('before')
  await until('both are asked for', () => resolver.pages[0]?.asked.length === 2)
  resolver.pages[0]!.settle('fast', { html: 'FAST' })
  assert.ok(!client.text.includes('between'))
  resolver.pages[0]!.settle('slow', { html: 'SLOW' })
  await client.sees(/SLOW[\s\S]*between[\s\S]*FAST[\s\S]*behind/)
  sends[0]!('0\r\n\r\n')
  await client.sees(/\r\n0\r\n\r\n$/)
})

test('the next request of a connection gets its own answer', async (t) => {
  const { port, resolver } = await stage(t, (send, head) =>
    send(page(`${/ \/\S*/.exec(head)![0]} ${tag('a')}.`)),
  )
  const client = rawClient(
    t,
    port,
    'GET /one HTTP/1.1\r\nHost: a\r\n\r\nGET /two HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  await client.sees('/one')
  await until('one is asked for', () => resolver.pages[0]?.asked.length === 1)
  assert.equal(resolver.pages.length, 1)
  resolver.pages[0]!.settle('a', { html: 'ONE' })
  await client.sees('/two')
  await until('two is asked for', () => resolver.pages[1]?.asked.length === 1)
  resolver.pages[1]!.settle('a', { html: 'TWO' })
  await client.sees(/ \/one [\s\S]*ONE[\s\S]*0\r\n\r\nHTTP\/1.1 200[\s\S]* \/two [\s\S]*TWO[\s\S]*0\r\n\r\n$/)
})

test('the connection of the service is free while the page waits for fragments', async (t) => {
  const { port, url, resolver, heads } = await stage(t, (send, head) =>
    send(head.includes('/page') ? page(tag('a')) : page('other', [])),
  )
  const client = rawClient(t, port, 'GET /page HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('it is asked for', () => resolver.pages[0]?.asked.length === 1)
  assert.equal(await (await fetch(`${url}/other`)).text(), 'other')
  assert.equal(heads.length, 2)
  resolver.pages[0]!.settle('a', { html: 'A' })
  await client.sees(/A\r\n0\r\n\r\n$/)
})

test('who leaves cancels the fragments of his page', async (t) => {
  const { port, resolver } = await stage(t, (send) => send(`${CHUNKED_HEAD}${chunk(`x${tag('a')}`)}`))
  const client = rawClient(t, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('it is asked for', () => resolver.pages[0]?.asked.length === 1)
  client.socket.destroy()
  await until('it is cancelled', () => resolver.pages[0]!.isCancelled)
})

test('a service that dies in its page has the visitor’s answer cut', async (t) => {
  const ends: (() => void)[] = []
  const { port } = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send(`${CHUNKED_HEAD}${chunk(`x${tag('a')}`)}`)
      ends.push(() => end.socket.destroy())
    }),
  )
  const resolver = handResolver()
  const rig = await startRig(t, {
    composer: handComposer(resolver),
    routes: [{ path: '/', instances: [instanceAt(port)] }],
  })
  const client = rawClient(t, rig.port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('it is asked for', () => resolver.pages[0]?.asked.length === 1)
  ends[0]!()
  assert.doesNotMatch(await client.closed(), /\r\n0\r\n\r\n$/)
  assert.ok(resolver.pages[0]!.isCancelled)
})

test('pages that come compressed are inflated first, and compressed again for who takes that', async (t) => {
  const html = `<body>${'x'.repeat(3000)}${tag('a')}</body>`
  const codings: Record<string, (bytes: Buffer) => Buffer> = {
    gzip: gzipSync,
    deflate: deflateSync,
    raw: deflateRawSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
  }
  const { port } = await stage(
    t,
    (send, head) => {
      const name = / \/(\w+)/.exec(head)![1]!
      const body = codings[name]!(Buffer.from(html))
      send(page(body, ['Hydra-Compose: 1', `Content-Encoding: ${name === 'raw' ? 'deflate' : name}`]))
    },
    { plays: { a: { html: 'A' } } },
  )
  const expected = html.replace(tag('a'), 'A')
  for (const name of Object.keys(codings)) {
    const ask = (accept: string) =>
      fetch(`http://127.0.0.1:${port}/${name}`, { headers: { 'accept-encoding': accept } })
    const plain = await ask('identity')
    assert.equal(plain.headers.get('content-encoding'), null)
    assert.match(plain.headers.get('vary')!, /Accept-Encoding/)
    assert.equal(await plain.text(), expected, name)
    for (const coding of ['gzip', 'br']) {
      const small = await ask(coding)
      assert.equal(small.headers.get('content-encoding'), coding)
      assert.equal(await small.text(), expected, `${name} as ${coding}`)
    }
  }
})

test('what is there of a compressed page can be read while it waits for a fragment', async (t) => {
  const { port, resolver } = await stage(t, (send) => send(page(`${'y'.repeat(2000)}${tag('a')}`)))
  const client = rawClient(t, port, 'GET / HTTP/1.0\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n')
  await until('it is asked for', () => resolver.pages[0]?.asked.length === 1)
  const bodyOf = () => Buffer.from(client.text.slice(client.text.indexOf('\r\n\r\n') + 4), 'latin1')
  await until('the page so far', () => bodyOf().length > 15)
  resolver.pages[0]!.settle('a', { html: 'A' })
  await client.closed()
  assert.equal(gunzipSync(bodyOf()).toString(), `${'y'.repeat(2000)}A`)
})

test('bytes that can’t be inflated break the page off', async (t) => {
  const { port } = await stage(t, (send) =>
    send(page('no gzip at all', ['Hydra-Compose: 1', 'Content-Encoding: gzip'])),
  )
  const client = rawClient(t, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.doesNotMatch(await client.closed(), /\r\n0\r\n\r\n$/)
})

test('a page in an encoding nobody here can undo, or in characters that hide tags, passes uncomposed and is logged', async (t) => {
  const { url, lines } = await stage(t, (send, head) =>
    send(
      head.includes('/coding')
        ? page('x<m:fragment ref="a"/>', ['Hydra-Compose: 1', 'Content-Encoding: compress'])
        : Buffer.from(
            'HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-16le\r\nHydra-Compose: 1\r\nContent-Length: 2\r\n\r\nx\0',
          ),
    ),
  )
  for (const path of ['/coding', '/charset']) await (await fetch(url + path)).arrayBuffer()
  assert.equal(lines.filter(({ msg }) => msg === 'page passed without its fragments').length, 2)
})

test('a page in another charset keeps it: characters of fragments become references', async (t) => {
  const html = Buffer.from(`<p title="\xe9">${tag('a')}</p>`, 'latin1')
  const { port } = await stage(
    t,
    (send) =>
      send(
        Buffer.concat([
          Buffer.from(
            `HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=ISO-8859-1\r\nHydra-Compose: 1\r\nContent-Length: ${html.length}\r\n\r\n`,
          ),
          html,
        ]),
      ),
    { plays: { a: { html: 'ü€😀' } } },
  )
  const client = rawClient(t, port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
  assert.match(await client.closed(), /<p title="\xe9">&#252;&#8364;&#128512;<\/p>$/)
})

test('to HEAD goes the head of the composed page, and nobody is asked', async (t) => {
  const head = (body: string) =>
    `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nHydra-Compose: 1\r\nETag: "1"\r\nContent-Length: 22\r\n\r\n${body}`
  const { port, resolver } = await stage(t, (send) => send(head('')))
  const client = rawClient(t, port, 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\nHost: a\r\n\r\n')
  await client.sees(/HTTP\/1.1 200[\s\S]*\r\n\r\nHTTP\/1.1 200[\s\S]*\r\n\r\n$/)
  assert.doesNotMatch(client.text, /etag|content-length/i)
  assert.match(client.text, /Cache-Control: private, no-cache/)
  assert.equal(resolver.pages.length, 0)
})

test('conditions and ranges don’t reach a service whose pages are composed', async (t) => {
  const { url, heads } = await stage(t, (send) => send(page('<p>', [])), { route: { compose: true } })
  await fetch(url, {
    headers: { 'if-none-match': '"1"', range: 'bytes=0-1', 'if-modified-since': 'x', 'x-if': '1' },
  })
  assert.doesNotMatch(heads[0]!, /\nif-|\nrange/i)
  assert.match(heads[0]!, /x-if: 1/i)
})

test('a part of a page that wants to be composed is asked for once more, whole, and the next time at once', async (t) => {
  const { url, heads } = await stage(
    t,
    (send, head) =>
      send(
        /\nif-none-match/i.test(head)
          ? 'HTTP/1.1 304 Not Modified\r\nHydra-Compose: 1\r\nETag: "1"\r\n\r\n'
          : page(`whole ${tag('a')}`, ['Hydra-Compose: 1']),
      ),
    { plays: { a: { html: 'A' } } },
  )
  const ask = (accept = 'text/html') => fetch(url, { headers: { 'if-none-match': '"1"', accept } })
  for (let i = 0; i < 2; i++) {
    const answer = await ask()
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), 'whole A')
  }
  assert.equal(heads.length, 3)
  // Nobody who was given a composed page has a tag for it: this is about a picture, or a script.
  assert.equal((await ask('image/png')).status, 304)
})

test('a fallback too large to keep, one without an end, and a tag with a fault become ordinary page', async (t) => {
  const large = 'x'.repeat(70_000)
  const html = `<body>${tag('large', `${large}${tag('inner')}`)}|<m:fragment service=parts imports="a as" ref=bad>bad ${tag('a')}</m:fragment>|<m:fragment service=parts ref=open>open ${tag('a')}</body>`
  const { url, lines } = await stage(t, (send) => send(page(html)), {
    plays: { a: { html: 'A' }, inner: { html: 'INNER' }, large: { html: 'no' }, open: { html: 'no' } },
  })
  assert.equal(await (await fetch(url)).text(), `<body>${large}INNER|bad A|open A</body>`)
  const dropped = lines.filter(({ msg }) => msg === 'part of a fragment dropped')
  assert.deepEqual(
    dropped.map(({ what, detail }) => [what, detail]),
    [
      ['fallback-too-large', 'its fallback has more than 65536 bytes (fragments.maxFallbackBytes)'],
      ['tag-syntax', dropped[1]!.detail],
      [
        'unclosed',
        'this fragment is never closed; write </m:fragment> behind its fallback, or end its tag in "/>"',
      ],
    ],
  )
})

test('a mistyped attribute of a tag is in the log once, with its place, however often the page is asked for', async (t) => {
  const html = `<p>\n${tag('a', 'A', ' requird')}${tag('b', 'B')}${tag('a', 'A', ' requird')}`
  const { url, lines } = await stage(t, (send) => send(page(html)), { plays: { a: 'failed', b: 'failed' } })
  for (let i = 0; i < 3; i++) await (await fetch(`${url}/cart`)).text()
  const told = lines.filter(({ msg }) => msg === 'fragment tag has a likely mistake')
  assert.deepEqual(
    told.map(({ what, place, detail }) => [what, place, detail]),
    [['tag-warning', '/cart:2:1', '"requird" means nothing; did you mean required?']],
  )
})

test('attributes that stand too late, or are none, are left out and logged', async (t) => {
  const script = (json: string) => `<script type="application/json" m:attributes>${json}</script>`
  const late =
    "the page's attributes stand behind a fragment tag; move the script before the first one, into the head"
  for (const [html, attributes, column, detail = undefined] of [
    [`${tag('a')}${script('{"x":1}')}`, {}, tag('a').length + 1, late],
    [`${script('[1]')}${tag('a')}`, {}, 1],
    [`${script('{"x":')}${tag('a')}`, {}, 1],
    [`${script('{"x":'.padEnd(500, '['))}${tag('a')}`, {}, 1],
    [`${script('{"x":1}')}${script('{"x":2}')}${tag('a')}`, { x: 1 }, script('{"x":1}').length + 1],
  ] as const) {
    const { url, resolver, lines } = await stage(t, (send) => send(page(html)), {
      plays: { a: { html: 'A' } },
    })
    assert.equal(await (await fetch(url)).text(), 'A')
    assert.deepEqual(resolver.pages[0]!.options.attributes, attributes)
    const dropped = lines.filter(({ msg }) => msg === 'part of a fragment dropped')
    assert.deepEqual(
      dropped.map(({ place }) => place),
      [`/:1:${column}`],
      html,
    )
    if (detail) assert.equal(dropped[0]!.detail, detail)
  }
})

test('fragments beyond the most a page may have show their fallbacks', async (t) => {
  const html = Array.from({ length: 1200 }, (_, i) => tag('a', `${i};`)).join('')
  const { url, resolver } = await stage(t, (send) => send(page(html)), { plays: { a: { html: 'A' } } })
  const expected = 'A'.repeat(1000) + Array.from({ length: 200 }, (_, i) => `${1000 + i};`).join('')
  assert.equal(await (await fetch(url)).text(), expected)
  assert.equal(resolver.pages[0]!.tags.length, 1000)
})

test('tags are read ahead up to the limit, the others when they are reached', async (t) => {
  const html = `${tag('first')}${'x'.repeat(300 * 1024)}${tag('late')}`
  const { port, resolver } = await stage(t, (send) => send(page(html)), {
    settings: { maxHeldBytes: 1024 * 1024 },
  })
  const client = rawClient(t, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('both are asked for', () => resolver.pages[0]?.asked.length === 2)
  assert.ok(resolver.pages[0]!.isClosed)
  resolver.pages[0]!.settle('first', { html: '1' })
  resolver.pages[0]!.settle('late', { html: '2' })
  await client.sees(/2\r\n0\r\n\r\n$/)
})

test('while a fragment is waited for, no more of a large page is read than may wait', async (t) => {
  let written = 0
  const piece = Buffer.alloc(64 * 1024, 'x')
  const { port } = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send(`${CHUNKED_HEAD}${chunk(tag('slow'))}`)
      const go = (): void => {
        if (written >= 64 * 1024 * 1024) {
          end.send('0\r\n\r\n')
          return
        }
        written += piece.length
        if (end.socket.write(chunk(piece))) setImmediate(go)
        else end.socket.once('drain', go)
      }
      go()
    }),
  )
  const resolver = handResolver()
  const rig = await startRig(t, {
    composer: handComposer(resolver),
    routes: [{ path: '/', instances: [instanceAt(port)] }],
  })
  const answer = fetch(rig.url)
  await until('it is asked for', () => resolver.pages[0]?.asked.length === 1)
  let before = -1
  await until('the service is held back', () => {
    const isStill = before === written
    before = written
    return isStill && written > 0
  })
  assert.ok(written < 24 * 1024 * 1024, `${written} bytes were taken`)
  resolver.pages[0]!.settle('slow', { html: 'S' })
  let bytes = 0
  for await (const part of (await answer).body!) bytes += part.length
  assert.equal(bytes, 64 * 1024 * 1024 + 1)
})

test('a required fragment that fails ends the page visibly', async (t) => {
  const { port, resolver, metrics } = await stage(t, (send) =>
    send(`${CHUNKED_HEAD}${chunk(`before${tag('a', 'fallback', ' required')}behind`)}`),
  )
  const client = rawClient(t, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('it is asked for', () => resolver.pages[0]?.asked.length === 1)
  resolver.pages[0]!.settle('a', 'timeout')
  const text = await client.closed()
  assert.match(text, /before[\s\S]*role="alert"/)
  assert.doesNotMatch(text, /fallback|behind|\r\n0\r\n\r\n$/)
  assert.match((await metrics.text()).body, /hydra_composed_pages_total\{outcome="broken"\} 1/)
})

test('a page that holds answers with the status of its required fragment’s failure', async (t) => {
  for (const [reason, status] of [
    ['timeout', 504],
    ['budget', 504],
    ['no-instance', 503],
    ['unknown-service', 503],
    ['closed', 503],
    ['overloaded', 503],
    ['failed', 502],
  ] as const) {
    const html = `before${tag('a', 'fallback', ' required')}${tag('b')}`
    const { url, resolver } = await stage(t, (send) =>
      send(page(html, ['Hydra-Compose: 1; hold', 'Set-Cookie: a=1'])),
    )
    const answer = fetch(url)
    await until('it is asked for', () => resolver.pages[0]?.asked.length === 2)
    resolver.pages[0]!.settle('a', reason)
    const {
      status: is,
      headers,
      ...given
    } = await answer.then(async (it) => ({
      status: it.status,
      headers: it.headers,
      text: await it.text(),
    }))
    assert.equal(is, status, reason)
    assert.match(given.text, new RegExp(`^INCOMPLETE HYDRA_\\w+ a of parts ${reason}$`))
    assert.equal(headers.get('set-cookie'), null)
    assert.ok(resolver.pages[0]!.isCancelled)
  }
})

test('a page that holds leaves once its required fragments are there, without the others', async (t) => {
  const html = `before${tag('b')}${tag('a', '', ' required')}${tag('c', tag('d', '', ' required'))}`
  const { port, resolver } = await stage(t, (send) => send(page(html, [])), { route: { hold: true } })
  const client = rawClient(t, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('all are asked for', () => resolver.pages[0]?.asked.length === 3)
  const [resolving] = resolver.pages as [HandResolver['pages'][number]]
  resolving.settle('a', { html: 'A' })
  resolving.settle('c', 'failed')
  assert.equal(client.text.includes('before'), false)
  resolving.settle('d', { html: 'D' })
  await client.sees('before')
  assert.match(
    client.text,
    /Server-Timing: fragment-parts\.a;dur=1\.50, fragment-parts\.c;dur=1\.50;desc="failed"/,
  )
  resolving.settle('b', { html: 'B' })
  await client.sees(/B[\s\S]*A[\s\S]*D[\s\S]*0\r\n\r\n$/)
})

test('a page that holds and breaks is asked for at another instance', async (t) => {
  const { port: bad } = await rawServer(t, (end) =>
    onHead(end, () => {
      end.send(`${CHUNKED_HEAD}${chunk('half')}`)
      setTimeout(() => end.socket.destroy(), 20)
    }),
  )
  const { port: good } = await rawServer(t, (end) => onHead(end, () => end.send(page('whole'))))
  const rig = await startRig(t, {
    composer: handComposer(handResolver()),
    routes: [{ path: '/', hold: true, instances: [instanceAt(bad), instanceAt(good)] }],
  })
  const answer = await fetch(rig.url)
  assert.equal(answer.status, 200)
  assert.equal(await answer.text(), 'whole')
})

test('scripts and styles of fragments stand in the head when they are known in time, else before their fragment, each once', async (t) => {
  const assets = {
    styles: ['a.css'],
    scripts: ['/app.js', 'https://cdn.example/m.mjs', 'javascript:alert(1)', '../x.js'],
  }
  const html = `<html><head><title>t</title></head><body>${tag('a')}${tag('slow')}</body></html>`
  const { port, resolver } = await stage(t, (send) => send(page(html)), {
    plays: { a: { html: 'A', assets } },
  })
  const client = rawClient(t, port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
  await until('both are asked for', () => resolver.pages[0]?.asked.length === 2)
  resolver.pages[0]!.settle('slow', { html: 'SLOW', assets: { styles: ['a.css', 'b c.css'] } })
  const text = await client.closed()
  const own =
    '<link rel="stylesheet" href="/parts/a.css?v=2.0"><script defer src="/app.js"></script><script type="module" src="https://cdn.example/m.mjs"></script>'
  assert.ok(
    text.endsWith(
      `<html><head><title>t</title></head><body>${own}A<link rel="stylesheet" href="/parts/b%20c.css?v=2.0">SLOW</body></html>`,
    ),
    text,
  )
})

test('assets a service declared stand in the head, and the next visitor is told of them with the head', async (t) => {
  const provider = instanceAt(1, {
    service: 'parts',
    version: 3,
    refs: new Map([['a', { ref: 'a', attributes: [], assets: { styles: ['a.css'], scripts: ['a.js'] } }]]),
  })
  const html = `<html><head></head><body>${tag('a')}</body></html>`
  const { url } = await stage(t, (send) => send(page(html)), {
    plays: { a: { html: 'A' } },
    instances: [provider],
  })
  const first = await fetch(url)
  assert.equal(first.headers.get('link'), null)
  assert.equal(
    await first.text(),
    '<html><head><link rel="stylesheet" href="/parts/a.css?v=3"><script defer src="/parts/a.js?v=3"></script></head><body>A</body></html>',
  )
  assert.equal(
    (await fetch(url)).headers.get('link'),
    '</parts/a.css?v=3>; rel=preload; as=style, </parts/a.js?v=3>; rel=preload; as=script',
  )
})

test('a head has room for its hints, however long the addresses of a service are', async (t) => {
  const styles = ['a.css', ...Array.from({ length: 60 }, (_, i) => `${i}${'é'.repeat(300)}.css`)]
  const provider = instanceAt(1, {
    service: 'parts',
    refs: new Map([['a', { ref: 'a', attributes: [], assets: { styles } }]]),
  })
  const { url } = await stage(t, (send) => send(page(tag('a'))), {
    plays: { a: { html: 'A' } },
    instances: [provider],
  })
  await (await fetch(url)).text()
  const link = (await fetch(url)).headers.get('link') ?? ''
  assert.match(link, /^<\/parts\/a\.css/)
  assert.ok(link.length < 2200, `${link.length}`)
})

test('a developer sees where fragments stand, and the data at the end', async (t) => {
  const reports: string[] = []
  const xray = {
    before: ({ report }: { report: { id: string } }) => `<!--${report.id}-->`,
    after: ({ report }: { report: { id: string } }) => `<!--/${report.id}-->`,
    report: ({ ref }: { ref: string }) => void reports.push(ref),
    end: () => `<i>${reports.join()}</i>`,
  }
  const html = `<body>${tag('a')}${tag('b', 'fell')}</body>`
  const { url } = await stage(t, (send) => send(page(html)), {
    plays: { a: { html: 'A' }, b: 'failed' },
    xray,
  })
  const answer = await fetch(url)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(await answer.text(), '<body><!--f0-->A<!--/f0--><!--f1-->fell<!--/f1--><i>a,b</i></body>')
})

test('a page that was composed has one line in the access log, when the visitor has all of it', async (t) => {
  const { port, resolver, lines } = await stage(t, (send) => send(page(`x${tag('a')}`)))
  const client = rawClient(t, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await until('it is asked for', () => resolver.pages[0]?.asked.length === 1)
  const ended = () => lines.filter(({ msg, path }) => path === '/' && msg === 'exchange')
  assert.equal(ended().length, 0)
  resolver.pages[0]!.settle('a', { html: 'A' })
  await client.sees(/0\r\n\r\n$/)
  await until('a line', () => ended().length === 1)
  assert.equal(ended()[0]!.status, 200)
})

test('a page over HTTP/2 is composed as it is over HTTP/1.1', async (t) => {
  const { port } = await rawServer(t, (end) =>
    onHead(end, (head) =>
      end.send(page(`${/ \/\S*/.exec(head)![0]} ${'z'.repeat(200_000)}${tag('a')}${tag('b', 'fell')}`)),
    ),
  )
  const resolver = handResolver(({ ref }) => (ref === 'b' ? 'failed' : undefined))
  const certificates = createCertificates({
    sources: [{ cert: TLS_CERT, key: TLS_KEY }],
    log: createLog('silent'),
    clock: systemClock,
  })
  t.after(certificates.close)
  const rig = await startRig(t, {
    certificates,
    composer: handComposer(resolver),
    routes: [{ path: '/**', instances: [instanceAt(port)] }],
  })
  const session = connectHttp2(`https://localhost:${rig.port}`, { rejectUnauthorized: false })
  t.after(() => session.destroy())
  const streams = ['/1', '/2', '/3'].map((path) => session.request({ ':path': path }))
  const texts = Promise.all(streams.map((stream) => text(stream)))
  await until(
    'all are asked for',
    () => resolver.pages.length === 3 && resolver.pages.every(({ asked }) => asked.length === 2),
  )
  for (const each of resolver.pages) each.settle('a', { html: 'A' })
  for (const [i, got] of (await texts).entries()) assert.equal(got, ` /${i + 1} ${'z'.repeat(200_000)}Afell`)
  const leaving = session.request({ ':path': '/4' })
  leaving.on('error', () => {})
  await until('it is asked for', () => resolver.pages[3]?.asked.length === 2)
  leaving.close(constants.NGHTTP2_CANCEL)
  await until('it is cancelled', () => resolver.pages[3]!.isCancelled)
})

test('tags beyond the most of a page need no memory while the page waits', async (t) => {
  const surplus = Buffer.from(
    `<m:fragment ref="b">${'<m:fragment ref="c"/>'.repeat(10)}.</m:fragment>`.repeat(100),
  )
  const { url, resolver } = await stage(
    t,
    (send) => {
      send(CHUNKED_HEAD)
      send(chunk(tag('a')))
      for (let i = 0; i < 100; i++) send(chunk(surplus))
      send('0\r\n\r\n')
    },
    { settings: { maxPerPage: 1, maxHeldBytes: 2 ** 30 } },
  )
  const before = getHeapStatistics().used_heap_size
  const answer = fetch(url)
  await until('the page is read', () => resolver.pages[0]?.isClosed === true)
  assert.ok(getHeapStatistics().used_heap_size - before < 60 * 2 ** 20)
  resolver.pages[0]!.settle('a', { html: 'A' })
  assert.equal(await (await answer).text(), `A${'.'.repeat(10_000)}`)
  assert.equal(resolver.pages[0]!.tags.length, 1)
})
