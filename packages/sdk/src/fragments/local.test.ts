import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withUsual } from '../identity/access.ts'
import type {
  FragmentDefinition,
  FragmentInput,
  FragmentOutput,
  Identify,
  LocalRequest,
  ResolveNested,
} from './definition.ts'
import { FragmentFailure } from './failure.ts'
import { fragment } from './fragment.ts'
import { createLocalFragments, type LocalDeps } from './local.ts'

function service(
  definitions: readonly FragmentDefinition[],
  more: { identify?: Identify; nested?: ResolveNested; accessOf?: LocalDeps['accessOf'] } = {},
) {
  const said: string[] = []
  const log = {
    info: () => {},
    warn: (text: string) => void said.push(text),
    error: (text: string) => void said.push(text),
  }
  const local = createLocalFragments({
    service: 'orders',
    definitions,
    identify: more.identify,
    ...(more.accessOf && { accessOf: more.accessOf }),
    log,
    nested: () => more.nested,
  })
  const render = (ref: string, request: Partial<LocalRequest> = {}) =>
    local.render({
      ref,
      values: {},
      session: undefined,
      context: {},
      signal: new AbortController().signal,
      ...request,
    })
  return { local, render, said }
}

const failing =
  (reason: string, message = /./) =>
  (fault: unknown) =>
    fault instanceof FragmentFailure && fault.reason === reason && message.test(fault.message)

test('a fragment gets what it declared of a page, and gives what it declared', async () => {
  const seen: FragmentInput[] = []
  const checkout = fragment(
    'checkout',
    { imports: ['sku', 'absent'], exports: ['total', 'unset'] },
    (input) => {
      seen.push(input)
      return { html: '<p>12 €</p>', exports: { total: 12, secret: 'x', unset: undefined } }
    },
  )
  const { render, said } = service([checkout])
  const values = { sku: { id: 7 }, password: 'of the page', ['__proto__']: 1 }
  const result = await render('checkout', { values, context: { locale: 'nl-BE' } })
  assert.deepEqual(result, { html: '<p>12 €</p>', exports: { total: 12 }, assets: undefined })
  assert.deepEqual(seen[0]?.imports, { sku: { id: 7 } })
  assert.equal(seen[0]?.locale, 'nl-BE')
  assert.equal(seen[0]?.user, undefined)
  assert.equal(seen[0]?.session, undefined)
  await render('checkout')
  assert.deepEqual(said, [
    'fragment "checkout": it returned the export "secret" without declaring it; name it in exports',
  ])
})

test('a fragment that declares no imports gets all the page gives, one that declares none gets nothing', async () => {
  const seen: object[] = []
  const see = ({ imports }: FragmentInput) => `${seen.push(imports)}`
  const { render } = service([fragment('open', see), fragment('closed', { imports: [] }, see)])
  const values = JSON.parse('{"a":1,"constructor":2,"__proto__":{"polluted":true}}')
  await render('open', { values })
  await render('closed', { values })
  assert.deepEqual<unknown>(seen, [{ a: 1, constructor: 2 }, {}])
  assert.equal(({} as { polluted?: boolean }).polluted, undefined)
})

/** Lists in lists. */
function nested(depth: number): unknown {
  return depth === 0 ? 'end' : [nested(depth - 1)]
}

test('exports, attributes and sessions cross as JSON; what is none is left out and said once', async () => {
  const loop: Record<string, unknown> = {}
  loop.self = loop
  const outputs: Record<string, Partial<FragmentOutput>> = {
    dates: { exports: { total: new Date(0), tax: { deep: [undefined] } }, session: { at: new Date(0) } },
    loops: { exports: { total: loop, tax: 1n as never }, session: loop },
    functions: { exports: { total: () => {} }, session: () => {} },
    deep: { exports: { total: nested(57), tax: nested(56) }, session: nested(57) },
    list: { exports: 'total' as never, assets: 'a.css' as never },
  }
  const { render, said } = service(
    Object.entries(outputs).map(([ref, output]) =>
      fragment(ref, { exports: ['total', 'tax'] }, () => ({ html: '', ...output })),
    ),
  )
  const at = '1970-01-01T00:00:00.000Z'
  assert.deepEqual(await render('dates'), {
    html: '',
    exports: { total: at, tax: { deep: [null] } },
    session: { at },
    assets: undefined,
  })
  const nothing = { html: '', exports: {}, assets: undefined }
  for (const ref of ['loops', 'functions']) assert.deepEqual(await render(ref), nothing)
  assert.deepEqual(await render('deep'), { ...nothing, exports: { tax: nested(56) } })
  for (const ref of ['list', 'loops']) assert.deepEqual(await render(ref), nothing)
  assert.deepEqual(said, [
    ...['loops', 'functions', 'deep'].flatMap((ref) => [
      `fragment "${ref}": the value of "total" in exports is no JSON, or nested more than 56 deep; it is left out`,
      `fragment "${ref}": its session is no JSON, or nested more than 56 deep; what was kept before stays`,
    ]),
    'fragment "list": exports must be an object by name, not string; they are left out',
    'fragment "list": its assets must be such as { styles: ["a.css"] }; they are left out',
  ])
})

