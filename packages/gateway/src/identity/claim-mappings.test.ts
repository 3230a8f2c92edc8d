import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseIdentity, compileClaimMappings } from './claim-mappings.ts'
import type { Identity } from './port.ts'

const local: Identity = {
  ...{ provider: 'local', subject: 'hello', username: 'hello', userId: 7, roles: ['USER'] },
  claims: { city: 'Köln', nick: 'he' },
}
const corp: Identity = {
  ...{ provider: 'corp', subject: 'c-1', username: 'h.ello', userId: null, roles: ['STAFF'] },
  claims: { email: 'h@corp.example', staff: 4711, nothing: null },
}
const google = { ...corp, provider: 'google', subject: 'g-1' }

test('without mappings, nobody is shown otherwise', () => {
  assert.equal(compileClaimMappings([])('orders'), undefined)
  assert.equal(compileClaimMappings([{ service: 'billing', username: 'nick' }])('orders'), undefined)
})

test('a service calls people by a claim, and is told the claims it wants under its own names', () => {
  const mapping = compileClaimMappings([
    {
      service: 'orders, bill.*',
      username: 'nick',
      claims: { town: 'city', uid: 'userId', login: 'username', id: 'sub' },
    },
  ])('billing')!
  assert.ok(mapping.changes(local))
  assert.deepEqual(mapping.apply(local), {
    ...local,
    username: 'he',
    claims: { town: 'Köln', uid: 7, login: 'hello', id: 'hello' },
  })
  assert.deepEqual(
    mapping.apply(corp),
    { ...corp, claims: { login: 'h.ello', id: 'c-1' } },
    'what is missing is not told',
  )
})

test('only names can be names', () => {
  const nameBy = (username: string, claims: Record<string, unknown>) =>
    compileClaimMappings([{ service: '.*', username }])('orders')!.apply({ ...corp, claims }).username
  assert.equal(nameBy('staff', corp.claims), '4711')
  for (const value of ['', null, [], {}, 'a\nb', 'x'.repeat(257), true])
    assert.equal(nameBy('name', { name: value }), 'h.ello')
  assert.equal(nameBy('constructor', {}), 'h.ello')
})

test('nobody is called by an address their provider does not vouch for', () => {
  const shown = (email_verified: unknown, claims?: Record<string, string>) =>
    compileClaimMappings([{ service: '.*', username: 'email', claims }])('orders')!.apply({
      ...corp,
      claims: { email: 'boss@corp.example', email_verified },
    })
  assert.equal(shown(true).username, 'boss@corp.example')
  assert.equal(shown(false).username, 'h.ello')
  assert.equal(shown('false').username, 'h.ello')
  assert.deepEqual(shown(false, { mail: 'email' }).claims, {})
  assert.deepEqual(shown(false, { mail: 'email', sure: 'email_verified' }).claims, {
    mail: 'boss@corp.example',
    sure: false,
  })
})

test('claims that mean something to the protocol stay ours', () => {
  for (const name of ['sub', 'roles', 'exp', 'username', 'aud', 'own', '__proto__']) {
    const claims = JSON.parse(`{"${name}":"city"}`)
    assert.throws(() => compileClaimMappings([{ service: '.*', claims }]), /means something/, name)
  }
})

test('an entry of a provider is about its identities, and prefers them', () => {
  const mapping = compileClaimMappings([
    { service: 'orders', provider: 'corp', username: 'staff' },
    { service: '.*', provider: 'google', username: 'email' },
    { service: 'orders', username: 'nick' },
  ])('orders')!
  assert.deepEqual(mapping.preferred, ['corp', 'google'])
  assert.deepEqual(
    [corp, google, local].map((one) => mapping.apply(one).username),
    ['4711', 'h@corp.example', 'he'],
  )
  const only = compileClaimMappings([{ service: 'orders', provider: 'corp' }])('orders')!
  assert.ok(!only.changes(corp) && !only.changes(local))
  assert.equal(only.apply(local).username, 'hello')
})

test('a service sees the first identity it accepts, and of those the one it prefers', () => {
  const all = [local, corp, google]
  const choose = (accepted?: string[], preferred?: string[]) =>
    chooseIdentity(all, accepted, preferred).provider
  assert.equal(choose(), 'local')
  assert.equal(choose(['google', 'corp']), 'corp', 'in the order of the person')
  assert.equal(choose(undefined, ['google']), 'google')
  assert.equal(choose(['corp', 'local'], ['google', 'corp']), 'corp')
  assert.equal(choose(['corp'], ['google']), 'corp')
  assert.equal(choose(['nobody'], ['nobody']), 'local')
})
