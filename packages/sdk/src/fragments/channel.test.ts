import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import type { FragmentContext, RenderedFragments, RenderItem } from '@hydra-gateway/protocol'
import { createPeer, type Link, type LinkedPeer, ROUTES, type Timers } from '@hydra-gateway/protocol/rsocket'
import { until } from '../../../../test/support/eventually.ts'
import { renderRoutes } from './channel.ts'
import type { FragmentDefinition, FragmentInput } from './definition.ts'
import { fragment } from './fragment.ts'
import { createLocalFragments } from './local.ts'
import { createRenders } from './renders.ts'

const timers: Timers = {
  monotonic: () => performance.now(),
  every: (ms, run) => {
    const timer = setInterval(run, ms).unref()
    return () => clearInterval(timer)
  },
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
}

/** A gateway's end of the line to a service with these fragments. */
function connected(
  definitions: readonly FragmentDefinition[],
  { maxRenders = 256, pendingBytes = 0 }: { maxRenders?: number; pendingBytes?: number } = {},
) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  const log = { info: say, warn: say, error: say }
  const ended = new AbortController()
  const now = () => performance.now()
  const fragments = createLocalFragments({
    service: 'orders',
    definitions,
    identify: undefined,
    log,
    nested: () => undefined,
  })
  const renders = createRenders({ fragments, log, maxRenders, now })
  const line = { ended: ended.signal, pendingBytes: () => pendingBytes }
  let gateway: LinkedPeer | undefined
  let service: LinkedPeer | undefined
  const linkTo = (other: () => LinkedPeer | undefined): Link => ({
    send: (frame) => setImmediate(() => other()?.receive(frame)),
    end: () => setImmediate(() => other()?.lost('link closed')),
    pendingBytes: () => 0,
  })
  const common = { timers, maxDataBytes: 1_000_000, onFault: (fault: unknown) => say(`fault ${fault}`) }
  gateway = createPeer({
    ...common,
    link: linkTo(() => service),
    routes: {},
    onSetup: async () => {},
    onEnd: () => {},
  })
  service = createPeer({
    ...common,
    link: linkTo(() => gateway),
    routes: renderRoutes({ renders, line, log, now }),
    setup: { credentials: { publicKey: 'a', privateKey: 'b' }, data: {} },
    onEnd: ({ error }) => ended.abort(error),
  })
  const { peer } = gateway
  return {
    said,
    renders,
    ended: ended.signal,
    close: () => peer.close(),
    ask: (refs: readonly string[], more: object = {}) =>
      peer.request(ROUTES.render, requestOf(refs, more), 2000) as Promise<RenderedFragments>,
    /** Items as they come, up to `demand`, and how it ended. */
    stream(refs: readonly string[], more: object = {}, demand = 1000) {
      const items: RenderedFragments[] = []
      let end: string | undefined
      const source = peer.stream(ROUTES.render, requestOf(refs, more), {
        demand,
        onItem: (item) => items.push(item as RenderedFragments),
        onEnd: (error) => {
          end = error ? `${error.problem ?? error.code}: ${error.message}` : 'well'
        },
      })
      return {
        items,
        end: () => end,
        source,
        ids: () => items.flatMap((item) => item.fragments.map(({ id }) => id)),
      }
    },
  }
}

function requestOf(refs: readonly string[], more: object) {
  const requests = refs.map(
    (ref): RenderItem => ({
      id: `id-${ref}`,
      service: 'orders',
      ref,
      fallback: null,
      imports: [],
      exports: [],
      values: { sku: ref },
    }),
  )
  return { attributes: {}, requests, ...more }
}

const waiter = () => {
  let go = () => {}
  const gone = new Promise<void>((resolve) => (go = resolve))
  return { gone, go: () => go() }
}

test('each fragment comes as soon as it is ready, and a slow one delays nobody', async (t) => {
  const { gone, go } = waiter()
  const slow = fragment('slow', { exports: ['total'] }, async () => {
    await gone
    return { html: '<p>slow</p>', exports: { total: 12 }, session: { n: 1 } }
  })
  const quick = fragment('quick', { imports: ['sku'] }, ({ imports }) => `<p>${imports.sku}</p>`)
  const { stream, close } = connected([slow, quick])
  t.after(close)
  const { items, ids, end } = stream(['slow', 'quick'])
  await until(() => items.length === 1)
  assert.deepEqual(items, [{ fragments: [{ id: 'id-quick', renderedHTML: '<p>quick</p>', exports: {} }] }])
  assert.equal(end(), undefined)
  go()
  await until(() => end() === 'well')
  assert.deepEqual(ids(), ['id-quick', 'id-slow'])
  assert.deepEqual(items[1], {
    fragments: [{ id: 'id-slow', renderedHTML: '<p>slow</p>', exports: { total: 12 } }],
    session: { n: 1 },
  })
})

