/**
 * `npm run demo -- --check`: the story of the demo without a keyboard. Everything starts, every route is asked,
 * an instance and a whole service are killed under load, both come back, one more is added, all of it stops.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import type { Style } from '@hydra-gateway/gateway/terminal'
import { AS_BROWSER, ask } from '../shop/ask.ts'
import { ADA, MIRA, signIn } from '../shop/people.ts'
import { openShop, SERVICES, type ServiceName, type Shop } from '../shop/shop.ts'
import { openPage } from './open-page.ts'
import { createReport, type Report } from './report.ts'
import { AS_MACHINE, askEveryRoute } from './routes.ts'
import { formatFailures, serverOf, startVisits, type Visits } from './visits.ts'

export interface CheckOptions {
  readonly port: number
  write(text: string): void
  readonly style: Style
  /** Ends the check early; everything that was started is stopped. */
  readonly signal: AbortSignal
}

/** From a kill to the fallback: the channel closes at once, a busy machine needs a moment to say so. */
const FALLBACK_WITHIN_MS = 500
/** From a kill to the news at every open page. */
const TOLD_WITHIN_MS = 500
/** For everything that waits; a service takes one or two seconds to start on a small machine. */
const PATIENCE_MS = 10_000

/** Resolves with the exit status. */
export async function runCheck({ port, write, style, signal }: CheckOptions): Promise<number> {
  const report = createReport({ write, style })
  const troubles: string[] = []
  let shop: Shop | undefined
  write(`${style.mark}${style.bold('hydra demo --check')}\n\n`)
  try {
    await report.step('Everything starts', async () => {
      const startedAt = performance.now()
      shop = await openShop({ port, onTrouble: (service, line) => troubles.push(`${service}: ${line}`) })
      const started = SERVICES.flatMap(({ name }) => shop!.instances(name))
      await Promise.all(started.map(({ serving }) => serving))
      const tookMs = Math.round(performance.now() - startedAt)
      return [
        `a gateway at ${shop.gateway.url} and ${started.length} instances of ${SERVICES.length} services, ${tookMs} ms`,
      ]
    })
    if (shop) {
      for (const [name, step] of STORY) {
        if (signal.aborted) break
        const opened = shop
        await report.step(name, () => step(opened, report))
      }
    }
  } finally {
    if (shop) {
      const opened = shop
      await report.step('Everything stops', () => stopAll(opened))
    }
  }
  for (const line of troubles) write(`      ${line}\n`)
  if (signal.aborted) write('\nStopped before the end.\n')
  return report.end() && !signal.aborted ? 0 : 1
}

type Step = (shop: Shop, report: Report) => Promise<readonly string[]>

const STORY: readonly (readonly [name: string, step: Step])[] = [
  ['Every route answers', everyRoute],
  ['kill -9 of one of two catalogs under load: its sibling serves', killSibling],
  ['kill -9 of orders under load: its fallback shows', killService],
  ['Both are brought back', revive],
  ['kill -9 of orders: pages that are open know, each what it may', keepPages],
  ['A catalog more takes its share', addInstance],
  ['A catalog that is stopped politely loses nothing', retire],
]

async function everyRoute({ gateway }: Shop, report: Report): Promise<readonly string[]> {
  const { answered, figures } = await askEveryRoute(gateway.url)
  report.answered(answered)
  return figures
}

/** Pages of the catalog, as anybody may ask for them again. */
function readCatalog({ gateway }: Shop): Visits {
  const paths = ['/catalog', '/catalog/watering-can', '/catalog/pond-boots']
  return startVisits({
    url: gateway.url,
    perSecond: 120,
    next: (index) => ({ path: paths[index % paths.length]!, headers: AS_BROWSER }),
  })
}

/** Changes of the list: nobody may send them twice. */
function writeCatalog({ gateway }: Shop): Visits {
  return startVisits({
    url: gateway.url,
    perSecond: 30,
    atOnce: 2,
    next: () => ({ path: '/catalog/reed-basket/list', method: 'POST' }),
  })
}

async function killSibling(shop: Shop, report: Report): Promise<readonly string[]> {
  const reads = readCatalog(shop)
  const writes = writeCatalog(shop)
  try {
    await until('both catalogs answer', () => reads.servers.size === 2 && reads.ok > 60 && writes.ok > 10)
    const victim = shop.kill('catalog')!
    const killedAt = performance.now()
    await victim.child.exited
    await until('one catalog is left', async () => serving(await shop.gateway.services(), 'catalog') === 1)
    const aloneMs = Math.round(performance.now() - killedAt)
    reads.forget()
    const before = reads.ok
    await until('the sibling answers', () => reads.ok > before + 60)
    assert.ok(!reads.servers.has(victim.id()!), `${victim.id()} answers after its death`)
    await Promise.all([reads.stop(), writes.stop()])
    assert.equal(reads.failed, 0, `GETs failed: ${formatFailures(reads.failures)}`)
    // What had left for the dead one is not sent again: whoever asked is told, and decides.
    assert.ok(
      [...writes.failures.keys()].every((outcome) => outcome === '502') && writes.failed <= 2,
      `POSTs failed: ${formatFailures(writes.failures)}`,
    )
    report.answered(reads.ok + writes.ok)
    return [
      `${victim.id()} out of rotation after ${aloneMs} ms`,
      `${reads.ok} GET answered, failed 0`,
      `${writes.ok} POST answered, ${writes.failed} cut off and told so`,
    ]
  } finally {
    await Promise.all([reads.stop(), writes.stop()])
  }
}

