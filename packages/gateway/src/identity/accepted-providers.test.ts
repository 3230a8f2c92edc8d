import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAcceptedProviders } from './accepted-providers.ts'

const routes = [
  { service: 'shop', providers: undefined },
  { service: 'desk', providers: ['corp'] },
  { service: 'desk', providers: ['local', 'corp'] },
]
const table = () => ({ routes: () => routes })

test('a service takes people from the providers its routes and the rules about it name', () => {
  const accepted = createAcceptedProviders({
    table,
    rules: [{ service: 'de.*', providers: ['partner'] }],
  })
  assert.deepEqual(accepted('desk'), ['corp', 'local', 'partner'])
  assert.equal(accepted('shop'), undefined)
})

test('a rule about all services says nothing of one that does not exist', () => {
  const accepted = createAcceptedProviders({
    table: () => ({ routes: () => [...routes] }),
    rules: [{ providers: ['corp'] }],
  })
  assert.deepEqual(accepted('shop'), ['corp'])
  for (const name of ['Your account is locked. Call 555-0100', '__proto__', 'constructor', ''])
    assert.equal(accepted(name), undefined)
})