test('items wait until somebody wants them', async (t) => {
  const { stream, ask, close } = connected(['a', 'b', 'c'].map((ref) => fragment(ref, () => ref)))
  t.after(close)
  const { ids, end, source } = stream(['a', 'b', 'c'], {}, 1)
  await until(() => ids().length === 1)
  // Whatever was under way has come before this answer.
  await ask(['a', 'b', 'c'])
  assert.equal(ids().length, 1)
  source.request(2)
  await until(() => end() === 'well')
  assert.equal(ids().length, 3)
})

test('a fragment that fails, is unknown, declined or too large costs itself only, each with its word', async (t) => {
  const { ask, said, close } = connected([
    fragment('throws', () => {
      throw new Error('no stock')
    }),
    fragment('declined', () => undefined),
    fragment('huge', () => 'é'.repeat(501)),
    fragment('fine', () => 'é'.repeat(500)),
  ])
  t.after(close)
  const { fragments } = await ask(['throws', 'nobody', 'declined', 'huge', 'fine'], { maxBytes: 1000 })
  const reasons = Object.fromEntries(
    fragments.map(({ id, renderedHTML, reason }) => [id, renderedHTML?.length ?? reason]),
  )
  assert.deepEqual(reasons, {
    'id-throws': 'failed',
    'id-nobody': 'unknown-ref',
    'id-declined': 'declined',
    'id-huge': 'too-large',
    'id-fine': 500,
  })
  assert.equal(said.length, 3)
  assert.ok(said.some((text) => /^fragment "throws" failed: Error: no stock\n {4}at /.test(text)))
  assert.ok(said.includes('fragment "nobody" is not shown: orders has no fragment "nobody"'))
  assert.ok(said.includes('fragment "huge" is not shown: its html has 1002 bytes, at most 1000 are taken'))
})

test('all fragments of a request get the visitor’s session; of those that return one the last stays', async (t) => {
  const { gone, go } = waiter()
  const seen: unknown[] = []
  const { ask, close } = connected([
    fragment('first', async ({ session }) => {
      seen.push(session)
      await gone
      return { html: '', session: { by: 'first' } }
    }),
    fragment('second', ({ session }) => {
      seen.push(session)
      setImmediate(go)
      return { html: '', session: { by: 'second' } }
    }),
    fragment('none', ({ session }) => `${seen.push(session)}`),
  ])
  t.after(close)
  const { session } = await ask(['first', 'second', 'none'], { session: { by: 'before' } })
  assert.deepEqual(session, { by: 'first' })
  assert.deepEqual(seen, Array(3).fill({ by: 'before' }))
  assert.ok(!('session' in (await ask(['none'], { session: 1 }))))
})

test('what a fragment waits for is told when nobody waits for it: cancelled, or the line lost', async (t) => {
  const signals: AbortSignal[] = []
  const stuck = fragment('stuck', ({ signal }: FragmentInput) => {
    signals.push(signal)
    return new Promise<string>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    )
  })
  const { stream, ask, close, renders, said } = connected([stuck])
  t.after(close)
  const { source, items } = stream(['stuck'])
  await until(() => signals.length === 1)
  source.cancel()
  await until(() => signals[0]?.aborted === true)
  stream(['stuck'])
  const answered = ask(['stuck'])
  await until(() => signals.length === 3)
  assert.ok(!signals[1]?.aborted && !signals[2]?.aborted)
  close()
  await assert.rejects(answered)
  await until(() => signals.every(({ aborted }) => aborted))
  await renders.idle()
  assert.deepEqual([items, said], [[], []])
})

test('what a fragment hangs on its signal goes when it is rendered, though the line stays', async (t) => {
  const listening = fragment('listening', ({ signal }) => {
    signal.addEventListener('abort', () => {})
    return 'x'
  })
  const { ask, close, ended } = connected([listening])
  t.after(close)
  for (let i = 0; i < 3; i++) await ask(['listening'])
  assert.equal(getEventListeners(ended, 'abort').length, 0)
})

