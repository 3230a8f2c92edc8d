import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { eventually } from '../../support/eventually.ts'
import { type Asked, CHUNKED, chunk, pageBytes, startPages, startParts, startSite, tag } from './site.ts'

const whole = (...refs: string[]) => Object.fromEntries(refs.map((ref) => [ref, `<b>${ref}</b>`]))

/** Renders what it knows, and answers 500 to the rest. */
const renderer =
  (htmls: Record<string, string>) =>
  ({ ref, render, response }: Asked): void => {
    const html = htmls[ref]
    if (html !== undefined) render(html)
    else {
      response.statusCode = 500
      response.end()
    }
  }

test('a page of raw bytes is the same however it is cut, with data that flows from one fragment to the next', async (t) => {
  const html = Buffer.from(
    '<!doctype html><html><head><title>é</title><script type="application/json" m:attributes>{"user":{"zip":"1000"}}</script></head>' +
      `<body>${tag('form', 'imports="user.zip" exports="city as place"', 'no form')}|${tag('map', 'imports="place"', `no map ${tag('hint', '', 'no hint')}`)}` +
      `|${tag('gone', '', `instead ${tag('hint')}`)}</body></html>`,
  )
  const parts = await startParts(t, ({ ref, values, render, response }) => {
    if (ref === 'form') render(`form ${values.zip} $& $1`, { exports: { city: 'Brussel', secret: 1 } })
    else if (ref === 'map') render(`map of ${values.place}`)
    else if (ref === 'hint') render('a hint')
    else response.writeHead(500).end()
  })
  const { url: pages } = await startPages(t, ({ path, socket }) => {
    const at = Number(path.slice(1))
    socket.write(CHUNKED)
    for (const piece of [html.subarray(0, at), html.subarray(at)])
      if (piece.length > 0) socket.write(chunk(piece))
    socket.write('0\r\n\r\n')
  })
  const { url } = await startSite(t, { pages, parts: parts.url, refs: ['form', 'map', 'hint', 'gone'] })
  const expected =
    '<!doctype html><html><head><title>é</title></head><body>form 1000 $& $1|map of Brussel|instead a hint</body></html>'
  for (let at = 0; at < html.length; at += 7)
    assert.equal(await (await fetch(`${url}/${at}`)).text(), expected, `${at}`)
})

test('the head and the page so far are there before a slow fragment is', async (t) => {
  const parts = await startParts(t, () => {})
  const { url: pages } = await startPages(t, ({ socket }) =>
    socket.write(pageBytes(`<head><title>t</title></head>before${tag('slow')}behind`)),
  )
  const { url } = await startSite(t, { pages, parts: parts.url, refs: ['slow'] })
  const answer = await fetch(url)
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  assert.match((await reader.read()).value!, /before$/)
  await eventually(() => assert.equal(parts.asked.length, 1))
  parts.asked[0]!.render('SLOW')
  let rest = ''
  for (let read = await reader.read(); !read.done; read = await reader.read()) rest += read.value
  assert.equal(rest, 'SLOWbehind')
})

test('a fragment that never answers shows its fallback when its time is over', async (t) => {
  const parts = await startParts(t, () => {})
  const { url: pages } = await startPages(t, ({ socket }) =>
    socket.write(pageBytes(`${tag('a', 'timeout="100"', 'own limit')} ${tag('b', '', 'budget')}`)),
  )
  const { url } = await startSite(t, {
    pages,
    parts: parts.url,
    refs: ['a', 'b'],
    config: { fragments: { pageBudget: 400 } },
  })
  assert.equal(await (await fetch(url)).text(), 'own limit budget')
  await eventually(() => assert.ok(parts.asked.every(({ isGone }) => isGone)))
})

test('two fragments that export one name, and fragments that wait for each other, show their fallbacks', async (t) => {
  const parts = await startParts(t, ({ ref, render }) => render(ref, { exports: { x: 1, y: 2 } }))
  const html = `${tag('a', 'exports="x"')}${tag('b', 'exports="x"', 'conflict')}|${tag('c', 'imports="q" exports="x as p"', 'c')}${tag('d', 'imports="p" exports="y as q"', 'd')}|${tag('e')}`
  const { url: pages } = await startPages(t, ({ socket }) => socket.write(pageBytes(html)))
  const { url } = await startSite(t, { pages, parts: parts.url, refs: ['a', 'b', 'c', 'd', 'e'] })
  assert.equal(await (await fetch(url)).text(), 'aconflict|cd|e')
})

