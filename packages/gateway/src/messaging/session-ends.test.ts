import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../../../../test/support/eventually.ts'
import { openClient } from '../../../../test/support/message-client.ts'
import type { Caller } from '../identity/port.ts'
import type { MessagingIdentity } from './messaging.ts'
import type { Owner } from './owner.ts'
import { type MessagingRig, startMessaging, testCluster } from './testing/rig.ts'

const LIFE_MS = 600
const COOKIE = { headers: { cookie: 'HYDRA-SSO=ann' } }
const PING = { to: 'hydra-router:/', typ: 'ping' }

/** What nodes know together: who was revoked, and until when sessions last that were renewed. */
interface Known {
  readonly revoked: Set<string>
  readonly renewed: Map<string, number>
}
const nobodyKnows = (): Known => ({ revoked: new Set(), renewed: new Map() })

/** A node of a cluster where everybody is signed in as ann for a moment. What others know it hears by asking. */
async function nodeWithAnn(t: TestContext, { revoked, renewed }: Known) {
  const listeners: (() => void)[] = []
  const heard = new Map<string, number>()
  const sessionEndsAt = Date.now() + LIFE_MS
  const isRevoked = ({ revocableAs }: Owner): boolean => revocableAs.some((key) => revoked.has(key))
  const isPast = ({ sid }: Owner): boolean => Date.now() >= (heard.get(sid) ?? sessionEndsAt)
  const identity: MessagingIdentity = {
    guard: {
      identify(exchange) {
        const facts = { sid: 'ann', startedAt: Date.now(), sessionEndsAt, revocableAs: ['session:ann'] }
        if (exchange.headers.get('cookie')) exchange.caller = facts as unknown as Caller
      },
    },
    book: { opened: () => () => {} },
    serviceTokens: { tokenFor: () => undefined },
    isOver: (owner) => isRevoked(owner) || (heard.has(owner.sid) && isPast(owner)),
    async hasEnded(owner) {
      await delay(1)
      if (isPast(owner)) heard.set(owner.sid, renewed.get(owner.sid) ?? sessionEndsAt)
      return isRevoked(owner) || isPast(owner)
    },
    onEnds: (listener) => void listeners.push(listener),
    refusalOf: () => undefined,
  }
  const rig = await startMessaging(t, { cluster: testCluster(), identity })
  const look = (): void => {
    for (const listener of listeners) listener()
  }
  const timer = setInterval(look, 100)
  t.after(() => clearInterval(timer))
  return { rig, look, ask: () => identity.hasEnded!({ sid: 'ann', revocableAs: [] } as unknown as Owner) }
}

const push = ({ messaging }: MessagingRig, client: string) =>
  messaging.messenger.send(
    {
      ...{ to: 'hydra-router:/', forward: `${client}@client:/`, from: 'orders:/', mid: 'push', body: 1 },
      ...{ timestamp: '2026-01-01T00:00:00.000Z', version: 'UMF/1.4.6', type: 'news' },
    },
    { kind: 'service', service: 'orders', instance: 'orders-1' },
  )

test('a session that was renewed at another node keeps its socket and its mail here, until it is revoked', async (t) => {
  const known = nobodyKnows()
  const { rig, look } = await nodeWithAnn(t, known)
  const here = await openClient(t, rig.socketUrl, COOKIE)
  const away = await openClient(t, rig.socketUrl, COOKIE)
  await away.ask(PING)
  await away.close()
  known.renewed.set('ann', Date.now() + 60_000)
  await delay(LIFE_MS + 500)
  assert.equal((await here.ask(PING)).typ, 'pong')
  assert.equal((await push(rig, away.id)).ok, true)

  known.revoked.add('session:ann')
  const from = performance.now()
  look()
  assert.equal(await here.closed(), 4401)
  assert.ok(performance.now() - from < 1000)
  await eventually(async () => assert.equal((await push(rig, away.id)).ok, false))
})

test('a session that nobody renewed ends when its time is over, and others have said so', async (t) => {
  const { rig, ask } = await nodeWithAnn(t, nobodyKnows())
  const here = await openClient(t, rig.socketUrl, COOKIE)
  await delay(LIFE_MS + 300)
  assert.equal((await here.ask(PING)).typ, 'pong')
  assert.equal(await ask(), true)
  assert.equal(await here.closed(), 4401)
})
