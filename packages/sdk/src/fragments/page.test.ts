import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import { FragmentError } from '@hydra-gateway/protocol/fragments'
import { readLogin } from '../identity/login.ts'
import type { PageBinding } from './binding.ts'
import { fragment } from './fragment.ts'
import { type Page, page } from './page.ts'
import { bindingOf, createHandMadeGateway } from './testing/hand-made-gateway.ts'

function boundPage(html: string, binding: ReturnType<typeof bindingOf>, options = {}) {
  const made = page(html, options)
  made.compile(binding)
  made.bind(binding)
  return made
}

async function piecesOf(pieces: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const piece of pieces) all.push(piece)
  return all
}

const deferred = <Value>() => {
  let resolve!: (value: Value) => void
  const promise = new Promise<Value>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

const HEAD = '<!doctype html><html><head><title>Can</title></head><body>'

test('a page is usable with neither service nor gateway: every fragment shows its fallback', async () => {
  const product = page(
    `${HEAD}<m:fragment service="stock" ref="left">ask <b>us</b></m:fragment></body></html>`,
  )
  assert.equal(await product.render().text(), `${HEAD}ask <b>us</b></body></html>`)
})

test('what stands before a fragment that is not there yet leaves at once, and the rest in the order of the document', async () => {
  const gates = { slow: deferred<void>(), fast: deferred<void>() }
  const gateway = createHandMadeGateway(async ({ ref }) => {
    await gates[ref as 'slow'].promise
    return { renderedHTML: `<i>${ref}</i>` }
  })
  const product = boundPage(
    `${HEAD}a<m:fragment service="x" ref="slow"/>b<m:fragment service="x" ref="fast"/>c</body></html>`,
    bindingOf(gateway),
  )
  const pieces = product.render()[Symbol.asyncIterator]()
  assert.equal((await pieces.next()).value, `${HEAD}a`)
  gates.fast.resolve()
  gates.slow.resolve()
  const rest: string[] = []
  for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) rest.push(piece.value)
  assert.equal(rest.join(''), '<i>slow</i>b<i>fast</i>c</body></html>')
  assert.equal(gateway.questions.length, 1)
})

test('fragments of others are asked for in one question, with what they import and nothing else', async () => {
  const gateway = createHandMadeGateway(({ ref, values }) => ({
    renderedHTML: JSON.stringify(values),
    exports: { total: `${ref} total` },
  }))
  const product = boundPage(
    '<m:fragment service="cart" ref="sum" imports="sku, user.zip" exports="total as price"/>' +
      '<m:fragment service="tax" ref="vat" imports="price as net"/>' +
      `<m:fragment service="\${who}" ref="r-\${id}" timeout="1s"/>`,
    bindingOf(gateway),
  )
  const text = await product.render({ sku: 'a', user: { zip: 1 }, secret: true, who: 'tax', id: 7 }).text()
  assert.equal(text, '{"sku":"a","zip":1}{"net":"sum total"}{}')
  assert.equal(gateway.questions.length, 1)
  const [{ attributes, requests, service }] = gateway.questions as any
  assert.deepEqual(attributes, { sku: 'a', user: { zip: 1 } })
  assert.equal(service, 'shop')
  assert.deepEqual(requests.cart, [
    {
      id: 'f0',
      ref: 'sum',
      imports: ['sku', 'user.zip'],
      exports: ['total as price'],
      timeoutMs: requests.cart[0].timeoutMs,
    },
  ])
  assert.equal(requests.tax[1].ref, 'r-7')
  assert.ok(requests.tax[1].timeoutMs <= 1000 && requests.cart[0].timeoutMs <= 3000)
})

test('own fragments never leave the process; those that need them follow in a question of their own', async () => {
  const gateway = createHandMadeGateway(({ values }) => ({ renderedHTML: JSON.stringify(values) }))
  const price = fragment('price', { imports: ['sku'], exports: ['amount'] }, ({ imports }) => ({
    html: `<b>${imports.sku}</b>`,
    exports: { amount: 38 },
  }))
  const product = boundPage(
    '<m:fragment ref="price" imports="sku" exports="amount"/><m:fragment service="shop" ref="price" imports="sku"/>' +
      '<m:fragment service="tax" ref="vat" imports="amount"/><m:fragment service="stock" ref="left"/>',
    bindingOf(gateway, [price]),
  )
  assert.equal(await product.render({ sku: 'can' }).text(), '<b>can</b><b>can</b>{"amount":38}{}')
  assert.deepEqual(
    gateway.questions.map(({ requests }) => Object.keys(requests)),
    [['stock'], ['tax']],
  )
})

