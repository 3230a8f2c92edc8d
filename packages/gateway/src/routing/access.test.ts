import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessOf, bothOf } from './access.ts'

test('a route that says nothing is for whom its service is', () => {
  assert.deepEqual(accessOf({}, {}), {})
  assert.deepEqual(accessOf({}, { auth: 'required' }), { auth: 'required' })
  assert.deepEqual(accessOf({}, { roles: ['ADMIN'] }), { auth: 'required', roles: ['ADMIN'] })
  assert.deepEqual(accessOf({}, { auth: 'optional' }), {})
})

test('what a route says itself takes the place of what the service says, and of nothing else', () => {
  const usual = { roles: ['USER'], providers: ['corp'] }
  assert.deepEqual(accessOf({ roles: ['ADMIN'] }, usual), {
    auth: 'required',
    roles: ['ADMIN'],
    providers: ['corp'],
  })
  assert.deepEqual(accessOf({ auth: 'required' }, usual), { auth: 'required', ...usual })
  assert.deepEqual(accessOf({ auth: 'optional' }, usual), {})
})

test('roles and providers ask for somebody who is signed in', () => {
  assert.deepEqual(accessOf({ providers: ['corp'] }, {}), { auth: 'required', providers: ['corp'] })
  assert.match(String(accessOf({ auth: 'optional', roles: ['ADMIN'] }, {})), /beside roles/)
  assert.match(String(accessOf({ auth: 'optional', providers: ['corp'] }, {})), /beside providers/)
})

test('what two say together is never weaker than what one says', () => {
  const admins = { auth: 'required', roles: ['ADMIN', 'OWNER'] } as const
  assert.deepEqual(bothOf({}, {}), {})
  assert.deepEqual(bothOf({}, admins), admins)
  assert.deepEqual(bothOf(admins, { auth: 'required' }), admins)
  assert.deepEqual(bothOf(admins, { auth: 'required', roles: ['owner', 'USER'] }), {
    auth: 'required',
    roles: ['OWNER'],
  })
  assert.deepEqual(bothOf(admins, { auth: 'required', providers: ['corp'] }), {
    ...admins,
    providers: ['corp'],
  })
  assert.equal(bothOf(admins, { auth: 'required', roles: ['USER'] }), undefined)
  assert.equal(
    bothOf({ auth: 'required', providers: ['a'] }, { auth: 'required', providers: ['b'] }),
    undefined,
  )
})
