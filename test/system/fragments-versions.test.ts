/**
 * One visitor, one set of versions: what a page shows of a service and what it asks of it afterwards, while a rollout
 * goes on.
 */
import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { type TestContext, test } from 'node:test'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { navigate } from '../support/navigate.ts'
import { startUpstream } from '../support/upstream.ts'

async function register(gateway: TestGateway, bean: object): Promise<void> {
  const response = await fetch(`${gateway.discovery}/registration`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ host: '127.0.0.1', protocol: 1, affinity: false, ...bean }),
  })
  assert.equal(response.status, 200)
}

/** Renders each fragment with its version, and says it to XHR and in a file as well. */
const versioned =
  (version: number): RequestListener =>
  (request, response) => {
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'text/plain')
      return void response.end(`version ${version}`)
    }
    let body = ''
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { requests } = JSON.parse(body) as { requests: { id: string; ref: string }[] }
      const fragments = requests.map(({ id, ref }) => ({
        id,
        renderedHTML: `<p>${ref} of version ${version}</p>`,
      }))
      response.setHeader('content-type', 'application/vnd.hydra.rendered-fragments+json')
      response.end(JSON.stringify({ fragments }))
    })
  }

const PAGE = `<!doctype html><title>Shop</title>
<m:fragment service="stock" ref="level">nobody</m:fragment>
<m:fragment service="stock" ref="price">nobody</m:fragment>`

async function startShop(t: TestContext) {
  const gateway = await startGateway(t, { lease: { ttl: '60s' } })
  const shop = await startUpstream(t, 'shop', (_, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    response.setHeader('hydra-compose', '1')
    response.end(PAGE)
  })
  await register(gateway, { name: 'shop', port: shop.port, routes: [{ path: '/shop' }] })
  const ports = await Promise.all(
    [1, 2].map(async (version) => (await startUpstream(t, 'stock', versioned(version))).port),
  )
  /** Both versions of `stock`, of which the newer one has this part of the visitors. */
  const rollOut = async (percent: number) => {
    for (const version of [1, 2]) {
      await register(gateway, {
        name: 'stock',
        port: ports[version - 1],
        version,
        weight: version === 2 ? percent : 100 - percent,
        routes: [{ path: '/stock/level' }],
        staticResources: ['level.js'],
        refs: [{ ref: 'level' }, { ref: 'price' }],
      })
    }
  }
  const shown = (text: string) => [
    ...new Set([...text.matchAll(/version (\d)/g)].map(([, version]) => version)),
  ]
  const open = async (cookie?: string) => {
    const { body, routeCookie, status } = await navigate(`${gateway.url}/shop`, cookie ? { cookie } : {})
    assert.equal(status, 200)
    const versions = shown(body)
    assert.equal(versions.length, 1, body)
    return { version: versions[0]!, cookie: routeCookie ?? cookie }
  }
  const ask = async (path: string, cookie: string | undefined) => {
    const response = await fetch(gateway.url + path, { headers: cookie ? { cookie } : {} })
    return shown(await response.text())[0]
  }
  return { rollOut, open, ask }
}

test('fragments, XHR and files of a page are of one version, also when the rollout goes on behind its back', async (t) => {
  const { rollOut, open, ask } = await startShop(t)
  const seen = new Set<string>()
  for (let i = 0; i < 12; i++) {
    await rollOut(50)
    const { version, cookie } = await open()
    seen.add(version)
    const other = version === '2' ? '1' : '2'
    assert.equal(await ask('/stock/level', cookie), version)
    await rollOut(version === '2' ? 0 : 100)
    assert.equal(await ask('/stock/level', cookie), version)
    assert.equal(await ask('/stock/level.js', cookie), version)
    assert.equal(await ask(`/stock/level.js?v=${other}`, cookie), other)
    const next = await open(cookie)
    assert.equal(next.version, other)
    assert.equal(await ask('/stock/level', next.cookie), other)
  }
  assert.equal(seen.size, 2)
})

test('fragments of a page fit together for who keeps no cookies', async (t) => {
  const { rollOut, open } = await startShop(t)
  await rollOut(50)
  for (let i = 0; i < 30; i++) await open()
})
