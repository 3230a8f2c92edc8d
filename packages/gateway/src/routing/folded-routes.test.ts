import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePattern } from '@hydra-gateway/protocol'
import { foldedRoutes } from './folded-routes.ts'
import type { RouteSpec } from './route.ts'

const route = (path: string, more: Partial<RouteSpec> = {}): RouteSpec => ({
  pattern: parsePattern(path).patterns[0]!,
  kind: 'page',
  ...more,
})
const CLOSED = { auth: 'required' } as const
const shown = (routes: readonly RouteSpec[]) => foldedRoutes(routes).map(({ pattern }) => pattern.text)

test('what is closed in capitals is closed in small letters, where a wider route would open it', () => {
  const open = route('/**', { timeoutMs: 7 })
  const closed = route('/Admin/{id}.PDF', { ...CLOSED, roles: ['BOSS'], methods: ['GET'] })
  const [folded, ...rest] = foldedRoutes([open, closed])
  assert.equal(rest.length, 0)
  assert.equal(folded!.pattern.text, '/admin/{id}.pdf')
  assert.deepEqual(
    [folded!.auth, folded!.roles, folded!.methods, folded!.timeoutMs],
    ['required', ['BOSS'], ['GET'], 7],
  )
  assert.deepEqual(shown([route('/admin/*'), route('/Admin/**', CLOSED)]), ['/admin/**'])
  assert.deepEqual(shown([open, route('/Ärzte/**', CLOSED)]), ['/ärzte/**'])
})

test('nothing is added where nothing would be open', () => {
  const open = route('/**')
  for (const routes of [
    [open, route('/admin/**', CLOSED)],
    [open, route('/Admin/**')],
    [route('/**', CLOSED), route('/Admin/**', CLOSED)],
    [route('/shop/**'), route('/Admin/**', CLOSED)],
    [open, route('/Admin/**', CLOSED), route('/admin/**')],
    [open, route('/Live', { ...CLOSED, kind: 'socket' })],
    [route('/**', { host: 'a.example' }), route('/Admin', { ...CLOSED, host: 'b.example' })],
    [route('/admin'), route('/Admin', CLOSED)],
  ])
    assert.deepEqual(shown(routes), [])
})