test('a question the gateway does not take is told as such', async () => {
  for (const [problem, reason] of [
    ['HYDRA_TOO_LARGE', 'too-large'],
    ['HYDRA_OVERLOADED', 'overloaded'],
    [undefined, 'closed'],
  ] as const) {
    const gateway = createHandMadeGateway(() => new Promise(() => {}))
    const product = boundPage('<m:fragment service="x" ref="a" required>?</m:fragment>', bindingOf(gateway))
    const text = product.render().text()
    while (gateway.questions.length === 0) await new Promise(setImmediate)
    gateway.lose(problem)
    await assert.rejects(text, { reason })
  }
})

test('a line that is lost in the middle shows the fallbacks of what is not there yet', async () => {
  const gateway = createHandMadeGateway(({ ref }) =>
    ref === 'there' ? { renderedHTML: 'there' } : new Promise(() => {}),
  )
  const binding = bindingOf(gateway)
  const product = boundPage(
    '<m:fragment service="x" ref="there"/>|<m:fragment service="x" ref="never" exports="n">gone</m:fragment>|<m:fragment service="x" ref="after" imports="n">too</m:fragment>',
    binding,
  )
  const rendering = product.render()
  const pieces = rendering[Symbol.asyncIterator]()
  assert.equal((await pieces.next()).value, 'there|')
  gateway.lose()
  const rest: string[] = []
  for (let piece = await pieces.next(); !piece.done; piece = await pieces.next()) rest.push(piece.value)
  assert.equal(rest.join(''), 'gone|too')
  assert.match(binding.lines.join('\n'), /no answer for 2 fragments/)
})

test('what takes longer than its limit, or than the page has, shows its fallback and is given up', async () => {
  const gateway = createHandMadeGateway(() => new Promise(() => {}))
  let wasAborted = false
  const own = fragment('own', ({ signal }) => {
    signal.addEventListener('abort', () => {
      wasAborted = true
    })
    return new Promise(() => {})
  })
  const product = boundPage(
    '<m:fragment service="x" ref="a">A</m:fragment><m:fragment ref="own" timeout="20">B</m:fragment>',
    bindingOf(gateway, [own]),
    { budgetMs: 60 },
  )
  assert.equal(await product.render().text(), 'AB')
  assert.equal(gateway.cancelled, 1)
  assert.ok(wasAborted)
})

test('without a required fragment there is no page: a text rejects, a held one is nothing, a stream ends visibly', async () => {
  const gateway = createHandMadeGateway(({ ref }) =>
    ref === 'buy' ? { renderedHTML: null, reason: 'timeout' } : { renderedHTML: ref },
  )
  const html = `${HEAD}<m:fragment service="x" ref="ok"/><m:fragment service="cart" ref="buy" required>no</m:fragment></body></html>`
  const product = boundPage(html, bindingOf(gateway))
  const expected = {
    name: 'FragmentRequiredError',
    status: 504,
    service: 'cart',
    ref: 'buy',
    reason: 'timeout',
  }
  await assert.rejects(product.render().text(), expected)

  const held = product.render({}, undefined, { hold: true })[Symbol.asyncIterator]()
  await assert.rejects(held.next(), expected)

  const seen: string[] = []
  await assert.rejects(async () => {
    for await (const piece of product.render()) seen.push(piece)
  }, expected)
  assert.match(seen.join(''), /^<!doctype html>.*<body>ok<div role="alert"/s)
  assert.ok(!seen.join('').includes('</html>'))
})

test('a required fragment inside of a fallback counts when that is shown', async () => {
  const html =
    '<m:fragment service="x" ref="a"><m:fragment service="x" ref="b" required>no</m:fragment></m:fragment>'
  const shows = (refs: readonly string[]) =>
    boundPage(
      html,
      bindingOf(createHandMadeGateway(({ ref }) => ({ renderedHTML: refs.includes(ref) ? ref : null }))),
    )
      .render({}, undefined, { hold: true })
      .text()
  assert.equal(await shows(['a']), 'a')
  assert.equal(await shows(['b']), 'b')
  await assert.rejects(shows([]), { status: 502 })
})