async function killService(shop: Shop, report: Report): Promise<readonly string[]> {
  const { url } = shop.gateway
  /** First answers after the kill, as visitors and as machines see them. */
  const seen: { page?: number; problem?: number } = {}
  let killedAt = Number.POSITIVE_INFINITY
  const asMira = { ...AS_BROWSER, cookie: await signIn(url, MIRA) }
  const others = startVisits({
    url,
    perSecond: 60,
    next: (index) => ({ path: ['/', '/catalog', '/account'][index % 3]!, headers: asMira }),
  })
  const ofOrders = startVisits({
    url,
    perSecond: 150,
    atOnce: 4,
    next: (index) => ({ path: '/orders', headers: index % 2 === 0 ? AS_BROWSER : AS_MACHINE }),
    onAnswer(answer) {
      if (answer instanceof Error || answer.status !== 503 || answer.headers['retry-after'] !== '5') return
      if (answer.body.includes('Your orders are safe')) seen.page ??= performance.now() - killedAt
      else if (answer.body.includes('HYDRA_NO_INSTANCE')) seen.problem ??= performance.now() - killedAt
    },
  })
  const orderCount = countOrders(url)
  const ordering = startVisits({
    url,
    perSecond: 20,
    atOnce: 2,
    next: () => ({
      path: '/orders',
      method: 'POST',
      headers: { ...AS_MACHINE, 'content-type': 'application/json' },
      body: '{"good":"pond-boots"}',
    }),
  })
  try {
    await until('orders answers', () => ofOrders.ok > 60 && ordering.ok > 10 && others.ok > 30)
    killedAt = performance.now()
    shop.kill('orders')
    await until('the fallback shows', () => seen.page !== undefined && seen.problem !== undefined)
    const before = others.ok
    await until('the others answer', () => others.ok > before + 60)
    const catalog = await ask(`${url}/catalog`, { headers: AS_BROWSER })
    assert.match(catalog.body, /"\/orders" role="link" aria-disabled="true"/, 'the menu disables Orders')
    await Promise.all([others.stop(), ofOrders.stop(), ordering.stop()])
    const [pageMs, problemMs] = [Math.round(seen.page!), Math.round(seen.problem!)]
    assert.ok(Math.max(pageMs, problemMs) <= FALLBACK_WITHIN_MS, `fallback only after ${pageMs} ms`)
    assert.equal(others.failed, 0, `other services failed: ${formatFailures(others.failures)}`)
    const unexpected = [...ofOrders.failures.keys()].filter((outcome) => !['502', '503'].includes(outcome))
    assert.deepEqual(unexpected, [], `orders: ${formatFailures(ofOrders.failures)}`)
    // Kept for the next step: an order that was cut off may have been taken, never twice.
    ordered.set(shop, {
      before: await orderCount,
      taken: ordering.ok,
      cut: ordering.failures.get('502') ?? 0,
    })
    report.answered(others.ok + ofOrders.ok + ordering.ok)
    return [
      `page ${pageMs} ms and problem+json ${problemMs} ms after the kill`,
      `${others.ok} requests to the others, failed 0`,
      'the menu of a new page has it disabled',
    ]
  } finally {
    await Promise.all([others.stop(), ofOrders.stop(), ordering.stop()])
  }
}

/** Orders taken while the service was killed, until they can be counted. */
const ordered = new WeakMap<Shop, { before: number; taken: number; cut: number }>()

async function countOrders(url: string): Promise<number> {
  return JSON.parse((await ask(`${url}/orders`, { headers: AS_MACHINE })).body).count
}

async function revive(shop: Shop): Promise<readonly string[]> {
  const { url } = shop.gateway
  const startedAt = performance.now()
  const [orders] = shop.revive('orders')
  const [catalog] = shop.revive('catalog')
  await until('orders answers again', async () => {
    const answer = await ask(`${url}/orders`, { headers: AS_BROWSER })
    return answer.status === 200 && serverOf(answer) === orders?.id()
  })
  const ordersMs = Math.round(performance.now() - startedAt)
  await catalog?.serving
  await until('the menu has Orders again', async () =>
    /href="\/orders"[^>]*>Orders<\/a>/.test((await ask(`${url}/catalog`, { headers: AS_BROWSER })).body),
  )
  const facts = ordered.get(shop)
  const kept: string[] = []
  if (facts) {
    const count = await countOrders(url)
    const least = facts.before + facts.taken
    assert.ok(count >= least && count <= least + facts.cut, `${count} orders kept of ${least} taken`)
    kept.push(`${count - facts.before} orders were taken under fire, none lost, none twice`)
  }
  return [`orders served ${ordersMs} ms after its start, and Orders is in the menu again`, ...kept]
}

