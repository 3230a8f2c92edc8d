import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Claims, identityOf, sayEnough } from './claims.ts'

const nobody = { isTaken: () => false }
const plain = { claims: [] }

function named(said: Claims, usernameClaim?: string): string | undefined {
  return identityOf('corp', { claims: [], usernameClaim }, { sub: 's-1', ...said }, nobody)?.username
}

function roles(said: Claims, mapping: object): readonly string[] {
  return identityOf('corp', { claims: [], ...mapping }, { sub: 's-1', ...said }, nobody)!.roles
}

test('somebody is called as the provider calls them, by the first name that can be relied on', () => {
  assert.equal(named({ preferred_username: 'alice', email: 'a@x' }), 'alice')
  assert.equal(named({ email: 'a@x', email_verified: true }), 'a@x')
  assert.equal(named({ email: 'a@x', email_verified: 'true' }), 'a@x')
  assert.equal(named({ email: 'a@x' }), 's-1')
  assert.equal(named({ email: 'a@x', email_verified: false }), 's-1')
  assert.equal(named({ nick: 'ali', preferred_username: 'alice' }, 'nick'), 'ali')
  assert.equal(named({ preferred_username: 'alice' }, 'nick'), 'alice')
  assert.equal(named({ person: { name: 'ali' } }, 'person.name'), 'ali')
  assert.equal(named({ email: 'a@x' }, 'email'), 'a@x', 'chosen by the operator')
  assert.equal(
    named({ email: 'a@x', email_verified: false }, 'email'),
    's-1',
    'the provider doubts it itself',
  )
})

test('what can’t be a name is none', () => {
  for (const preferred_username of [
    '',
    '  ',
    'a\u0000b',
    'a\nb',
    'a\u202eb',
    'x'.repeat(257),
    7,
    null,
    ['a'],
  ]) {
    assert.equal(named({ preferred_username }), 's-1')
  }
  assert.equal(named({ preferred_username: 'Zoe\u0308' }), 'Zo\u00eb', 'in one form')
  for (const sub of ['', ' s', 's\n', 'x'.repeat(256), 7, undefined]) {
    assert.equal(identityOf('corp', plain, { sub }, nobody), undefined)
  }
})

test('a name that is somebody else’s here gets the provider behind it', () => {
  const taken = new Set(['alice'])
  const who = () =>
    identityOf(
      'corp',
      plain,
      { sub: 's-1', preferred_username: 'alice' },
      { isTaken: (one) => taken.has(one) },
    )
  assert.equal(who()?.username, 'alice@corp')
  taken.add('alice@corp')
  assert.equal(who()?.username, 's-1@corp')
  taken.add('s-1@corp')
  assert.equal(who()?.username, 'corp:s-1')
})

test('only values an operator mapped are roles', () => {
  const mapping = { rolesClaim: 'groups', roles: { admins: 'admin', staff: 'user', all: 'user' } }
  assert.deepEqual(roles({ groups: ['admins', 'staff', 'all', 'root', 'admin'] }, mapping), ['admin', 'user'])
  assert.deepEqual(roles({ groups: 'admins' }, mapping), ['admin'])
  assert.deepEqual(roles({ groups: [['admins'], { admins: 1 }, 3, null] }, mapping), [])
  assert.deepEqual(roles({ groups: ['admin'] }, { rolesClaim: 'groups' }), [], 'nothing is mapped')
  assert.deepEqual(roles({ groups: ['constructor', '__proto__', 'toString'] }, mapping), [])
  assert.deepEqual(roles({}, { ...mapping, defaultRoles: ['guest', 'guest'] }), ['guest'])
  assert.deepEqual(roles({ groups: ['staff'] }, { ...mapping, defaultRoles: ['user'] }), ['user'])
})

test('roles may stand deep in a claim, or in one whose name has dots', () => {
  const mapping = (rolesClaim: string) => ({ rolesClaim, roles: { admins: 'admin' } })
  assert.deepEqual(roles({ realm_access: { roles: ['admins'] } }, mapping('realm_access.roles')), ['admin'])
  assert.deepEqual(roles({ 'https://x.example/roles': 'admins' }, mapping('https://x.example/roles')), [
    'admin',
  ])
  assert.deepEqual(roles({ realm_access: 'admins' }, mapping('realm_access.roles')), [])
  assert.deepEqual(roles({}, mapping('constructor.name')), [])
})

test('claims that were asked for are copied, never those that mean something in a token', () => {
  const identity = identityOf(
    'corp',
    { claims: ['email', 'roles', 'sub', 'address.city', 'none', 'nil'] },
    { sub: 's-1', email: 'a@x', roles: ['root'], address: { city: 'Bern' }, nil: null, phone: '1' },
    nobody,
  )
  assert.deepEqual(identity?.claims, { email: 'a@x', 'address.city': 'Bern' })
})

test('an address the provider does not vouch for goes on only with the word that it does not', () => {
  const copied = (claims: string[], email_verified: unknown) =>
    identityOf('corp', { claims }, { sub: 's-1', email: 'boss@x', email_verified }, nobody)?.claims
  for (const word of [false, 'false']) {
    assert.deepEqual(copied(['email'], word), {})
    assert.deepEqual(copied(['email', 'email_verified'], word), { email: 'boss@x', email_verified: word })
  }
  for (const word of [true, 'true', undefined]) assert.deepEqual(copied(['email'], word), { email: 'boss@x' })
})

test('the session at the provider is kept for its logout', () => {
  const session = (sid: unknown) => identityOf('corp', plain, { sub: 's-1', sid }, nobody)?.providerSession
  assert.equal(session('abc'), 'abc')
  for (const sid of [undefined, 7, '', 'x'.repeat(513), ' abc']) assert.equal(session(sid), undefined)
})

test('the provider is asked for more only when something is missing', () => {
  const mapping = { claims: ['email'], rolesClaim: 'realm.roles' }
  assert.equal(sayEnough(mapping, { preferred_username: 'a', email: 'e', realm: { roles: [] } }), true)
  assert.equal(sayEnough(mapping, { preferred_username: 'a', email: 'e', realm: {} }), false)
  assert.equal(sayEnough({ claims: [], usernameClaim: 'upn' }, { upn: 'a' }), true)
})

test('whatever a provider says makes an identity that can be sealed, or none', () => {
  const mapping = { claims: ['a', 'b.c'], rolesClaim: 'r', roles: { x: 'y' }, usernameClaim: 'n' }
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (said, sub) => {
      const identity = identityOf('corp', mapping, { ...said, sub }, nobody)
      if (identity) assert.deepEqual(JSON.parse(JSON.stringify(identity)).username, identity.username)
    }),
  )
})