test('assets stand in the head once, or before their fragment when the head has left', async () => {
  const gateway = createHandMadeGateway(({ ref }) => ({
    renderedHTML: `<i>${ref}</i>`,
    service: 'x',
    version: '1.2',
    assets: { styles: ['x.css'], scripts: [`${ref}.js`] },
  }))
  const own = fragment('own', { assets: { styles: ['own.css'] } }, () => 'own')
  let overview: Overview | undefined
  const binding = bindingOf(gateway, [own], { version: 3, overview: () => overview })
  const product = boundPage(
    `${HEAD}<m:fragment service="x" ref="a"/><m:fragment ref="own"/><m:fragment service="x" ref="b"/></body></html>`,
    binding,
  )
  const tags = (ref: string) => `<script defer src="/x/${ref}.js?v=1.2"></script>`
  const x = '<link rel="stylesheet" href="/x/x.css?v=1.2">'
  const shop = '<link rel="stylesheet" href="/shop/own.css?v=3">'
  const hoisted = `<!doctype html><html><head><title>Can</title>${x}${tags('a')}${shop}${tags('b')}</head><body><i>a</i>own<i>b</i></body></html>`
  assert.equal(
    (await piecesOf(product.render())).join(''),
    `<!doctype html><html><head><title>Can</title>${shop}</head><body>${x}${tags('a')}<i>a</i>own${tags('b')}<i>b</i></body></html>`,
  )
  // The gateway said what others bring along.
  const fragmentAssets = ['a', 'b'].map((ref) => ({
    ref,
    version: '1.2',
    assets: { styles: ['x.css'], scripts: [`${ref}.js`] },
  }))
  const about = {
    serviceName: 'x',
    state: 'available' as const,
    available: true,
    endpoints: [],
    instances: [],
  }
  overview = {
    type: 'ACTIVE_SERVERS_UPDATE',
    hash: '1',
    services: [{ ...about, fragmentAssets }],
    menus: {},
    publicKey: null,
    roleMappings: {},
  }
  assert.equal((await piecesOf(product.render())).join(''), hoisted)
  assert.equal(await product.render().text(), hoisted)
})

test('X-ray: fragments are marked and the page ends with what is known of them, for those who may see it only', async () => {
  const payload = Buffer.from('{"x":1}').toString('base64url')
  const request = { headers: { 'hydra-context': `v1.someone.${payload}.mac` } }
  const reported = (id: string) => ({
    id,
    service: 'x',
    ref: 'a',
    wave: 1,
    startMs: 1,
    durationMs: 2,
    bytes: 1,
    imports: [],
    exports: [],
  })
  const html = `${HEAD}<m:fragment service="x" ref="a"/><m:fragment ref="none">fall</m:fragment></body></html>`
  const trusted = createHandMadeGateway(({ id }) => ({ renderedHTML: 'A', report: reported(id) }))
  const text = await boundPage(html, bindingOf(trusted)).render({}, request).text()
  assert.match(
    text,
    /<body><!--hydra:fragment f0-->A<!--\/hydra:fragment f0--><!--hydra:fragment f1-->fall<!--\/hydra:fragment f1--><script type="application\/json" id="hydra-xray">(.*)<\/script><script src="\/_hydra\/xray.js" defer><\/script><\/body>/,
  )
  const data = JSON.parse(/id="hydra-xray">(.*?)<\/script>/.exec(text)![1]!)
  assert.equal(data.service, 'shop')
  assert.deepEqual(
    data.fragments.map(({ id, service, reason, via }: any) => [id, service, reason, via]),
    [
      ['f0', 'x', undefined, undefined],
      ['f1', 'shop', 'unknown-ref', 'self'],
    ],
  )
  assert.equal(trusted.questions[0]?.context?.xray, true)
  const ordinary = await boundPage(html, bindingOf(trusted)).render({}, { headers: {} }).text()
  assert.ok(!ordinary.includes('hydra'))
  const unbelieved = createHandMadeGateway(() => ({ renderedHTML: 'A' }))
  assert.ok(!(await boundPage(html, bindingOf(unbelieved)).render({}, request).text()).includes('script'))
})

