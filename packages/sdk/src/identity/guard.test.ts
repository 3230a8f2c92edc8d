import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { optionalUser, requireUser, userOrAnswer } from '../adapters/node-guard.ts'
import { type GuardOptions, guardOf, keepIdentity, userOf } from './guard.ts'
import { createIdentitySide } from './side.ts'
import { answerOf, createSigner } from './testing/signer.ts'

const signer = await createSigner('k1')

/** A service whose gateway says these keys, or is away. */
function service({ isTold = true } = {}) {
  const quiet = { info() {}, warn() {}, error() {} }
  const side = createIdentitySide({
    options: { name: 'orders' },
    log: quiet,
    env: {},
    now: Date.now,
    times: { pauseMs: 50, firstMs: 50 },
  })
  if (isTold) {
    side.connected({ keys: async () => answerOf(signer) })
    side.registered({ publicKey: 'k1', roleMappings: {} })
  }
  const one = { verify: async (request: object) => (await side.examine(request)).verified }
  keepIdentity(one, side)
  return one
}

type Handler = (request: IncomingMessage & { user?: unknown }, response: ServerResponse) => void

/** A server that answers with who it sees, behind a guard; asks it. */
async function behind(t: TestContext, guard: ReturnType<typeof requireUser>) {
  const handler: Handler = (request, response) =>
    void response.end(JSON.stringify([request.user ?? null, userOf(request) === request.user]))
  const server = createServer((request, response) => {
    guard(request, response, (fault) =>
      fault ? response.writeHead(500).end(String(fault)) : handler(request, response),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  // Not fetch, which says `Sec-Fetch-Mode: cors` whatever it is told.
  return async (headers: Record<string, string> = {}) => {
    const asked = get({ host: '127.0.0.1', port, headers, agent: false })
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const lines = answer.headers as Readonly<Record<string, string | undefined>>
    return { status: answer.statusCode, header: (name: string) => lines[name], text: await text(answer) }
  }
}

const navigation = { 'sec-fetch-mode': 'navigate', accept: 'text/html' }
const cookieOf = async (claims = {}) => ({ cookie: `HYDRA-SSO=${await signer.sign(claims)}` })

test('who is signed in goes on, with their name on the request', async (t) => {
  const ask = await behind(t, requireUser(service()))
  const answer = await ask(await cookieOf())
  assert.equal(answer.status, 200)
  const [user, isKept] = JSON.parse(answer.text)
  assert.deepEqual([user.username, user.roles, isKept], ['mira', ['ADMIN', 'STAFF'], true])
})

test('programs are answered 401 with the way to sign in, pages 401 without, which the gateway leads there', async (t) => {
  const ask = await behind(t, requireUser(service()))
  const program = await ask({ 'x-request-id': 'e7' })
  assert.equal(program.status, 401)
  assert.equal(program.header('content-type'), 'application/problem+json')
  assert.equal(program.header('cache-control'), 'no-store')
  assert.equal(
    program.header('www-authenticate'),
    'Cookie realm="hydra", form-action="/login", cookie-name=HYDRA-SSO',
  )
  assert.deepEqual(JSON.parse(program.text), {
    type: '/_hydra/errors/HYDRA_LOGIN_REQUIRED',
    status: 401,
    title: 'Sign in to go on',
    detail: 'Nobody is signed in.',
    code: 'HYDRA_LOGIN_REQUIRED',
    exchange: 'e7',
  })
  const page = await ask(navigation)
  assert.equal(page.status, 401)
  assert.equal(page.header('www-authenticate'), undefined)
  assert.match(page.text, /^<!doctype html>.*<h1>Sign in to go on<\/h1>/)
  assert.equal(
    (await ask({ 'sec-fetch-mode': 'cors', accept: 'text/html' })).header('www-authenticate') !== undefined,
    true,
  )
})

test('roles and providers are asked for in the words of the service', async (t) => {
  const clerk = await behind(t, requireUser(service(), { roles: ['clerk', 'Staff'] }))
  assert.equal((await clerk(await cookieOf())).status, 200)
  const refused = await clerk(await cookieOf({ roles: ['guest'] }))
  assert.deepEqual([refused.status, JSON.parse(refused.text).code], [403, 'HYDRA_FORBIDDEN'])
  assert.equal(refused.header('www-authenticate'), undefined)
  const corp = await behind(t, requireUser(service(), { providers: ['corp<'] }))
  const unknown = await corp({ ...(await cookieOf()), ...navigation })
  assert.equal(unknown.status, 403)
  assert.match(unknown.text, /Sign in by corp&#60; to see this/)
  assert.equal((await corp(await cookieOf({ idp: ['local', 'corp<'] }))).status, 200)
})

test('what can’t be verified is 503, so that nobody is led to a sign-in and back for ever', async (t) => {
  const away = await behind(t, requireUser(service({ isTold: false })))
  const answer = await away(await cookieOf())
  assert.deepEqual([answer.status, answer.header('retry-after')], [503, '1'])
  assert.equal(JSON.parse(answer.text).code, 'HYDRA_KEYS_UNKNOWN')
  const ask = await behind(t, requireUser(service()))
  const stranger = await createSigner('k1')
  const forged = { cookie: `HYDRA-SSO=${await stranger.sign()}` }
  assert.equal((await ask({ ...forged, ...navigation })).status, 401, 'around the gateway')
  assert.equal((await ask({ ...forged, ...navigation, 'hydra-path': 'orders' })).status, 503, 'through it')
})

test('optionalUser lets everybody through', async (t) => {
  const ask = await behind(t, optionalUser(service()))
  assert.equal((await ask()).text, '[null,true]')
  assert.match((await ask(await cookieOf())).text, /^\[\{.*"mira"/)
  const away = await behind(t, optionalUser(service({ isTold: false })))
  assert.match((await away(await cookieOf())).text, /^\[null/)
})

test('a server without middleware asks by itself', async (t) => {
  const one = service()
  const server = createServer(async (request, response) => {
    const user = await userOrAnswer(one, request, response, { roles: ['ADMIN'] })
    if (user) response.end(`hello ${user.name}`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  assert.equal(await (await fetch(url, { headers: await cookieOf() })).text(), 'hello mira')
  assert.equal((await fetch(url)).status, 401)
})

test('a service may come after its routes, and one made for a test needs nothing but verify', async (t) => {
  let late: ReturnType<typeof service> | undefined
  const ask = await behind(
    t,
    requireUser(() => late!),
  )
  late = service()
  assert.equal((await ask(await cookieOf())).status, 200)
  const mira = { user: { username: 'mira', name: 'Mira', id: 1, sub: 'local:mira', roles: [] } }
  const stub = await behind(t, requireUser({ verify: async () => mira as never }))
  assert.match((await stub()).text, /"Mira"/)
  const broken = await behind(
    t,
    requireUser({ verify: () => Promise.reject(new Error('a fault of its own')) }),
  )
  assert.deepEqual([(await broken()).status, (await broken()).text], [500, 'Error: a fault of its own'])
})

test('a guard says whom it is for, and takes no option it doesn’t know', () => {
  const one = service()
  assert.deepEqual(guardOf(requireUser(one)), { auth: 'required' })
  assert.deepEqual(guardOf(requireUser(one, { roles: ['A'] })), { auth: 'required', roles: ['A'] })
  assert.equal(guardOf(optionalUser(one)), undefined)
  const wrong = (options: object) => () => requireUser(one, options as GuardOptions)
  assert.throws(wrong({ role: 'ADMIN' }), /"role" is no option: there are roles and providers/)
  assert.throws(wrong({ roles: 'ADMIN' }), /roles must be a list such as \['ADMIN'\]/)
  assert.throws(wrong({ roles: [] }), /roles must be a list/)
})

test('a guard without its service is a mistake that is said at once', () => {
  const make = requireUser as (...given: unknown[]) => unknown
  const isSaid = (given: unknown, words: RegExp) =>
    assert.throws(() => make(given), { name: 'TypeError', message: words })
  isSaid(undefined, /^requireUser: the first argument has to be the service that hydra\(…\) resolves with/)
  isSaid({ roles: ['ADMIN'] }, /has to be the service/)
  isSaid(Promise.resolve(service()), /is a promise: await hydra\(…\)/)
  assert.throws(() => optionalUser(undefined as never), /^TypeError: optionalUser: /)
  assert.equal(typeof requireUser(() => service()), 'function')
})
