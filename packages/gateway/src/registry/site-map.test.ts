import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Overview } from '@hydra-gateway/protocol'
import { emptyTable } from '../routing/table.ts'
import { createVitals } from '../routing/vitals.ts'
import { createSiteMap } from './site-map.ts'

const overview: Overview = {
  type: 'ACTIVE_SERVERS_UPDATE',
  hash: '',
  publicKey: null,
  roleMappings: {},
  menus: {
    main: [
      { endpoint: '/orders', label: 'Orders', service: 'orders', state: 'available', available: true },
      { endpoint: '/stock', label: 'Stock', service: 'stock', state: 'down', available: false },
    ],
  },
  services: [
    {
      serviceName: 'orders',
      state: 'available',
      available: true,
      endpoints: ['/orders', '/orders/{id}', '/café', '/files/**'].map((path) => ({
        path,
        state: 'available',
        available: true,
      })),
      instances: [],
    },
    {
      serviceName: 'stock',
      state: 'down',
      available: false,
      endpoints: [{ path: '/stock', state: 'down', available: false }],
      instances: [],
    },
  ],
}

test('only what is open is on the map, as links a browser can follow', () => {
  const site = createSiteMap({
    live: { table: emptyTable() },
    vitals: createVitals(),
    overview: () => overview,
  })
  assert.deepEqual([...site.paths()], ['/orders', '/orders', '/caf%C3%A9'])
  assert.equal(site.isServing('/orders'), false)
})