test('what is kept of a visitor comes back with the next page, per service', async () => {
  const seen: unknown[] = []
  const gateway = createHandMadeGateway(({ session }) => {
    seen.push(session)
    return { renderedHTML: 'n', session: { n: ((session as any)?.n ?? 0) + 1 } }
  })
  const own = fragment('own', ({ session }) => ({
    html: `${session ?? 0}`,
    session: ((session as number) ?? 0) + 1,
  }))
  const binding = bindingOf(gateway, [own])
  const product = boundPage('<m:fragment service="x" ref="a"/><m:fragment ref="own"/>', binding)
  const from = (visitor: string) => ({ headers: { 'hydra-context': `v1.${visitor}.e30.mac` } })
  assert.equal(await product.render({}, from('ann')).text(), 'n0')
  assert.equal(await product.render({}, from('ann')).text(), 'n1')
  assert.equal(await product.render({}, from('bob')).text(), 'n0')
  assert.equal(await product.render({}).text(), 'n0')
  assert.deepEqual(seen, [undefined, { n: 1 }, undefined, undefined])
  assert.equal(binding.lines.filter((line) => line.includes('affinity: true')).length, 1)
})

test('a store of sessions is loaded before the first question and saved with what changed; its failure costs only them', async () => {
  const gateway = createHandMadeGateway(({ session }) => ({
    renderedHTML: JSON.stringify(session ?? null),
    session: 2,
  }))
  const saved: unknown[] = []
  const request = { headers: {}, session: { x: 1, y: 'other' } }
  const sessions = {
    load: (given: unknown) => (given as typeof request).session,
    save: (given: unknown, all: unknown) => void saved.push([given === request, all]),
  }
  const html = '<m:fragment service="x" ref="a"/>'
  assert.equal(
    await boundPage(html, bindingOf(gateway, [], { sessions }))
      .render({}, request)
      .text(),
    '1',
  )
  assert.deepEqual(saved, [[true, { x: 2, y: 'other' }]])
  const failing = bindingOf(gateway, [], {
    sessions: {
      load: () => Promise.reject(new Error('the store is away')),
      save: () => {
        throw new Error('still away')
      },
    },
  })
  assert.equal(await boundPage(html, failing).render({}, request).text(), 'null')
  assert.match(
    failing.lines.join('\n'),
    /could not be loaded: the store is away[\s\S]*could not be saved: still away/,
  )
})

test('a page that nobody waits for any more gives up its fragments', async () => {
  const gateway = createHandMadeGateway(() => new Promise(() => {}))
  const product = boundPage('<p>a</p><m:fragment service="x" ref="a"/>', bindingOf(gateway))
  const aborter = new AbortController()
  const rendering = product.render({}, undefined, { signal: aborter.signal })
  const pieces = rendering[Symbol.asyncIterator]()
  await pieces.next()
  const next = pieces.next()
  while (gateway.questions.length === 0) await new Promise(setImmediate)
  aborter.abort()
  await assert.rejects(next, { name: 'AbortError' })
  assert.equal(gateway.cancelled, 1)
  await assert.rejects(product.render({}, undefined, { signal: aborter.signal }).text(), {
    name: 'AbortError',
  })
})

