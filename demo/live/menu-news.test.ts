/** What is said of the menus of open pages when a service dies. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SiteEvent } from '@hydra-gateway/protocol'
import { createMenuNews } from './menu-news.ts'

const service = (state: 'available' | 'down', at: number): SiteEvent => ({
  ...{ id: 1, at, kind: 'service', service: 'orders', state, reason: 'connection closed' },
})
const menu = (at: number, ...changed: string[]): SiteEvent => ({
  ...{ id: 2, at, kind: 'menu', menu: 'main', changed },
})
const news = (streams: number) =>
  createMenuNews({
    labels: async () => new Map([['/orders', 'Orders']]),
    streams: async () => streams,
  })

test('a death is told with what it disabled, where and when', async () => {
  const story = news(2)
  story.killed('orders', 1000)
  assert.equal(await story.read(service('down', 1010)), undefined)
  assert.deepEqual(await story.read(menu(1041, '/orders', '/orders/desk')), {
    service: 'orders',
    text: '41 ms later disabled in 2 browsers: Orders, /orders/desk',
  })
  assert.equal(await story.read(menu(1900, '/orders')), undefined, 'once')
})

test('menus that change for another reason are not news of a death', async () => {
  const story = news(0)
  assert.equal(await story.read(menu(900, '/orders')), undefined)
  story.killed('orders', 1000)
  assert.equal(await story.read(menu(1010, '/catalog')), undefined, 'one of several died')
  await story.read(service('down', 1020))
  assert.equal(await story.read(menu(9000, '/orders')), undefined, 'long ago')
  assert.match(
    (await story.read(menu(1030, '/orders')))?.text ?? '',
    /^30 ms later disabled in the menu: Orders$/,
  )
})
