import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Caller } from '../identity/port.ts'
import { onHead, rawServer } from '../proxy/testing/raw.ts'
import { instanceAt, type RigRoute, startRig } from '../proxy/testing/rig.ts'
import { handComposer, handResolver } from './testing/hand-resolver.ts'

const ann = Object.freeze({ token: 'of ann' }) as Caller

const PAGE = '<m:fragment service="parts" ref="a">nobody</m:fragment><p>'

/** A page of somebody who is signed in, as it is composed. */
async function compose(t: TestContext, route: Partial<RigRoute>) {
  const { port } = await rawServer(t, (end) =>
    onHead(end, () =>
      end.send(
        'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCache-Control: public, s-maxage=600\r\n' +
          `Content-Length: ${PAGE.length}\r\n\r\n${PAGE}`,
      ),
    ),
  )
  const resolver = handResolver(() => ({ html: 'A' }))
  const { url } = await startRig(t, {
    composer: handComposer(resolver),
    identity: {
      guard: {
        check(exchange) {
          exchange.caller = ann
          return undefined
        },
      },
      tokens: { prepare() {} },
      refuse() {},
    },
    routes: [{ path: '/', compose: true, instances: [instanceAt(port)], ...route }],
  })
  const answer = await fetch(url)
  assert.match(await answer.text(), /^A<p>/)
  return { cache: answer.headers.get('cache-control'), context: resolver.pages[0]!.options.context }
}

test('a page is composed for who is signed in, and no cache that others share keeps it', async (t) => {
  const { cache, context } = await compose(t, {})
  assert.equal(context.caller, ann)
  assert.match(cache!, /private/)
  assert.doesNotMatch(cache!, /public|s-maxage/)
})

test('a page that caches may keep for everybody is composed as for nobody', async (t) => {
  const { cache, context } = await compose(t, { composedCache: 'keep' })
  assert.equal(context.caller, undefined)
  assert.equal(cache, 'public, s-maxage=600')
})

test('a page that is for some is never kept for everybody', async (t) => {
  const { cache, context } = await compose(t, { composedCache: 'keep', auth: 'required' })
  assert.equal(context.caller, ann)
  assert.match(cache!, /private/)
})