test('a thousand tags on one page are all rendered', async (t) => {
  const parts = await startParts(t, ({ ref, render }) => render(ref))
  const html = Array.from(
    { length: 1000 },
    (_, i) => `${i}:${tag(i % 2 ? 'odd' : 'even', '', 'fell')}\n`,
  ).join('')
  const { url: pages } = await startPages(t, ({ socket }) => socket.write(pageBytes(html)))
  const { url } = await startSite(t, {
    pages,
    parts: parts.url,
    refs: ['odd', 'even'],
    config: { http: { maxQueuedPerInstance: 2000 } },
  })
  const expected = Array.from({ length: 1000 }, (_, i) => `${i}:${i % 2 ? 'odd' : 'even'}\n`).join('')
  assert.equal(await (await fetch(url)).text(), expected)
})

test('a page of 64 MB passes whole, and no more of it is held than may be', async (t) => {
  const parts = await startParts(t, () => {})
  const piece = Buffer.from('lorem ipsum <p class="x">dolor</p> '.repeat(1900))
  const pieces = Math.ceil((64 * 1024 * 1024) / piece.length)
  let sent = 0
  const { url: pages } = await startPages(t, ({ socket }) => {
    socket.write(CHUNKED)
    socket.write(chunk(tag('slow')))
    const go = (): void => {
      while (sent < pieces) {
        sent++
        if (!socket.write(chunk(piece))) {
          socket.once('drain', go)
          return
        }
      }
      socket.write('0\r\n\r\n')
    }
    go()
  })
  const { url } = await startSite(t, { pages, parts: parts.url, refs: ['slow'] })
  const answer = fetch(url)
  await eventually(() => assert.equal(parts.asked.length, 1))
  let before = -1
  await eventually(() => {
    const now = sent
    const isStill = now === before
    before = now
    assert.ok(isStill && now > 1)
  })
  assert.ok(sent * piece.length < 32 * 1024 * 1024, `${sent} pieces were taken`)
  parts.asked[0]!.render('!')
  let bytes = 0
  for await (const part of (await answer).body!) bytes += part.length
  assert.equal(bytes, pieces * piece.length + 1)
})

test('a browser that leaves has the fragments cancelled at their services', async (t) => {
  const parts = await startParts(t, () => {})
  const { url: pages } = await startPages(t, ({ socket }) =>
    socket.write(pageBytes(`x${tag('a')}${tag('b')}`)),
  )
  const { url, lines } = await startSite(t, { pages, parts: parts.url, refs: ['a', 'b'] })
  const leaving = new AbortController()
  await fetch(url, { signal: leaving.signal })
  await eventually(() => assert.equal(parts.asked.length, 2))
  leaving.abort()
  await eventually(() => assert.ok(parts.asked.every(({ isGone }) => isGone)))
  await eventually(() => assert.ok(lines.some(({ msg, aborted }) => msg === 'exchange' && aborted === true)))
})

test('a service that dies in the middle of its page has the answer cut, and its fragments cancelled', async (t) => {
  const parts = await startParts(t, () => {})
  const { url: pages, requests } = await startPages(t, ({ socket }) =>
    socket.write(`${CHUNKED}${chunk(`x${tag('a')}`)}`),
  )
  const { url } = await startSite(t, { pages, parts: parts.url, refs: ['a'] })
  const answer = await fetch(url)
  await eventually(() => assert.equal(parts.asked.length, 1))
  requests[0]!.socket.destroy()
  await assert.rejects(answer.text())
  await eventually(() => assert.ok(parts.asked[0]!.isGone))
})

test('a compressed page is composed, and compressed again', async (t) => {
  const parts = await startParts(t, renderer(whole('a')))
  const text = randomBytes(2000).toString('hex')
  const { url: pages } = await startPages(t, ({ socket }) =>
    socket.write(pageBytes(gzipSync(`${text}${tag('a')}`), 'Hydra-Compose: 1', 'Content-Encoding: gzip')),
  )
  const { url } = await startSite(t, { pages, parts: parts.url, refs: ['a'] })
  const answer = await fetch(url)
  assert.ok(answer.headers.get('content-encoding'))
  assert.equal(await answer.text(), `${text}<b>a</b>`)
})

