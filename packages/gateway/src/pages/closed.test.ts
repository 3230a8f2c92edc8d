import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loginRequiredPage } from './closed.ts'

const facts = {
  siteTitle: 'Shop',
  code: 'HYDRA_LOGIN_REQUIRED',
  exchange: 'x',
  method: 'GET',
  path: '/desk',
  service: 'Desk',
  openPages: [],
  detail: 'This address is for people who signed in, and nobody can sign in at this gateway yet.',
  person: undefined,
} as const

test('where nobody can sign in nobody is asked to, and it is said once', () => {
  const { html } = loginRequiredPage({ ...facts, signIn: undefined })
  assert.match(html, /<h1>Desk is for people who sign in<\/h1>/)
  assert.equal(html.match(/nobody can sign in/gi)?.length, 1)
  assert.doesNotMatch(html, /Sign in to go on|href="\/login/)
})

test('where somebody can, the way there is the first button', () => {
  const { html } = loginRequiredPage({ ...facts, signIn: '/login?ref=%2Fdesk' })
  assert.match(html, /<h1>Sign in to go on with Desk<\/h1>/)
  assert.match(html, /<a class="button" href="\/login\?ref=%2Fdesk">Sign in<\/a>/)
})
