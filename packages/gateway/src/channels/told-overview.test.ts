import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import { createToldOverviews } from './told-overview.ts'

const overview = (hash: string): Overview => ({
  type: 'ACTIVE_SERVERS_UPDATE',
  hash,
  services: [],
  menus: {},
  publicKey: 'spki',
  roleMappings: {},
})

const MAPPINGS = {
  orders: { Clerk: 'USER', Chef: 'ADMIN' },
  invoices: { Chef: 'ADMIN', Clerk: 'USER' },
  shop: { Clerk: 'BUYER' },
  menu: {},
}
const told = createToldOverviews({ roleMappings: (service) => MAPPINGS[service as keyof typeof MAPPINGS] })
const read = (bytes: Uint8Array): Overview => JSON.parse(Buffer.from(bytes).toString())

test('each service is told how roles are called there, in one text for all that call them the same', () => {
  const now = overview('h1')
  const orders = told.bytesOf(now, 'orders')
  assert.deepEqual(read(orders).roleMappings, MAPPINGS.orders)
  assert.equal(told.bytesOf(now, 'orders'), orders)
  assert.equal(told.bytesOf(now, 'invoices'), orders)
  assert.deepEqual(read(told.bytesOf(now, 'shop')).roleMappings, { Clerk: 'BUYER' })
  assert.equal(told.bytesOf(now, 'menu'), told.bytesOf(now, undefined))
  assert.notEqual(told.bytesOf(overview('h2'), 'orders'), orders)
})

test('who knows the services but not the mappings of now is told', () => {
  const now = overview('h1')
  assert.equal(told.hashOf(now, 'menu'), 'h1')
  assert.notEqual(told.hashOf(now, 'orders'), 'h1')
  assert.notEqual(told.hashOf(now, 'orders'), told.hashOf(now, 'shop'))
  assert.equal(read(told.bytesOf(now, 'shop')).hash, told.hashOf(now, 'shop'))
})
