import assert from 'node:assert/strict'
import test from 'node:test'
import { createXrayPass, isLocalPath } from './xray-pass.ts'

const passOf = (privateKeys: readonly string[], at: { now: number }, isAlwaysOn = false) =>
  createXrayPass({ privateKeys, isAlwaysOn, clock: { now: () => at.now } })

function visitor(...cookies: string[]) {
  const headers = {
    get: () => cookies[0],
    all: () => cookies,
    flat: cookies.flatMap((cookie) => ['cookie', cookie]),
  }
  return { hasOurCookies: cookies.some((cookie) => cookie.includes('HYDRA-')), headers }
}

const passIn = (path: string): string => new URL(path, 'http://gateway').searchParams.get('pass')!
const cookieOf = (line: string): string => line.split(';')[0]!

test('a link turns X-ray on for an hour, and not a second longer', () => {
  const at = { now: 1_000_000_000_000 }
  const pass = passOf(['secret'], at)
  const { path, until } = pass.link('/catalog/can?a=1&b=2')
  assert.equal(new URL(path, 'http://gateway').searchParams.get('to'), '/catalog/can?a=1&b=2')
  const line = pass.admit(passIn(path), false)!
  assert.match(line, /^HYDRA-DEBUG=x1\.\d+\.[\w-]{22}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/)
  assert.equal(pass.isOn(visitor(`a=1; ${cookieOf(line)}`)), true)
  at.now = until * 1000 - 1
  assert.equal(pass.isOn(visitor(cookieOf(line))), true)
  at.now = until * 1000
  assert.equal(pass.isOn(visitor(cookieOf(line))), false)
  assert.equal(pass.admit(passIn(path), false), undefined)
})

test('a cookie behind TLS is for TLS only', () => {
  const at = { now: 1_000_000_000_000 }
  const pass = passOf(['secret'], at)
  assert.match(pass.admit(passIn(pass.link('/').path), true)!, /; Secure$/)
})

test('nobody turns X-ray on by a guess, a link used as a cookie, or a cookie of other keys', () => {
  const at = { now: 1_000_000_000_000 }
  const pass = passOf(['secret'], at)
  const link = passIn(pass.link('/').path)
  const theirs = cookieOf(passOf(['other'], at).admit(passIn(passOf(['other'], at).link('/').path), false)!)
  const [until] = link.split('.')
  for (const cookie of [
    `HYDRA-DEBUG=x1.${link}`,
    theirs,
    `HYDRA-DEBUG=x1.${until}.${'A'.repeat(22)}`,
    `HYDRA-DEBUG=x1.${Number(until) + 1}.${link.split('.')[1]}`,
    'HYDRA-DEBUG=x1.',
    'HYDRA-DEBUG=1',
    `HYDRA-DEBUG=x1.${'9'.repeat(5000)}`,
  ]) {
    assert.equal(pass.isOn(visitor(cookie)), false, cookie.slice(0, 60))
  }
  assert.equal(pass.admit(theirs.slice('HYDRA-DEBUG=x1.'.length), false), undefined)
  assert.equal(pass.isOn(visitor()), false)
})

test('a link of the old private key holds while both are valid', () => {
  const at = { now: 1_000_000_000_000 }
  const link = passIn(passOf(['old'], at).link('/').path)
  assert.ok(passOf(['new', 'old'], at).admit(link, false))
  assert.equal(passOf(['new'], at).admit(link, false), undefined)
})

test('the setting for development shows X-ray to everybody', () => {
  assert.equal(passOf(['secret'], { now: 0 }, true).isOn(visitor()), true)
})

test('a link leads to a path of this site only', () => {
  for (const path of ['/', '/catalog/can?x=1#top', '/a/%2F']) assert.equal(isLocalPath(path), true, path)
  for (const path of [
    '',
    'catalog',
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a b',
    '/\r\nx: y',
  ])
    assert.equal(isLocalPath(path), false, path)
})
