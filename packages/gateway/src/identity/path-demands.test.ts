import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePattern } from '@hydra-gateway/protocol'
import type { Route } from '../routing/route.ts'
import { compileAccessRules } from './access-rules.ts'
import { createPathDemands } from './path-demands.ts'

const route = (path: string, more: Partial<Route> = {}): Route => ({
  pattern: parsePattern(path).patterns[0]!,
  ...{ kind: 'page', service: 'desk', claims: [] },
  ...more,
})

test('a path asks for what its route declares, in the words of every service that shares it', () => {
  const demandsAt = createPathDemands({ routeOf: () => undefined })
  assert.deepEqual(demandsAt(route('/open'), '/open', ''), [])
  const shared = route('/desk', { auth: 'required', roles: ['STAFF'], sharedWith: ['lab'] })
  assert.deepEqual(demandsAt(shared, '/desk', ''), [
    { service: 'desk', auth: 'required', roles: ['STAFF'] },
    { service: 'lab', auth: 'required', roles: ['STAFF'] },
  ])
})

test('the rule of an operator replaces what a service says, at its path alone', () => {
  const ruleFor = compileAccessRules([{ path: '/files/secret/**', roles: ['ADMIN'] }, { path: '/open' }])
  const demandsAt = createPathDemands({ ruleFor, routeOf: () => undefined })
  const files = route('/files/**')
  assert.deepEqual(demandsAt(files, '/files/a', ''), [])
  assert.deepEqual(demandsAt(files, '/files/secret/a', ''), [
    { service: 'desk', auth: 'required', roles: ['ADMIN'] },
  ])
  assert.deepEqual(demandsAt(route('/open', { auth: 'required' }), '/open', ''), [])
})

test('a path that its service may read as a closed one asks for what that one does', () => {
  const closed = route('/admin/{page}', { auth: 'required', roles: ['ADMIN'] })
  const asked: string[] = []
  const demandsAt = createPathDemands({
    routeOf({ host }, path) {
      asked.push(`${host} ${path}`)
      return closed
    },
  })
  assert.deepEqual(demandsAt(route('/{any*}'), '/ADMIN/users', 'h.example'), [
    { service: 'desk', auth: 'required', roles: ['ADMIN'] },
  ])
  assert.deepEqual(asked, ['h.example /admin/users'])
})