test('what a service can’t take is turned down whole, and the rest goes on', async (t) => {
  const { gone, go } = waiter()
  let begun = 0
  const slow = fragment('slow', async () => {
    begun++
    await gone
    return 'done'
  })
  const many = Array.from({ length: 5 }, (_, index) => fragment(`f${index}`, () => 'x'))
  const { stream, ask, close, said, renders } = connected([slow, ...many], { maxRenders: 2 })
  t.after(close)
  // More at once than the limit: those above wait for a place.
  assert.equal((await ask(many.map(({ ref }) => ref))).fragments.length, 5)
  const first = stream(['slow'])
  const second = ask(['slow'])
  await until(() => begun === 2)
  const third = stream(['f0'])
  await until(() => third.end() !== undefined)
  assert.match(third.end() ?? '', /^HYDRA_OVERLOADED: 2 fragments are being rendered/)
  await assert.rejects(ask(['f0']), { problem: 'HYDRA_OVERLOADED', code: 0x202 })
  go()
  await until(() => first.end() === 'well')
  assert.equal((await second).fragments[0]?.renderedHTML, 'done')
  await renders.idle()
  assert.equal((await ask(['f0'])).fragments[0]?.renderedHTML, 'x')
  assert.equal(said.length, 1)
})

test('who waits for a place and goes away is forgotten, though the place never becomes free', async (t) => {
  let isStuck = false
  const stuck = fragment('stuck', () => {
    isStuck = true
    return new Promise<string>(() => {})
  })
  const { stream, close, renders } = connected([stuck, fragment('a', () => 'x')], { maxRenders: 1 })
  t.after(close)
  const { source } = stream(['stuck', 'a'])
  await until(() => isStuck)
  source.cancel()
  await renders.idle()
})

test('a line the gateway doesn’t read is not filled up', async (t) => {
  const { ask, close, said } = connected([fragment('a', () => ({ html: 'x', session: 1 }))], {
    pendingBytes: 25 * 1024 * 1024,
  })
  t.after(close)
  assert.deepEqual(await ask(['a']), {
    fragments: [{ id: 'id-a', renderedHTML: null, reason: 'overloaded' }],
    session: 1,
  })
  assert.match(said[0] ?? '', /the gateway does not read/)
})

test('exports that would not fit into a frame cost their fragment only', async (t) => {
  const large = fragment('large', { exports: ['all'] }, () => ({
    html: 'x',
    exports: { all: 'x'.repeat(16 * 1024 * 1024) },
  }))
  const { stream, close } = connected([large, fragment('small', () => 'x')])
  t.after(close)
  const { items, end } = stream(['large', 'small'])
  await until(() => end() === 'well')
  const reasons = items.flatMap(({ fragments }) => fragments).map(({ id, reason }) => [id, reason])
  assert.deepEqual(Object.fromEntries(reasons), { 'id-large': 'too-large', 'id-small': undefined })
})

test('a request that is none is refused, and the line stays', async (t) => {
  const { ask, stream, close } = connected([fragment('a', ({ imports }) => JSON.stringify(imports))])
  t.after(close)
  const wrong: [object, RegExp][] = [
    [{ requests: 7 }, /requests must be a list/],
    [{ requests: [{ id: 'x' }] }, /requests\.0: id and ref must be texts/],
    [{ requests: [null] }, /requests\.0/],
    [{ requests: Array(10_001).fill({}) }, /10001 fragments at once are too many/],
    [
      { context: { depth: 'deep' } satisfies Record<keyof Pick<FragmentContext, 'depth'>, string> },
      /context\.depth/,
    ],
  ]
  for (const [more, message] of wrong) {
    await assert.rejects(ask(['a'], more), message)
    const { end } = stream(['a'], more)
    await until(() => end() !== undefined)
    assert.match(end() ?? '', message)
  }
  const twice = [
    { id: 'x', ref: 'a' },
    { id: 'x', ref: 'a' },
  ]
  assert.deepEqual((await ask([], { requests: twice })).fragments, [
    { id: 'x', renderedHTML: '{}', exports: {} },
  ])
})

test('a caller that sends all attributes of its page, and the tag’s imports, is understood', async (t) => {
  const { ask, close } = connected([fragment('a', ({ imports }) => JSON.stringify(imports))])
  t.after(close)
  const attributes = { user: { zip: '1000' }, message: 'Hello' }
  const html = async (imports?: unknown) =>
    (await ask([], { attributes, requests: [{ id: 'x', ref: 'a', imports }] })).fragments[0]?.renderedHTML
  assert.equal(await html(['user.zip', 'message as text', 'absent']), '{"zip":"1000","text":"Hello"}')
  for (const none of [[], null, undefined]) assert.equal(await html(none), JSON.stringify(attributes))
  await assert.rejects(html(['a b']), /comma/)
})
