import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../../observe/manual-clock.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import { createSealer } from '../sealing.ts'
import { createFlows, FLOW_MS } from './flows.ts'
import { createUsedUp } from './used-up.ts'

const clock = createManualClock()
const sealer = createSealer(['p'.repeat(32)], 'oidc flow')

function flowsOf({ isHost = false, isSecure = false } = {}) {
  const used = createUsedUp({ keepMs: FLOW_MS, clock })
  return createFlows({ sealer, used, isHost, isSecure, clock })
}

/** A browser's cookies, as a request brings them. */
function exchangeWith(cookies: ReadonlyMap<string, string>): Exchange {
  const line = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return { headers: { all: () => (line === '' ? [] : [line]) } } as unknown as Exchange
}

function apply(cookies: Map<string, string>, lines: readonly string[]): void {
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    if (line.includes('Max-Age=0')) cookies.delete(name)
    else cookies.set(name, value)
  }
}

function started(state: string, provider = 'corp') {
  return { provider, state, nonce: 'n', verifier: 'v', ref: '/orders?x=1' }
}

test('a sign-in that was begun is finished once, by the browser that began it', async () => {
  const flows = flowsOf()
  const cookies = new Map<string, string>()
  apply(cookies, await flows.keep(exchangeWith(cookies), started('state-one-1')))
  assert.deepEqual([...cookies.keys()], ['HYDRA-OIDC-state-on'])

  const foreign = await flows.take(exchangeWith(new Map()), 'corp', ['state-one-1'])
  assert.deepEqual(foreign, { flow: 'state-unknown', cookies: [] })

  const again = exchangeWith(new Map(cookies))
  const { flow, cookies: lines } = await flows.take(again, 'corp', ['state-one-1'])
  assert.equal((flow as { ref: string }).ref, '/orders?x=1')
  apply(cookies, lines)
  assert.equal(cookies.size, 0)
  assert.equal((await flows.take(again, 'corp', ['state-one-1'])).flow, 'state-used')
})

test('a state fits its own cookie, its own provider, and its time', async () => {
  const flows = flowsOf()
  const cookies = new Map<string, string>()
  apply(cookies, await flows.keep(exchangeWith(cookies), started('state-two-1')))
  const exchange = exchangeWith(cookies)
  assert.equal((await flows.take(exchange, 'corp', ['state-two-2'])).flow, 'state-unknown')
  assert.equal((await flows.take(exchange, 'other', ['state-two-1'])).flow, 'state-unknown')
  assert.equal((await flows.take(exchange, 'corp', ['state-two-1', 'state-two-1'])).flow, 'state-missing')
  assert.equal((await flows.take(exchange, 'corp', [])).flow, 'state-missing')
  assert.equal((await flows.take(exchange, 'corp', ['a=b; c'])).flow, 'state-missing')
  clock.advance(FLOW_MS + 1)
  assert.equal((await flows.take(exchange, 'corp', ['state-two-1'])).flow, 'state-expired')
})

test('what was sealed for something else, and what nobody sealed, is no sign-in', async () => {
  const flows = flowsOf()
  const state = 'state-six-1'
  const other = await sealer.seal({ ...started(state), use: 'session', at: clock.now() })
  const elsewhere = await createSealer(['q'.repeat(32)], 'oidc flow').seal({
    ...started(state),
    use: 'oidc',
    at: clock.now(),
  })
  for (const value of [other, elsewhere, 'x', '', 'x'.repeat(9000)]) {
    const exchange = exchangeWith(new Map([['HYDRA-OIDC-state-si', value]]))
    assert.equal((await flows.take(exchange, 'corp', [state])).flow, 'state-unknown')
  }
})

test('five at once in one browser: the oldest gives way, what is over is cleared', async () => {
  const flows = flowsOf()
  const cookies = new Map<string, string>([['HYDRA-OIDC-garbage1', 'x']])
  for (let i = 0; i < 7; i++) {
    apply(cookies, await flows.keep(exchangeWith(cookies), started(`tab${i}-state`, i % 2 ? 'a' : 'b')))
    clock.advance(1000)
    assert.ok(cookies.size <= 5)
  }
  const kept = [2, 3, 4, 5, 6].map((i) => `HYDRA-OIDC-tab${i}-sta`)
  assert.deepEqual([...cookies.keys()].sort(), kept)
  const { flow } = await flows.take(exchangeWith(cookies), 'b', ['tab4-state'])
  assert.equal(typeof flow, 'object')
})

test('a browser with heaps of them loses them all', async () => {
  const flows = flowsOf()
  const cookies = new Map(Array.from({ length: 50 }, (_, i) => [`HYDRA-OIDC-${10000000 + i}`, 'x']))
  apply(cookies, await flows.keep(exchangeWith(cookies), started('last-state')))
  assert.deepEqual([...cookies.keys()], ['HYDRA-OIDC-last-sta'])
})

test('cookies say what browsers need to keep them safe', async () => {
  const [line] = await flowsOf({ isSecure: true }).keep(exchangeWith(new Map()), started('abcdefgh1'))
  assert.match(
    line!,
    /^HYDRA-OIDC-abcdefgh=[\w.-]+; Path=\/_hydra\/login; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
  )
  const [host] = await flowsOf({ isSecure: true, isHost: true }).keep(
    exchangeWith(new Map()),
    started('abcdefgh2'),
  )
  assert.match(
    host!,
    /^__Host-HYDRA-OIDC-abcdefgh=[\w.-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
  )
  assert.ok(host!.length < 1000, 'five of them fit beside everything else')
})
