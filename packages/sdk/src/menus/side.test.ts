import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import { KeysUnknownError } from '../identity/key-set.ts'
import type { Examined } from '../identity/side.ts'
import type { Verified } from '../identity/verified.ts'
import { createMenuSide } from './side.ts'

const overview = (state: 'available' | 'down' = 'available'): Overview => ({
  type: 'ACTIVE_SERVERS_UPDATE',
  hash: '',
  services: [
    {
      serviceName: 'orders',
      title: 'Orders',
      state,
      available: state !== 'down',
      endpoints: [{ path: '/orders', available: state !== 'down', state }],
      instances: [],
    },
  ],
  menus: {
    main: [
      { endpoint: '/orders', label: 'Orders', service: 'orders', state, available: state !== 'down' },
      {
        endpoint: '/staff',
        label: 'Staff',
        service: 'orders',
        state: 'available',
        available: true,
        demands: [{ service: 'orders', roles: ['STAFF'] }],
      },
    ],
  },
  publicKey: null,
  roleMappings: {},
})

function sideWith(examine: (request: unknown) => Promise<Examined>, options: { login?: 'none' } = {}) {
  let now = 1000
  const said: string[] = []
  const log = { warn: (message: string) => void said.push(message) }
  const side = createMenuSide({ identity: { examine }, options, log, now: () => now })
  return { side, said, pass: (ms: number) => (now += ms) }
}
const nobody = async (): Promise<Examined> => ({ verified: undefined, hasToken: false })
const staff = async (): Promise<Examined> => ({
  verified: {
    claims: { roles: ['STAFF'], idp: ['local'] },
    provider: 'local',
    user: {},
  } as unknown as Verified,
  hasToken: true,
})
const request = (url = '/orders') => ({ headers: {}, url })

test('before the gateway said anything there are no menus, no links are judged, and all of it is stale', async () => {
  const { side } = sideWith(() => assert.fail('nobody is looked at before that'))
  assert.deepEqual(side.menu(), [])
  assert.equal(side.menu().isStale, true)
  assert.equal(side.isAvailable('/orders'), false)
  assert.equal(side.link('/orders').state, 'unknown')
  assert.equal(String(side.link('/orders')), 'data-hydra-link="/orders" href="/orders"')
  assert.deepEqual(await side.menu('main', request()), [])
  assert.equal(side.staleSince, 1000)
  assert.equal(side.pages.menu('main', undefined), undefined)
  assert.equal(side.pages.mark('a', 'b', 0), undefined)
})

test('a menu that has nearly the name of one there is said once, and no other', async () => {
  const { side, said } = sideWith(nobody)
  side.menu('mainn')
  assert.deepEqual(said, [], 'nothing is known yet')
  side.learn(overview())
  for (const name of ['mainn', 'footer', 'main']) side.menu(name)
  const site = await side.siteFor(request())
  assert.deepEqual(site.menu('mainn'), [])
  assert.equal(side.pages.menu('mian', request()), undefined)
  assert.deepEqual(said, [
    'nobody has a menu "mainn" by now; did you mean "main"?',
    'nobody has a menu "mian" by now; did you mean "main"?',
  ])
})

test('a menu without a request is what the signed out see; with one, what its sender may', async () => {
  const { side } = sideWith(staff)
  side.learn(overview())
  assert.deepEqual(
    side.menu().map(({ label }) => label),
    ['Orders'],
  )
  assert.equal(side.menu(), side.menu(), 'the same list until something changes')
  const mine = await side.menu('main', request('/staff?x=1'))
  assert.deepEqual(
    mine.map(({ label, current }) => [label, current]),
    [
      ['Orders', false],
      ['Staff', true],
    ],
  )
  const site = await side.siteFor(request('http://shop.example/orders'))
  assert.equal(site.menu()[0]?.current, true)
  assert.equal(site.menus.main, site.menu('main'))
  assert.equal(site.menus.none, undefined)
  assert.ok(site.isAvailable('/orders'))
  assert.ok(!site.isAvailable('/nowhere'))
})

test('one push changes all of it; without the gateway it stays as it was, and says so, since when', () => {
  const { side, pass } = sideWith(nobody)
  side.learn(overview())
  assert.equal(side.staleSince, undefined)
  assert.ok(side.isAvailable('/orders'))
  side.learn(overview('down'))
  assert.equal(side.isAvailable('/orders'), false)
  assert.equal(side.menu()[0]?.available, false)
  assert.match(
    String(side.link('/orders')),
    /aria-disabled="true" tabindex="0" title="Orders is away for a moment"/,
  )
  pass(500)
  side.disconnected()
  pass(500)
  side.disconnected()
  assert.equal(side.staleSince, 1500)
  assert.equal(side.menu().isStale, true)
  assert.equal(side.menu()[0]?.available, false, 'items keep their states')
  assert.equal(side.menu().view.isStale, true)
  assert.equal(side.pages.menu('main', undefined)?.isStale, true)
  side.learn(overview())
  assert.equal(side.menu().isStale, false)
})

test('who cannot be recognised yet sees what the signed out see', async () => {
  const { side } = sideWith(async () => {
    throw new KeysUnknownError('orders')
  })
  side.learn(overview())
  assert.equal((await side.menu('main', request())).length, 1)
})

test('a service that is never told who calls does not ask', async () => {
  const { side } = sideWith(() => assert.fail('it is not told'), { login: 'none' })
  side.learn(overview())
  assert.equal((await side.menu('main', request())).length, 1)
})

test('pages see who was looked at before, and nobody else is anybody', async () => {
  const { side } = sideWith(staff)
  side.learn(overview())
  const known = request()
  await side.pages.recognise?.(known)
  assert.equal(side.pages.menu('main', known)?.items.length, 2)
  assert.equal(side.pages.menu('main', request())?.items.length, 1)
  assert.equal(side.pages.menu('none', known), undefined)
  assert.deepEqual(side.pages.link('/orders', known), { state: 'available' })
  assert.equal(side.pages.link('/else', known), undefined)
})

test('what is no name and no path is said so, instead of looking like a menu nobody has', async () => {
  const { side } = sideWith(nobody)
  side.learn(overview())
  const loose = side as unknown as Record<'menu' | 'link' | 'isAvailable', (...given: unknown[]) => unknown>
  assert.throws(() => loose.menu(request()), /menu takes the name of a menu/)
  assert.throws(() => loose.link(request(), '/orders'), /take a path of the site/)
  assert.throws(() => loose.isAvailable(undefined), /take a path of the site/)
  const site = (await side.siteFor(request())) as unknown as typeof loose
  assert.throws(() => site.menu({}), /menu takes the name/)
  assert.throws(() => site.link(undefined), /take a path/)
  assert.throws(() => site.isAvailable(1), /take a path/)
})
