import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePattern } from '@hydra-gateway/protocol'
import type { Access } from '../routing/route.ts'
import { createRouteDemands } from './route-demands.ts'

const route = (service: string, path: string, access: Access = {}) => ({
  service,
  pattern: parsePattern(path).patterns[0]!,
  ...access,
})

test('a rule that has all paths of a route replaces its word, the last one first', () => {
  const demandOf = createRouteDemands([
    { service: 'who', auth: 'required' },
    { path: '/desk/**', roles: ['CLERK'] },
    { service: 'open', auth: 'optional' },
  ])
  assert.deepEqual(demandOf(route('shop', '/shop', { auth: 'required', roles: ['A'] })), {
    access: { auth: 'required', roles: ['A'] },
    isByRule: false,
    exceptions: [],
  })
  assert.deepEqual(demandOf(route('who', '/who')), {
    access: { auth: 'required' },
    isByRule: true,
    exceptions: [],
  })
  assert.deepEqual(demandOf(route('who', '/desk/{id}')).access, { auth: 'required', roles: ['CLERK'] })
  assert.deepEqual(demandOf(route('open', '/desk/x', { roles: ['A'] })), {
    access: {},
    isByRule: true,
    exceptions: [],
  })
})

test('a rule for some paths of a route stands beside what holds for the others', () => {
  const demandOf = createRouteDemands([
    { path: '/desk/**', auth: 'required' },
    { path: '/desk/admin/**', roles: ['ADMIN'] },
    { path: '/till/**', roles: ['TILL'] },
  ])
  assert.deepEqual(demandOf(route('desk', '/desk/**')), {
    access: { auth: 'required' },
    isByRule: true,
    exceptions: [{ path: '/desk/admin/**', auth: 'required', roles: ['ADMIN'] }],
  })
  const all = demandOf(route('site', '/**', { providers: ['corp'] }))
  assert.deepEqual([all.isByRule, all.access.providers], [false, ['corp']])
  assert.deepEqual(
    all.exceptions.map(({ path }) => path),
    ['/till/**', '/desk/admin/**', '/desk/**'],
  )
})
