import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RefDeclaration } from '@hydra-gateway/protocol'
import { refusalOf } from '../identity/access.ts'
import type { Caller } from '../identity/port.ts'
import type { Access } from '../routing/route.ts'
import type { FragmentIdentity } from './port.ts'
import { html, instanceOf, start, tag } from './testing/played-services.ts'

const ann = {
  jti: 'j1',
  token: 'ann.of.all',
  identities: [
    { provider: 'local', subject: 'ann', username: 'ann', userId: 1, roles: ['STAFF'], claims: {} },
  ],
} as unknown as Caller
const twice = {
  ...ann,
  identities: [...ann.identities, { ...ann.identities[0]!, provider: 'corp', roles: ['BOSS'] }],
} as Caller

type TokenFor = FragmentIdentity['serviceTokens']['tokenFor']

const identityWith = (
  tokenFor: TokenFor = ({ token }, { service }, accepted) => `${token} for ${service}${accepted ?? ''}`,
): Pick<FragmentIdentity, 'guard' | 'serviceTokens'> => ({
  guard: { admits: (caller, _, access) => refusalOf(caller, access, () => ({})) },
  serviceTokens: { tokenFor },
})

const refs = (all: Record<string, Access>) =>
  new Map(
    Object.entries(all).map(([ref, access]) => [ref, { ref, attributes: [], ...access } as RefDeclaration]),
  )

const cart = instanceOf('cart', {
  refs: refs({
    open: {},
    mine: { auth: 'required' },
    staff: { auth: 'required', roles: ['staff'] },
    boss: { auth: 'required', roles: ['BOSS'] },
    corp: { auth: 'required', providers: ['corp'] },
  }),
})

test('a fragment that is for some is asked for on their behalf only', async () => {
  for (const [caller, reasons] of [
    [undefined, [undefined, 'not-allowed', 'not-allowed', 'not-allowed', 'not-allowed']],
    [ann, [undefined, undefined, undefined, 'not-allowed', 'not-allowed']],
    [twice, [undefined, undefined, undefined, 'not-allowed', undefined]],
  ] as const) {
    const page = start({ services: [cart], identity: identityWith(), context: { caller } })
    page.add(...['open', 'mine', 'staff', 'boss', 'corp'].map((ref) => tag('cart', ref)))
    await page.go()
    for (const call of page.calls) call.answersWith((id) => ({ id, renderedHTML: 'x' }))
    await page.turn()
    assert.deepEqual(page.reasons(), reasons)
    assert.equal(page.isDone, true)
  }
})

test('where nobody can sign in, what is for some is for none', async () => {
  const page = start({ services: [cart], context: { token: 'as it came' } })
  page.add(tag('cart', 'open'), tag('cart', 'mine'))
  await page.go()
  assert.deepEqual(page.refs(), ['open'])
  assert.equal(page.calls[0]?.request.context?.token, 'as it came')
  assert.deepEqual(page.reasons(), [undefined, 'not-allowed'])
})

test('a service that doesn’t say what it renders is for whom it says as a whole', async () => {
  const old = instanceOf('old', { isOurs: false, access: { auth: 'required' } })
  const nobody = start({ services: [old], identity: identityWith() })
  nobody.add(tag('old', 'a'))
  await nobody.go()
  assert.deepEqual([nobody.reasons(), nobody.calls.length], [['not-allowed'], 0])
  const somebody = start({ services: [old], identity: identityWith(), context: { caller: ann } })
  somebody.add(tag('old', 'a'))
  await somebody.go()
  // Its protocol has no place for who it is.
  assert.deepEqual(somebody.calls[0]?.request.context, { depth: 1 })
})

test('each service is told who it is by a token of its own, never by that of the page', async () => {
  const services = [cart, instanceOf('menu'), instanceOf('mute', { login: 'none' })]
  const identity = identityWith(({ token }, { service, login }) =>
    login === 'none' ? undefined : `${token} for ${service}`,
  )
  const page = start({ services, identity, context: { caller: ann, token: 'of the page' } })
  page.add(tag('cart', 'open'), tag('menu', 'a'), tag('mute', 'a'))
  await page.go()
  assert.deepEqual(
    page.calls.map(({ request }) => request.context?.token),
    ['ann.of.all for cart', 'ann.of.all for menu', undefined],
  )
  const nobody = start({ services, identity, context: { token: 'of the page' } })
  nobody.add(tag('cart', 'open'))
  await nobody.go()
  assert.equal(nobody.calls[0]?.request.context?.token, undefined)
})

test('fragments that accept different identities of one visitor are asked for apart', async () => {
  const page = start({ services: [cart], identity: identityWith(), context: { caller: twice } })
  page.add(tag('cart', 'open'), tag('cart', 'corp'), tag('cart', 'mine'))
  await page.go()
  assert.deepEqual(
    page.calls.map(({ request }) => [request.requests.length, request.context?.token]),
    [
      [2, 'ann.of.all for cart'],
      [1, 'ann.of.all for cartcorp'],
    ],
  )
})

test('a token that has to be signed first is waited for, in the time of the page', async () => {
  let sign = (_: string): void => {}
  const identity = identityWith(
    () =>
      new Promise((resolve) => {
        sign = resolve
      }),
  )
  for (const via of ['rsocket', 'http'] as const) {
    const page = start({ services: [cart], identity, via, context: { caller: ann }, budgetMs: 1000 })
    page.add(tag('cart', 'mine'), tag('cart', 'staff'))
    await page.go()
    assert.equal(page.calls.length, 0)
    sign('signed')
    await page.turn()
    assert.deepEqual(page.refs(), ['mine', 'staff'])
    assert.ok(page.calls.every(({ request }) => request.context?.token === 'signed'))
    for (const call of page.calls) call.answersWith((_, ref) => html(ref, ref))
    await page.turn()

    const late = start({ services: [cart], identity, via, context: { caller: ann }, budgetMs: 1000 })
    late.add(tag('cart', 'mine'))
    await late.go()
    late.clock.advance(1001)
    await late.turn()
    assert.deepEqual(late.reasons(), ['budget'])
    sign('too late')
    await late.turn()
    assert.equal(late.calls.length, 0)

    const left = start({ services: [cart], identity, via, context: { caller: ann } })
    left.add(tag('cart', 'mine'))
    await left.go()
    left.resolution.cancel()
    sign('for nobody')
    await left.turn()
    assert.equal(left.calls.length, 0)
  }
})

test('a token that can’t be made costs the fragments it was for', async () => {
  const identity = identityWith((_, { service }) =>
    service === 'cart' ? Promise.reject(new Error('no key')) : 'token',
  )
  const page = start({ services: [cart, instanceOf('menu')], identity, context: { caller: ann } })
  page.add(tag('cart', 'mine'), tag('menu', 'a'))
  await page.go()
  await page.turn()
  assert.deepEqual(page.reasons(), ['failed', undefined])
  assert.equal(page.calls.length, 1)
})