test('a page with a fault keeps its service from starting, and says where', () => {
  const binding = bindingOf(undefined)
  const faulty = page(
    '<m:fragment service="a" ref="x" exports="t"/><m:fragment service="b" ref="y" exports="t"/>',
    {
      name: 'product.html',
    },
  )
  assert.throws(() => faulty.compile(binding), { name: 'FragmentExportConflict', message: /product\.html/ })
  assert.throws(
    () =>
      page('<m:fragment service="a" ref="x" imports="nobody"/>', { attributes: ['sku'] }).compile(binding),
    {
      name: 'FragmentUnknownImport',
    },
  )
  const local = fragment('x', { attributes: ['sku'] }, () => '')
  assert.throws(() => page('<m:fragment ref="x" imports="sku"/>').compile(bindingOf(undefined, [local])), {
    name: 'FragmentImportConflict',
  })
  assert.throws(() => page('product.html'), /page\(\{ file: "product.html" \}\)/)
  assert.throws(() => page('<p>', { atributes: [] } as never), /did you mean "attributes"/)
  assert.throws(() => page({ file: 'nowhere.html' }).compile(binding), /nowhere\.html can't be read/)
})

test('a page without a name is called by its number among those of its service, with the advice to name it', async () => {
  const broken = '<p>\n<m:fragment service="a" ref="x">'
  const says = (made: Page, number?: number) => {
    try {
      made.compile(bindingOf(undefined), number)
    } catch (fault) {
      return (fault as Error).message
    }
    return undefined
  }
  const sentence =
    'this fragment is never closed; write </m:fragment> behind its fallback, or end its tag in "/>"'
  assert.equal(
    says(page(broken), 2),
    `page 2, line 2, column 1: ${sentence} (it is number 2 of the option pages; give it one to read here: { name: 'product.html' })`,
  )
  assert.equal(says(page(broken, { name: 'a.html' }), 2), `a.html:2:1: ${sentence}`)
  const fine = page('<p>\n  <m:fragment service="a" ref="x"/>')
  fine.compile(bindingOf(undefined), 1)
  assert.deepEqual([fine.name, fine.uses()[0]!.place], ['page 1', 'page 1, line 2, column 3'])
  const views = page.dynamic()
  await assert.rejects(
    views.render(broken).text(),
    /^FragmentSyntaxError: the page, line 2, column 1: .*name/,
  )
})

test('an export with the name of an attribute of the page is found before anything is asked for', async () => {
  const gateway = createHandMadeGateway(() => ({ renderedHTML: '' }))
  const product = boundPage('<m:fragment service="a" ref="x" exports="sku"/>', bindingOf(gateway))
  await assert.rejects(product.render({ sku: 1 }).text(), (fault: unknown) => {
    assert.ok(fault instanceof FragmentError)
    assert.equal(fault.name, 'FragmentExportConflict')
    return true
  })
  assert.equal(gateway.questions.length, 0)
})

test('the page may say its attributes itself, and what render is given comes before it', async () => {
  const gateway = createHandMadeGateway(({ values }) => ({ renderedHTML: JSON.stringify(values) }))
  const html =
    '<script type="application/json" m:attributes>{"a":1,"b":1}</script><m:fragment service="x" ref="y" imports="a, b"/>'
  assert.equal(await boundPage(html, bindingOf(gateway)).render({ b: 2 }).text(), '{"a":1,"b":2}')
  assert.throws(
    () => boundPage('<script type="application/json" m:attributes>[1]</script>', bindingOf(gateway)),
    FragmentError,
  )
})

test('HTML that a template engine made for this request is a page as well; a fault in it rejects', async () => {
  const gateway = createHandMadeGateway(({ ref }) => ({ renderedHTML: `<i>${ref}</i>` }))
  const views = page.dynamic()
  views.compile(bindingOf(gateway))
  assert.equal(
    await views.render(`<p>$& {{x}} \${y}</p><m:fragment service="x" ref="$1"/>`).text(),
    `<p>$& {{x}} \${y}</p><i>$1</i>`,
  )
  await assert.rejects(views.render('<m:fragment service="x"/>').text(), { name: 'FragmentSyntaxError' })
})

test('a page is read from its file when it is compiled, and says which fragments it asks for', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'hydra-page-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'product.html')
  await writeFile(
    file,
    `<m:fragment service="x" ref="a" imports="sku as s" exports="total as t">\n<m:fragment service="y" ref="b"/></m:fragment><m:fragment ref="own"/><m:fragment service="\${s}" ref="c"/>`,
  )
  const product = page({ file })
  product.compile(bindingOf(undefined))
  assert.deepEqual(product.uses(), [
    { place: 'product.html:1:1', service: 'x', ref: 'a', imports: ['s'], exports: ['total'] },
    { place: 'product.html:2:1', service: 'y', ref: 'b', imports: [], exports: [] },
    { place: 'product.html:2:47', service: 'shop', ref: 'own', imports: [], exports: [] },
  ])
})

