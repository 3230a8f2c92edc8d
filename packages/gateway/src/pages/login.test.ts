import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type LoginFacts, loginPage } from './login.ts'

const facts: LoginFacts = {
  siteTitle: 'Shop',
  exchange: 'x',
  hidden: { csrf: 'c', ref: '/desk', service: 'desk' },
  username: '',
  hasForm: false,
  providers: [],
  notice: undefined,
  signedInAs: undefined,
  link: { title: 'Desk', knownBy: [] },
}

test('who can’t sign in for a service is not asked to', () => {
  for (const signedInAs of [undefined, 'mira']) {
    const { html } = loginPage({ ...facts, signedInAs })
    assert.match(html, /<h1>Desk knows you by a login that is not set up here<\/h1>/)
    assert.doesNotMatch(html, /Sign in (there|with it) once|opens everything|Afterwards|No way to sign in/)
    assert.match(html, /The people who run this site can change that/)
    assert.equal(
      html.includes('You are signed in as mira, which is good for the rest'),
      signedInAs === 'mira',
    )
  }
})

test('who can is', () => {
  const link = { title: 'Desk', knownBy: ['Keycloak'] }
  const providers = [{ label: 'Keycloak', href: '/_hydra/login/keycloak' }]
  const { html } = loginPage({ ...facts, signedInAs: 'mira', providers, link })
  assert.match(html, /Sign in there once as well/)
})