test('requests that are sent ahead get their own pages, in order', async (t) => {
  const waiting: Asked[] = []
  const parts = await startParts(t, (asked) => void waiting.push(asked))
  const { url: pages } = await startPages(t, ({ path, socket }) =>
    socket.write(pageBytes(`[${path} ${tag('a')}]`)),
  )
  const { port } = await startSite(t, { pages, parts: parts.url, refs: ['a'] })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  let text = ''
  socket.on('data', (bytes) => {
    text += bytes.toString()
  })
  socket.write(['/1', '/2', '/3'].map((path) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`).join(''))
  for (let i = 0; i < 3; i++) {
    await eventually(() => assert.equal(waiting.length, i + 1))
    waiting[i]!.render(`#${i + 1}`)
  }
  await eventually(() =>
    assert.match(
      text,
      /\[\/1 [\s\S]*#1[\s\S]*\][\s\S]*\[\/2 [\s\S]*#2[\s\S]*\][\s\S]*\[\/3 [\s\S]*#3[\s\S]*\]\r\n0\r\n\r\n$/,
    ),
  )
  assert.equal(text.match(/HTTP\/1.1 200/g)!.length, 3)
})

test('a route that holds answers 502, 503 or 504 when its required fragment fails, the fallback of the route where it has one', async (t) => {
  const parts = await startParts(t, (asked) => {
    if (asked.ref === 'fails') renderer({})(asked)
  })
  const { url: pages } = await startPages(t, ({ path, socket }) =>
    socket.write(
      pageBytes(`<p>${tag(path.slice(1), 'required timeout="150"', 'never shown')}`, 'Set-Cookie: secret=1'),
    ),
  )
  const { url, lines } = await startSite(t, {
    pages,
    parts: parts.url,
    refs: ['fails', 'hangs'],
    route: { hold: true, fallback: '<h1>Later</h1>' },
  })
  const ask = (path: string, accept: string) => fetch(url + path, { headers: { accept } })
  for (const [path, status] of [
    ['/fails', 502],
    ['/hangs', 504],
  ] as const) {
    const answer = await ask(path, 'application/json')
    assert.equal(answer.status, status)
    assert.equal(answer.headers.get('set-cookie'), null)
    const said = (await answer.json()) as { status: number; detail: string }
    assert.equal(said.status, status)
    assert.ok(said.detail.includes(`without the fragment ${path.slice(1)} of parts`), said.detail)
  }
  await parts.close()
  const answer = await ask('/fails', 'text/html')
  assert.equal(answer.status, 503)
  assert.equal(await answer.text(), '<h1>Later</h1>')
  assert.equal(
    lines.filter(({ msg }) => msg === 'exchange').every(({ status }) => Number(status) >= 502),
    true,
  )
})

test('nothing of a fragment’s answer but its HTML reaches the page, and a page is private', async (t) => {
  const parts = await startParts(t, ({ render, response }) => {
    response.setHeader('set-cookie', 'fragment=1')
    response.setHeader('content-security-policy', "default-src 'none'")
    response.setHeader('cache-control', 'public, max-age=100')
    render('A')
  })
  const { url: pages } = await startPages(t, ({ socket }) =>
    socket.write(pageBytes(tag('a'), 'Hydra-Compose: 1', 'Cache-Control: public, max-age=5', 'ETag: "1"')),
  )
  const { url } = await startSite(t, { pages, parts: parts.url, refs: ['a'] })
  const { headers } = await fetch(url)
  assert.equal(headers.get('set-cookie'), null)
  assert.equal(headers.get('content-security-policy'), null)
  assert.equal(headers.get('etag'), null)
  assert.equal(headers.get('cache-control'), 'private, max-age=5')
})

test('a fragment of a page on its way does not change when its service comes back, the next page has it', async (t) => {
  const parts = await startParts(t, renderer(whole('a')))
  const { url: pages } = await startPages(t, ({ socket }) =>
    socket.write(pageBytes(`<p>${tag('a', '', 'away')}</p>`)),
  )
  const { url } = await startSite(t, { pages, parts: parts.url, refs: ['a'] })
  assert.equal(await (await fetch(url)).text(), '<p><b>a</b></p>')
  await parts.close()
  assert.equal(await (await fetch(url)).text(), '<p>away</p>')
})