test('whom a page is for is read from any request there is', async () => {
  const gateway = createHandMadeGateway(() => ({ renderedHTML: '' }))
  const product = boundPage('<m:fragment service="x" ref="a"/>', bindingOf(gateway))
  const trace = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const headers = {
    'hydra-context': 'v1.ann.e30.mac',
    cookie: 'a=b; HYDRA-SSO=tok.en',
    'accept-language': 'en;q=0.8, nl-BE',
    traceparent: trace,
    'hydra-depth': '2',
  }
  const expected = { route: 'v1.ann.e30.mac', token: 'tok.en', locale: 'nl-BE', traceparent: trace, depth: 2 }
  const raw = new Request('http://shop/', { headers })
  for (const request of [{ headers }, raw, { raw }, { req: { raw } }]) {
    await product.render({}, request).text()
    assert.deepEqual(gateway.questions.pop()?.context, expected)
  }
  const odd = {
    'hydra-context': 'x',
    cookie: 'HYDRA-SSO=a b',
    'accept-language': '*',
    traceparent: 'x',
    'hydra-depth': '-1',
  }
  await product.render({}, { headers: odd }).text()
  assert.deepEqual(gateway.questions.pop()?.context, { depth: 0 })
  await assert.rejects(product.render({}, { url: '/' }).text(), TypeError)
})

test('a page asks in the name of its visitor as the service is told of them, and never in that of a fake one', async () => {
  const gateway = createHandMadeGateway(() => ({ renderedHTML: '' }))
  const headers = { cookie: 'HYDRA-SSO=shared', 'hydra-token': 'own.to.ken' }
  const asked = async (readToken: PageBinding['readToken']) => {
    const product = boundPage('<m:fragment service="x" ref="a"/>', bindingOf(gateway, [], { readToken }))
    await product.render({}, { headers }).text()
    return gateway.questions.pop()?.context?.token
  }
  assert.equal(await asked((header) => readLogin(header, 'cookie')), 'shared')
  assert.equal(await asked((header) => readLogin(header, 'header')), 'own.to.ken')
  assert.equal(await asked((header) => readLogin(header, 'none')), undefined)
  assert.equal(await asked(() => 'dev:xyz'), undefined)
  const seen: unknown[] = []
  const own = fragment('own', ({ user }) => `<i>${seen.push(user?.username)}`)
  const product = boundPage(
    '<m:fragment ref="own"/>',
    bindingOf(gateway, [own], { readToken: () => 'dev:xyz' }),
  )
  await product.render({}, { headers }).text()
  assert.deepEqual(seen, [undefined], 'nobody identifies here')
})

test('fragments that stand inside themselves, or too deep, show their fallbacks', async () => {
  const gateway = createHandMadeGateway(() => ({ renderedHTML: 'x' }))
  const product = boundPage('<m:fragment service="x" ref="a">deep</m:fragment>', bindingOf(gateway))
  assert.equal(await product.render({}, { headers: { 'hydra-depth': '16' } }).text(), 'deep')
  assert.equal(gateway.questions.length, 0)
})

test('a page that is given up half read keeps what was said, lets go of its signal, and is no fault', async () => {
  const saved: unknown[] = []
  const sessions = { load: () => ({}), save: (_request: unknown, kept: unknown) => void saved.push(kept) }
  const counter = fragment('counter', () => ({ html: '1', session: { count: 1 } }))
  const stuck = fragment('stuck', () => new Promise<string>(() => {}))
  const binding = bindingOf(undefined, [counter, stuck], { sessions })
  const product = boundPage('a<m:fragment ref="counter"/>b<m:fragment ref="stuck"/>', binding)
  const { signal } = new AbortController()
  const listeners = () => getEventListeners(signal, 'abort').length
  const begin = () => product.render({}, { headers: {} }, { signal })

  const unread = begin()
  assert.equal(listeners(), 0)
  unread.cancel()
  const reader = begin().stream().getReader()
  await reader.read()
  await reader.read()
  assert.equal(listeners(), 1)
  await reader.cancel()
  await new Promise(setImmediate)
  assert.equal(listeners(), 0)
  assert.deepEqual(saved, [{ shop: { count: 1 } }])
  assert.deepEqual(binding.lines, [])
})

test('what a visitor puts into the name of a fragment stays in its line of the log', async () => {
  const binding = bindingOf(undefined)
  const own = boundPage(`<m:fragment ref="\${q}">no</m:fragment>`, binding)
  const q = 'x\n\x1b[31mhydra: \u009bforged\u2028'
  assert.equal(await own.render({ q }).text(), 'no')
  const name = 'x\\u000a\\u001b[31mhydra: \\u009bforged\\u2028'
  assert.deepEqual(binding.lines, [
    `the page: fragment "${name}" is not shown: shop has no fragment "${name}"`,
  ])
  const required = boundPage(`<m:fragment service="\${q}" ref="x" required/>`, binding)
  await assert.rejects(required.render({ q }).text(), (fault: Error) => {
    assert.ok(fault.message.includes(`${name}#x`))
    return true
  })
})