test('a session may have 16 KB, and one that grows larger stays as it was', async () => {
  const { render, said } = service([
    fragment('counter', ({ imports }) => ({ html: '', session: 'x'.repeat(imports.length as number) })),
  ])
  assert.equal(((await render('counter', { values: { length: 16_382 } })).session as string).length, 16_382)
  assert.ok(!('session' in (await render('counter', { values: { length: 16_383 } }))))
  assert.match(said[0] ?? '', /has 16385 bytes of JSON, at most 16384; what was kept before stays/)
})

test('a fragment can’t change the session others are given', async () => {
  const session = { items: [1] }
  const { render } = service([fragment('a', (input) => `${(input.session as typeof session).items.push(2)}`)])
  await render('a', { session })
  assert.deepEqual(session, { items: [1] })
})

test('assets are those declared and those returned, each once', async () => {
  const { render } = service([
    fragment('a', { assets: { styles: ['a.css'], scripts: ['a.js'] } }, () => ({
      html: '',
      assets: { styles: ['b.css', 'a.css'] },
    })),
  ])
  assert.deepEqual((await render('a')).assets, { styles: ['a.css', 'b.css'], scripts: ['a.js'] })
})

test('HTML may be a text, an object that is one, or a promise of one', async () => {
  const safe = { toString: () => '<b>safe</b>' }
  const given: Record<string, unknown> = {
    '<i>text</i>': '<i>text</i>',
    '<i>object</i>': new String('<i>object</i>'),
    '<b>safe</b>': { html: safe },
    later: { html: Promise.resolve('later') },
    empty: { html: '' },
  }
  for (const [expected, output] of Object.entries(given)) {
    const { render } = service([fragment('a', () => output as never)])
    assert.equal((await render('a')).html, expected === 'empty' ? '' : expected)
  }
})

test('what is no HTML shows the fallback, and says what came instead', async () => {
  const wrong: [unknown, string, RegExp][] = [
    [undefined, 'declined', /a rendered nothing/],
    [null, 'declined', /a rendered nothing/],
    [{ html: null }, 'declined', /no html/],
    [7, 'failed', /it returned a number; return HTML, or \{ html, exports, session \}/],
    [{ exports: {} }, 'failed', /it returned an object \(Object\)/],
    [new Response('x'), 'failed', /an object \(Response\)/],
    [['<p>'], 'failed', /a list/],
    [{ html: {} }, 'failed', /its html is an object \(Object\), which is no text/],
    [{ html: () => '' }, 'failed', /its html is a function/],
  ]
  for (const [output, reason, message] of wrong) {
    const { render } = service([fragment('a', () => output as never)])
    await assert.rejects(render('a'), failing(reason, message), String(message))
  }
  const { render } = service([
    fragment('throws', () => {
      throw new Error('no stock')
    }),
    fragment('rejects', () => Promise.reject('plain text')),
  ])
  await assert.rejects(render('throws'), (fault: FragmentFailure) => fault.cause instanceof Error)
  await assert.rejects(render('throws'), failing('failed', /^no stock$/))
  await assert.rejects(render('rejects'), failing('failed', /^plain text$/))
})

test('a name nobody has is unknown, with the one that was probably meant', async () => {
  const { render, local } = service([fragment('checkout', () => '')])
  await assert.rejects(
    render('chekout'),
    failing('unknown-ref', /no fragment "chekout"; did you mean "checkout"\?/),
  )
  await assert.rejects(render('constructor'), failing('unknown-ref'))
  assert.ok(local.has('checkout') && !local.has('toString'))
  assert.equal(local.definition('checkout')?.ref, 'checkout')
})

test('nobody waits for a handler that doesn’t look at the signal, but it counts until it is done', async () => {
  let finish = (_html: string) => {}
  const { render } = service([
    fragment('stuck', () => new Promise<string>((resolve) => (finish = resolve))),
    fragment('after', () => assert.fail('rendered for nobody')),
  ])
  const gone = new AbortController()
  let isDone = false
  const onDone = () => {
    isDone = true
  }
  const rendering = render('stuck', { signal: gone.signal, onDone })
  await new Promise(setImmediate)
  gone.abort(new Error('gone'))
  await assert.rejects(rendering, /^Error: gone$/)
  assert.equal(isDone, false)
  finish('late')
  await new Promise(setImmediate)
  assert.equal(isDone, true)
  let count = 0
  await assert.rejects(render('after', { signal: gone.signal, onDone: () => count++ }), /gone/)
  await assert.rejects(render('nobody', { onDone: () => count++ }))
  assert.equal(count, 2)
})

