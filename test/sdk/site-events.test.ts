import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { SiteEvent } from '@hydra-gateway/protocol'
import { connect } from '@hydra-gateway/sdk'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

async function startService(t: TestContext, name: string, gateway: TestGateway) {
  const server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1')
  const { url, publicKey, privateKey } = gateway
  const service = await connect({
    name,
    server,
    routes: [`/${name}`],
    gateway: url,
    publicKey,
    privateKey,
    signals: false,
    log: false,
  })
  t.after(() => service.close())
  await service.ready
  return service
}

/** Waits until the gateway tells a service events: somebody comes and goes until it is heard of. */
async function hears(t: TestContext, gateway: TestGateway, events: readonly SiteEvent[]): Promise<void> {
  await eventually(async () => {
    const visitor = await startService(t, 'visitor', gateway)
    await visitor.close({ forget: true })
    assert.equal(events.at(-1)?.kind, 'forgotten')
  })
}

const kindsOf = (events: readonly SiteEvent[], about: string) =>
  events.flatMap((event) =>
    'service' in event && event.service === about
      ? [event.kind === 'service' || event.kind === 'instance' ? `${event.kind} ${event.state}` : event.kind]
      : [],
  )

test('a service hears what happens to others, from when it listens until it does not any more', async (t) => {
  const gateway = await startGateway(t)
  const shop = await startService(t, 'shop', gateway)
  const events: SiteEvent[] = []
  const off = shop.on('event', (event) => events.push(event))
  // Later listeners share the stream.
  let others = 0
  shop.on('event', () => others++)
  await hears(t, gateway, events)
  const orders = await startService(t, 'orders', gateway)
  await orders.close({ forget: true })
  await eventually(() => assert.equal(kindsOf(events, 'orders').length, 9))
  assert.deepEqual(kindsOf(events, 'orders'), [
    'service available',
    'instance available',
    'routes',
    'service draining',
    'instance draining',
    'service down',
    'instance gone',
    'routes',
    'forgotten',
  ])
  const ids = events.map(({ id }) => id)
  assert.deepEqual(
    ids,
    [...ids].sort((a, b) => a - b),
  )
  assert.equal(others, events.length)
  off()
  const heard = events.length
  const cart = await startService(t, 'cart', gateway)
  await eventually(() => assert.ok(others > heard))
  await cart.close()
  assert.equal(events.length, heard)
})

test('a restarted gateway tells everything since its start, in order', async (t) => {
  const port = await freePort()
  const keys = { publicKey: `pub${'a'.repeat(24)}`, privateKey: 'b'.repeat(48) }
  const first = await startGateway(t, { port, keys })
  const shop = await startService(t, 'shop', first)
  const events: SiteEvent[] = []
  shop.on('event', (event) => events.push(event))
  await hears(t, first, events)
  const orders = await startService(t, 'orders', first)
  await eventually(() => assert.ok(kindsOf(events, 'orders').length >= 3))
  events.length = 0
  await first.close()
  const second = await startGateway(t, { port, keys })
  await eventually(() => assert.ok(kindsOf(events, 'shop').includes('service available')), 10_000)
  await eventually(() => assert.ok(kindsOf(events, 'orders').includes('service available')), 10_000)
  assert.equal(events[0]?.id, 1)
  assert.deepEqual(
    events.map(({ id }) => id),
    events.map((_, index) => index + 1),
  )
  await orders.close()
  await shop.close()
  await second.close()
})
