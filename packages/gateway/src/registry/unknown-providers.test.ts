import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unknownProviders } from './unknown-providers.ts'

const known = ['local', 'keycloak']

test('providers nobody set up are named, with the one that was meant', () => {
  assert.equal(unknownProviders('m', [{}, { providers: ['keycloak', 'local'] }], known), undefined)
  assert.equal(
    unknownProviders('m', [{ providers: ['keycloack'] }, { providers: ['keycloack'] }], known),
    'm asks for sign-in providers that are not set up: "keycloack"; did you mean "keycloak"?',
  )
  assert.equal(
    unknownProviders('m', [{ providers: ['zz', 'entra'] }], known),
    'm asks for sign-in providers that are not set up: "entra", "zz"; there is local, keycloak',
  )
})

test('what a service makes up makes no long sentence', () => {
  const providers = Array.from({ length: 1000 }, (_, at) => `${at}`.padStart(300, 'x'))
  const said = unknownProviders('m', [{ providers }], known) ?? ''
  assert.ok(said.length < 600, `${said.length} characters`)
  assert.match(said, / and 995 more; /)
})