test('who it is for is asked once for all fragments of a page, by the token alone', async () => {
  const asked: string[] = []
  const users: unknown[] = []
  const see = fragment('see', ({ user }) => `${users.push(user)}`)
  const { render, said } = service([see], {
    async identify(token) {
      asked.push(token)
      if (token === 'bad') throw new Error('signature is wrong')
      return token === 'nobody' ? undefined : { username: token, roles: ['USER'] }
    },
  })
  const context = { token: 'ann' }
  await Promise.all([render('see', { context }), render('see', { context })])
  await render('see', { context: { token: 'nobody' } })
  await render('see', { context: { token: 'bad' } })
  await render('see', { context: {}, values: { user: { username: 'root' } } })
  assert.deepEqual(asked, ['ann', 'nobody', 'bad'])
  assert.deepEqual(users.slice(0, 2), Array(2).fill({ username: 'ann', roles: ['USER'] }))
  assert.deepEqual(users.slice(2), [undefined, undefined, undefined])
  assert.deepEqual(said, ['identify failed, so fragments know nobody: signature is wrong'])
})

test('tags inside a fragment know its own names and imports, and what they export may go on', async () => {
  const scopes: unknown[] = []
  const nested: ResolveNested = async (html, scope) => {
    scopes.push(scope.attributes, scope.context.chain)
    return {
      html: html.replace('<m:fragment ref="inner"/>', 'inner'),
      attributes: { ...scope.attributes, zip: 1000, sku: 'changed' },
    }
  }
  const definitions = [
    fragment('outer', { imports: ['sku'], exports: ['total', 'zip', 'rate'] }, () => ({
      html: '[<m:fragment ref="inner"/>]',
      exports: { total: 12 },
      attributes: { rate: 21, own: true },
    })),
    fragment('open', { exports: ['sku'] }, () => '<M:FRAGMENT ref=x />'),
    fragment('plain', () => 'no tags'),
  ]
  const { render } = service(definitions, { nested })
  const outer = await render('outer', { values: { sku: 7 }, context: { chain: ['shop#page'] } })
  assert.deepEqual(outer, { html: '[inner]', exports: { total: 12, rate: 21, zip: 1000 }, assets: undefined })
  assert.deepEqual(scopes, [{ rate: 21, own: true, total: 12, sku: 7 }, ['shop#page', 'orders#outer']])
  // What came in is not given back under the fragment's name.
  assert.deepEqual((await render('open', { values: { sku: 7 } })).exports, {})
  await render('plain')
  assert.equal(scopes.length, 4)
})

test('a fragment that stands inside itself is not rendered', async () => {
  const { render } = service([fragment('a', () => assert.fail('rendered'))])
  await assert.rejects(render('a', { context: { chain: ['shop#b', 'orders#a'] } }), failing('recursion'))
  const chain = Array.from({ length: 64 }, (_, index) => `shop#${index}`)
  await assert.rejects(render('a', { context: { chain } }), failing('depth'))
})

test('a fragment that waits for who the visitor is, and nobody for it, is done', {
  timeout: 10_000,
}, async () => {
  const greeting = fragment('greeting', () => assert.fail('it was rendered'))
  const { render } = service([greeting], { identify: () => new Promise(() => {}) })
  const { signal, abort } = abortable()
  const done = new Promise<void>((resolve) => {
    const rendering = render('greeting', { context: { token: 'a' }, signal, onDone: resolve })
    rendering.catch(() => {})
  })
  abort()
  await done
})

function abortable() {
  const controller = new AbortController()
  return {
    signal: controller.signal,
    abort: () => controller.abort(new FragmentFailure('cancelled', 'gone')),
  }
}

test('a fragment is rendered for those alone whom it is for, also in pages of its own service', async () => {
  const identify: Identify = (token) => ({ username: token, roles: [token === 'ann' ? 'admin' : 'guest'] })
  const all = [
    fragment('mine', { auth: 'required' }, ({ user }) => `<p>${user?.username}`),
    fragment('all', { roles: ['ADMIN'] }, () => '<p>all'),
    fragment('corp', { providers: ['corp'] }, () => '<p>corp'),
    fragment('open', () => '<p>open'),
  ]
  const { render } = service(all, { identify })
  const outcome = (ref: string, token?: string) =>
    render(ref, { context: { token } }).then(
      ({ html }) => html,
      (fault) => `${fault.reason}: ${fault.message}`,
    )
  assert.equal(await outcome('mine', 'bob'), '<p>bob')
  assert.equal(await outcome('mine'), 'declined: orders#mine is not for visitors who are not signed in')
  assert.equal(await outcome('all', 'ann'), '<p>all')
  assert.equal(await outcome('all', 'bob'), 'declined: orders#all is not for this visitor')
  assert.equal(await outcome('corp', 'ann'), 'declined: orders#corp is not for this visitor')
  assert.equal(await outcome('open'), '<p>open')
  const closed = service(all, { identify, accessOf: (own) => withUsual(own, { roles: ['GUEST'] }) })
  const asked = (token?: string) =>
    closed.render('open', { context: { token } }).then(
      () => 'shown',
      () => 'not shown',
    )
  assert.deepEqual(
    [await asked('bob'), await asked('ann'), await asked()],
    ['shown', 'not shown', 'not shown'],
  )
})