test('a store that gives what is no JSON, or throws what is no text, costs a page nothing but that', async () => {
  const loop: Record<string, unknown> = {}
  loop.self = loop
  const saved: unknown[] = []
  const kept = { stock: loop, shop: { run() {} }, cart: { at: new Date(0) }, tax: () => {} }
  const sessions = { load: () => kept, save: (_request: unknown, all: object) => void saved.push(all) }
  const gateway = createHandMadeGateway(({ session }) => ({
    renderedHTML: JSON.stringify(session ?? 'none'),
  }))
  const own = fragment('own', ({ session }) => ({ html: JSON.stringify(session ?? 'none'), session: null }))
  const binding = bindingOf(gateway, [own], { sessions })
  const html =
    '<m:fragment ref="own"/><m:fragment service="stock" ref="a"/><m:fragment service="cart" ref="a"/>'
  const product = boundPage(html, binding)
  const text = await product.render({}, { headers: {} }).text()
  assert.equal(text, '{}"none"{"at":"1970-01-01T00:00:00.000Z"}')
  assert.deepEqual(
    binding.lines.map((line) => /^what (\w+) keeps/.exec(line)?.[1]),
    ['stock', 'tax'],
  )
  // What is forgotten is gone from the store.
  const { shop, ...others } = kept
  assert.deepEqual(saved, [others])

  const noText = Object.create(null)
  const failing = {
    load() {
      throw noText
    },
    save: () => Promise.reject(noText),
  }
  const angry = fragment('angry', () => Promise.reject(noText))
  const other = bindingOf(undefined, [own, angry], { sessions: failing })
  const page2 = boundPage('<m:fragment ref="own"/><m:fragment ref="angry">calm</m:fragment>', other)
  assert.equal(await page2.render({}, { headers: {} }).text(), '"none"calm')
  assert.deepEqual(other.lines, [
    'what services keep of a visitor could not be loaded: something that is no text',
    'fragment "angry" failed: something that is no text',
    'what services keep of a visitor could not be saved: something that is no text',
  ])
})

test('a budget no timer can keep is refused, where it is given', async () => {
  for (const budgetMs of [Number.POSITIVE_INFINITY, Number.NaN, 2 ** 31, 0, '3s' as never]) {
    assert.throws(() => page('a', { budgetMs }), /budgetMs must be a number of milliseconds/)
    const rendering = page('a').render({}, undefined, { budgetMs })
    await assert.rejects(rendering.text(), /budgetMs must be a number of milliseconds/)
  }
  assert.equal(
    await page('a', { budgetMs: 2 ** 31 - 1 })
      .render()
      .text(),
    'a',
  )
})

test('a request that is none is told as such, and headers that are no texts are as good as none', async () => {
  for (const request of [null, 'GET /', {}] as object[])
    await assert.rejects(page('a').render({}, request).text(), /the request of a page must have headers/)
  const headers = { cookie: null, 'accept-language': 3, 'hydra-context': ['v1'] }
  assert.equal(await page('a').render({}, { headers }).text(), 'a')
})

test('a page belongs to one service', () => {
  const product = page('a', { name: 'product.html' })
  const shop = bindingOf(undefined)
  product.compile(shop)
  product.bind(shop)
  assert.throws(
    () => product.compile(bindingOf(undefined, [], { service: 'outlet' })),
    /product\.html is a page of shop, so it can't be one of outlet as well/,
  )
  // The service was started anew.
  product.compile(bindingOf(undefined))
  assert.throws(() => page.dynamic('<p>a</p>' as never), /page\.dynamic is given its HTML in render/)
})

test('what is wrong with pages that are made anew for each request is said now and then, not for each', async () => {
  const binding = bindingOf(undefined)
  const made = page.dynamic({ name: 'product' })
  made.bind(binding)
  for (let sku = 0; sku < 10; sku++)
    assert.equal(await made.render(`<p>${sku}</p><m:fragment ref="nobody"/>`).text(), `<p>${sku}</p>`)
  assert.equal(binding.lines.filter((line) => line.includes('product:1:9')).length, 1)
})
