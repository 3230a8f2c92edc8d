import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import type { Caller } from './port.ts'
import { createSessionBook } from './session-book.ts'

const START = Date.parse('2026-05-01T08:00:00Z')
const HOUR = 3_600_000

function caller(n: number, more: Partial<Caller> & { username?: string } = {}): Caller {
  const { username = 'ada', ...rest } = more
  const sid = `${(START + n).toString(36)}-AAAAAAAAAAAAAAAAAAAAAA`
  return {
    token: 'secret',
    kid: 'k',
    jti: `j${n}`,
    sid,
    startedAt: START + n,
    expiresAt: START + HOUR,
    sessionEndsAt: START + 8 * HOUR,
    renewAt: START + HOUR / 2,
    identities: [{ provider: 'local', subject: username, username, userId: null, roles: [], claims: {} }],
    providers: ['local'],
    revocableAs: [`session:${sid}`, `user:local:${username}`, `user:${username}`],
    ...rest,
  }
}

function parts(settings: { most?: number } = {}) {
  const clock = createManualClock(START)
  const revoked = new Set<string>()
  const isRevoked = ({ revocableAs }: { revocableAs: readonly string[] }) =>
    revocableAs.some((key) => revoked.has(key))
  return { clock, revoked, book: createSessionBook({ revocations: { isRevoked }, clock, settings }) }
}

test('a session is listed as it was seen last, without its token', () => {
  const { clock, book } = parts()
  book.seen(caller(1), '10.0.0.1')
  clock.advance(HOUR)
  book.seen(caller(1, { sessionEndsAt: START + 9 * HOUR }), '10.0.0.2')
  assert.deepEqual(book.list(), {
    sessions: [
      {
        sid: caller(1).sid,
        username: 'ada',
        identity: 'local:ada',
        providers: ['local'],
        startedAt: START + 1,
        seenAt: START + HOUR,
        endsAt: START + 9 * HOUR,
        address: '10.0.0.2',
        sockets: 0,
      },
    ],
    total: 1,
    next: undefined,
  })
  assert.equal(book.endsAt(caller(1).sid), START + 9 * HOUR)
  assert.equal(book.endsAt('unknown'), undefined)
})

test('an older token that is seen late does not shorten the session', () => {
  const { book } = parts()
  book.seen(caller(1, { sessionEndsAt: START + 9 * HOUR }), undefined)
  book.seen(caller(1), undefined)
  assert.equal(book.endsAt(caller(1).sid), START + 9 * HOUR)
})

test('open sockets are counted until they close, each once', () => {
  const { book } = parts()
  const close = book.opened(caller(1), undefined)
  book.opened(caller(1), undefined)
  assert.equal(book.list().sessions[0]?.sockets, 2)
  close()
  close()
  assert.equal(book.list().sessions[0]?.sockets, 1)
})

test('sessions that are over are not listed', () => {
  const { clock, revoked, book } = parts()
  book.seen(caller(1), undefined)
  book.seen(caller(2, { username: 'bob' }), undefined)
  revoked.add('user:bob')
  assert.equal(book.list().total, 1)
  clock.advance(8 * HOUR)
  assert.equal(book.list().total, 0)
})

test('a user is found by name and by identity', () => {
  const { book } = parts()
  book.seen(caller(1), undefined)
  book.seen(caller(2, { username: 'zo\u00eb' }), undefined)
  const found = (user: string) => book.list({ user }).sessions.map(({ username }) => username)
  assert.deepEqual(found('zoe\u0308'), ['zo\u00eb'])
  assert.deepEqual(found('local:ada'), ['ada'])
  assert.deepEqual(found('ad'), [])
})

test('pages come one after the other, the latest sign-in first', () => {
  const { book } = parts()
  for (const n of [3, 1, 5, 4, 2]) book.seen(caller(n), undefined)
  const seen: number[] = []
  let after: string | undefined
  do {
    const page = book.list({ limit: 2, ...(after === undefined ? {} : { after }) })
    assert.equal(page.total, 5)
    seen.push(...page.sessions.map(({ startedAt }) => startedAt - START))
    after = page.next
  } while (after !== undefined)
  assert.deepEqual(seen, [5, 4, 3, 2, 1])
})

test('of too many the one not seen for longest is forgotten, and rather one without sockets', () => {
  const { book } = parts({ most: 3 })
  book.opened(caller(1), undefined)
  book.seen(caller(2), undefined)
  book.seen(caller(3), undefined)
  book.seen(caller(2), undefined)
  book.seen(caller(4), undefined)
  const left = () => book.list().sessions.map(({ startedAt }) => startedAt - START)
  assert.deepEqual(left(), [4, 2, 1])
})

test('a hundred thousand sessions are paged through without standing still', () => {
  const { book } = parts()
  for (let n = 0; n < 100_000; n++) book.seen(caller(n), '10.0.0.1')
  const began = performance.now()
  const { sessions, total } = book.list({ limit: 100 })
  const tookMs = performance.now() - began
  assert.deepEqual([sessions.length, total], [100, 100_000])
  assert.ok(tookMs < 2000, `${tookMs} ms`)
})
