import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSessionCookies } from './session-cookies.ts'

const SID = `${(1_700_000_000_000).toString(36)}-${'a'.repeat(22)}`
const PARTS = { sid: SID, token: 't.o.k', tokenMs: 3_600_000, sealed: 's', sessionMs: 28_800_000 }
const asked = (cookie?: string, secure = false) => ({
  secure,
  headers: { get: () => cookie, all: () => (cookie === undefined ? [] : [cookie]), flat: [] },
})
const pairs = (lines: readonly string[]) => lines.map((line) => line.split(';')[0]).join('; ')

test('what a session sets comes back, and clearing names the same cookies and paths', () => {
  const cookies = createSessionCookies({ host: false, privateKeys: ['key'] })
  const lines = cookies.set(asked(), PARTS)
  assert.equal(lines[0], 'HYDRA-SSO=t.o.k; Path=/; Max-Age=3600; HttpOnly; SameSite=Lax')
  assert.equal(lines[1], 'HYDRA-SESSION=s; Path=/_hydra/session; Max-Age=28800; HttpOnly; SameSite=Lax')
  const back = asked(pairs(lines))
  assert.equal(cookies.token(back), 't.o.k')
  assert.equal(cookies.sealed(back), 's')
  assert.equal(cookies.sid(back), SID)
  const paths = (all: readonly string[]) =>
    all.map((line) => [line.split('=')[0], /Path=[^;]+/.exec(line)?.[0]])
  assert.deepEqual(paths(cookies.clear(asked())), paths(lines))
  assert.ok(cookies.clear(asked()).every((line) => line.includes('Max-Age=0')))
})

test('cookies are Secure over TLS, with an https public URL, and always with __Host-', () => {
  const set = (settings: { host: boolean; secure?: boolean }, secure: boolean) =>
    createSessionCookies({ ...settings, privateKeys: ['key'] }).set(asked(undefined, secure), PARTS)
  assert.ok(set({ host: false }, true).every((line) => line.endsWith('; Secure')))
  assert.ok(set({ host: false, secure: true }, false).every((line) => line.endsWith('; Secure')))
  const host = set({ host: true }, false)
  assert.ok(host.every((line) => line.endsWith('; Secure')))
  assert.match(host[0]!, /^__Host-HYDRA-SSO=/)
})

test('with __Host- the plain names count for nothing, and a session needs its signed id', () => {
  const cookies = createSessionCookies({ host: true, privateKeys: ['key'] })
  const plain = createSessionCookies({ host: false, privateKeys: ['key'] })
  const tossed = asked(pairs(plain.set(asked(), PARTS)))
  assert.equal(cookies.token(tossed), undefined)
  assert.equal(cookies.owns(tossed, SID), false)
  assert.ok(cookies.owns(asked(pairs(cookies.set(asked(), PARTS))), SID))
})

test('a cookie that came twice is none', () => {
  const cookies = createSessionCookies({ host: false, privateKeys: ['key'] })
  assert.equal(cookies.token(asked('HYDRA-SSO=a; HYDRA-SSO=b')), undefined)
  assert.equal(cookies.sealed(asked('HYDRA-SESSION=a; HYDRA-SESSION=a')), undefined)
  assert.equal(cookies.token(asked('HYDRA-SSO=')), undefined)
})

test('a session id that nobody here signed is none; one of a key on its way out still is', () => {
  const old = createSessionCookies({ host: false, privateKeys: ['old'] })
  const both = createSessionCookies({ host: false, privateKeys: ['new', 'old'] })
  const only = createSessionCookies({ host: false, privateKeys: ['new'] })
  const back = asked(pairs(old.set(asked(), PARTS)))
  assert.equal(both.sid(back), SID)
  assert.equal(only.sid(back), undefined)
  for (const forged of ['1', `${SID}`, `${SID}.${'A'.repeat(22)}`, `.${'A'.repeat(22)}`, 'x'.repeat(300)])
    assert.equal(both.sid(asked(`HYDRA-RENEW=${forged}`)), undefined, forged)
})
