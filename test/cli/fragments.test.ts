import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { emptyDirectory, runHydra } from '../support/hydra.ts'
import { startUpstream } from '../support/upstream.ts'

const PAGE = { place: 'product.html:12:5', service: 'orders', ref: 'checkout' }

/** A page of `shop` with a fragment of `orders`, of which a second version does not fit it. */
async function startShop(t: TestContext, { isBroken = true } = {}) {
  const gateway = await startGateway(t, { lease: { ttl: '60s' } })
  const register = async (name: string, more: object) => {
    const { port } = await startUpstream(t, name)
    const response = await fetch(`${gateway.discovery}/registration`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ host: '127.0.0.1', port, name, protocol: 1, endpoints: [`/${name}`], ...more }),
    })
    assert.equal(response.status, 200)
  }
  await register('orders', {
    version: '1.0.0',
    refs: [{ ref: 'checkout', attributes: ['total'] }, { ref: 'teaser' }],
  })
  await register('shop', { uses: [{ ...PAGE, imports: ['zip'], exports: ['total'] }] })
  if (isBroken) {
    await register('orders', { version: '2.0.0', refs: [{ ref: 'checkout', attributes: ['total', 'zip'] }] })
    await register('blog', { uses: [{ ...PAGE, place: 'post.html:1:1', service: 'order' }] })
  }
  const cwd = await emptyDirectory(t)
  const env = { HYDRA_PUBLIC_KEY: gateway.publicKey, HYDRA_PRIVATE_KEY: gateway.privateKey }
  return (...words: string[]) => runHydra([...words, '--gateway', gateway.url], { cwd, env })
}

test('an operator sees who renders a fragment, who asks for it, and which version is kept out', async (t) => {
  const hydra = await startShop(t)
  const { out, err, status } = await hydra('fragments')
  assert.equal(status, 0, err)
  assert.match(out, /2 fragments of 1 service\./)
  assert.match(out, /^ {2}● available {2}checkout {2}orders {3}1\.0\.0 {4}shop +any +total$/m)
  assert.match(out, /^ {2}▲ refused {4}checkout {2}orders {3}2\.0\.0 {4}shop +any +total, zip$/m)
  assert.match(out, /^ {2}● available {2}teaser {4}orders {3}1\.0\.0 {4}no page known +any +none$/m)
  const flat = out.replaceAll(/\s+/g, ' ')
  assert.match(
    flat,
    /1 conflict: whoever was first keeps what it has\. orders#checkout FragmentImportConflict: in a/,
  )
  assert.match(
    flat,
    /product\.html:12:5 imports "zip", .*; shop was first, so 1 instance of orders is not asked for/,
  )
  assert.match(
    flat,
    /1 tag that nobody answers\. blog post\.html:1:1 no service is called order; did you mean orders\?/,
  )
  assert.doesNotMatch(out, /\u001b/)
})

test('fragments of one service, for programs, and of none', async (t) => {
  const hydra = await startShop(t)
  const { fragments, conflicts, unmet } = JSON.parse((await hydra('fragments', '--json')).out)
  assert.deepEqual([fragments.length, conflicts.length, unmet.length], [3, 1, 1])
  assert.equal(fragments[0].usedBy[0].place, PAGE.place)
  const blog = JSON.parse((await hydra('fragments', '--json', '--service', 'blog')).out)
  assert.deepEqual([blog.fragments.length, blog.conflicts.length, blog.unmet.length], [0, 0, 1])
  assert.match(
    (await hydra('fragments', '--service', 'blog')).out.replaceAll(/\s+/g, ' '),
    / blog renders none; pages made for each request, and pages the gateway composes, are not listed as users\./,
  )
  const nobody = await hydra('fragments', '--service', 'orderz')
  assert.equal(nobody.status, 1)
  assert.match(nobody.err, /did you mean orders\?/)
  assert.match((await hydra('services', '--json')).out, /"refs"/)
})

test('a check says what does not fit and what nobody has, and fails when it is strict', async (t) => {
  const hydra = await startShop(t)
  const { out, status } = await hydra('check')
  assert.equal(status, 0)
  assert.match(
    out,
    /▲ FragmentImportConflict: in a page of shop, product\.html:12:5 imports "zip", .* write imports="zip as/,
  )
  assert.match(
    out,
    /▲ blog asks for a fragment at post\.html:1:1, but no service is called order; did you mean orders\?/,
  )
  assert.equal((await hydra('check', '--strict')).status, 1)
})

test('a check of pages and fragments that fit has nothing to say', async (t) => {
  const hydra = await startShop(t, { isBroken: false })
  const { out, status } = await hydra('check', '--strict')
  assert.equal(status, 0, out)
  assert.doesNotMatch(out, /ragment/)
})
