import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Caller, TokenFault } from '../identity/port.ts'
import { createCallerOf } from './page-caller.ts'

const ann = { jti: 'ann' } as Caller
const bob = { jti: 'bob' } as Caller

function setUp(isLater: boolean) {
  const counted: string[] = []
  const said = (token: string, audience: string | undefined): Caller | TokenFault => {
    if (token === 'shared') return audience === undefined ? ann : 'audience'
    if (token === 'for shop') return audience === 'shop' ? ann : 'audience'
    return token === 'ended' ? bob : 'forged'
  }
  const callerOf = createCallerOf({
    tokens: {
      verify: (token, audience) => (isLater ? Promise.resolve(said(token, audience)) : said(token, audience)),
    },
    revocations: { isRevoked: (who) => who === bob },
    // What it returns is nobody.
    metrics: { refused: (what, reason) => counted.push(`${what} ${reason}`) },
  })
  return { callerOf, counted }
}

for (const isLater of [false, true]) {
  test(`a page names who is signed in by the token its service has (${isLater ? 'new' : 'seen'})`, async () => {
    const { callerOf, counted } = setUp(isLater)
    assert.equal(await callerOf('shared', 'shop'), ann)
    assert.equal(await callerOf('shared', undefined), ann)
    assert.equal(await callerOf('for shop', 'shop'), ann)
    assert.deepEqual(counted, [])
    assert.equal(await callerOf('for shop', 'other'), undefined)
    assert.equal(await callerOf('for shop', undefined), undefined)
    assert.equal(await callerOf('nonsense', 'shop'), undefined)
    assert.equal(await callerOf('ended', 'shop'), undefined)
    assert.deepEqual(counted, ['login audience', 'login audience', 'login forged', 'login revoked'])
    if (!isLater) assert.equal(callerOf('shared', 'shop'), ann)
  })
}