/** Three pages stay open through a death: of nobody, of mira, and of ada, who has the desk. */
async function keepPages(shop: Shop): Promise<readonly string[]> {
  const { url } = shop.gateway
  const pages = await Promise.all([
    openPage(url),
    openPage(url, await signIn(url, MIRA)),
    openPage(url, await signIn(url, ADA)),
  ])
  const all = (state: string): boolean => pages.every(({ states }) => states.get('/orders') === state)
  try {
    await until('all pages have Orders', () => all('available'))
    const killedAt = performance.now()
    shop.kill('orders')
    await until('all pages know', () => all('down'))
    const toldMs = Math.round(Math.max(...pages.map(({ toldAt }) => toldAt)) - killedAt)
    assert.ok(toldMs <= TOLD_WITHIN_MS, `the last page knew only after ${toldMs} ms`)
    const [orders] = shop.revive('orders')
    await orders?.serving
    await until('all pages have it again', () => all('available'))
    const [nobody, mira, ada] = pages
    assert.equal(ada?.states.get('/orders/desk'), 'available', 'the desk is in the menu of ada')
    for (const page of [nobody, mira])
      assert.ok(!page?.heard.includes('desk'), 'who is not for the desk never hears of it')
    return [
      `Orders disabled in ${pages.length} open pages ${toldMs} ms after the kill, and enabled again`,
      'the desk is in the menu of ada, and nobody else was ever told of it',
    ]
  } finally {
    for (const page of pages) page.close()
  }
}

async function addInstance(shop: Shop, report: Report): Promise<readonly string[]> {
  const reads = readCatalog(shop)
  try {
    const startedAt = performance.now()
    const added = shop.add('catalog')
    await added.serving
    await until('the new one answers', () => reads.servers.has(added.id()!))
    const tookMs = Math.round(performance.now() - startedAt)
    reads.forget()
    const before = reads.ok
    await until('three catalogs answer', () => reads.servers.size === 3 && reads.ok > before + 30)
    await reads.stop()
    assert.equal(reads.failed, 0, `GETs failed: ${formatFailures(reads.failures)}`)
    report.answered(reads.ok)
    const shares = [...reads.servers].map(([id, count]) => `${id} ${count}`).join(', ')
    return [
      `${added.id()} answered ${tookMs} ms after its start`,
      `pages of each: ${shares}`,
      `${reads.ok} GET answered, failed 0`,
    ]
  } finally {
    await reads.stop()
  }
}

async function retire(shop: Shop, report: Report): Promise<readonly string[]> {
  const reads = readCatalog(shop)
  const writes = writeCatalog(shop)
  try {
    await until('catalogs answer', () => reads.ok > 30 && writes.ok > 5)
    const retired = await shop.retire('catalog')
    const before = reads.ok
    await until('the others answer', () => reads.ok > before + 30)
    await Promise.all([reads.stop(), writes.stop()])
    assert.equal(reads.failed, 0, `GETs failed: ${formatFailures(reads.failures)}`)
    assert.equal(writes.failed, 0, `POSTs failed: ${formatFailures(writes.failures)}`)
    report.answered(reads.ok + writes.ok)
    return [`${retired?.id()} left; ${reads.ok} GET and ${writes.ok} POST answered, failed 0`]
  } finally {
    await Promise.all([reads.stop(), writes.stop()])
  }
}

async function stopAll(shop: Shop): Promise<readonly string[]> {
  const children = [...SERVICES.flatMap(({ name }) => shop.instances(name)).map(({ child }) => child)]
  const { child: gateway } = shop.gateway
  await shop.stop()
  const hows = await Promise.all([...children, gateway].map(({ exited }) => exited))
  assert.ok(!hows.includes('SIGKILL'), `some had to be killed: ${hows.join(', ')}`)
  assert.equal(await gateway.exited, 0, 'the gateway did not end with 0')
  await assert.rejects(ask(`${shop.gateway.url}/health`, { withinMs: 1000 }), 'the port is still open')
  return [`${children.length} instances and the gateway ended by themselves; nothing is left running`]
}

function serving(
  services: readonly { readonly name: string; readonly instances: readonly { readonly state: string }[] }[],
  name: ServiceName,
): number {
  const service = services.find((one) => one.name === name)
  return service?.instances.filter(({ state }) => state === 'available').length ?? 0
}

/** Looks until something is so. */
async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s in vain until ${what}`)
    await delay(5)
  }
}
