import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createManualClock } from '../observe/manual-clock.ts'
import { createForbiddenLog, type Demand } from './forbidden-log.ts'
import type { Caller } from './port.ts'

const mira = {
  identities: [
    { provider: 'local', roles: ['clerk', 'USER'] },
    { provider: 'corp', roles: Array.from({ length: 100 }, (_, at) => `G${at}`) },
  ],
} as unknown as Caller

function setUp() {
  const lines: Record<string, unknown>[] = []
  const clock = createManualClock()
  const log = { info: (fields: Record<string, unknown>) => void lines.push(fields) }
  const tell = createForbiddenLog({ roleMappings: () => ({ clerk: 'staff' }), clock, log: log as never })
  const lacks = (more: Partial<Demand> = {}, id = 'x1') =>
    tell({ id }, mira, { service: 'desk', access: { roles: ['ADMIN'] }, isByRule: false, ...more })
  return { lines, clock, lacks }
}

test('the log says which roles are needed, by whose word, and which somebody has there', () => {
  const { lines, lacks } = setUp()
  lacks()
  assert.deepEqual(lines, [
    {
      exchange: 'x1',
      service: 'desk',
      reason: 'role',
      needed: ['ADMIN'],
      has: ['STAFF', 'USER'],
      by: 'service',
    },
  ])
  lacks({ isByRule: true, access: { roles: ['BOSS'], providers: ['corp'] } })
  assert.deepEqual(
    [lines[1]?.needed, lines[1]?.by, (lines[1]!.has as unknown[]).length],
    [['BOSS'], 'identity.rules', 20],
  )
})

test('whoever asks again and again makes one line a minute', () => {
  const { lines, clock, lacks } = setUp()
  for (let at = 0; at < 500; at++) lacks()
  assert.equal(lines.length, 1)
  lacks({ service: 'till' })
  lacks({ access: { roles: ['OTHER'] } })
  assert.equal(lines.length, 3, 'what is asked for elsewhere is told')
  clock.advance(60_000)
  lacks()
  assert.deepEqual([lines.length, lines[3]?.similar], [4, 499])
  for (let at = 0; at < 3000; at++) lacks({ service: `s${at}` })
  lacks()
  assert.equal(lines.length, 3005, 'what is kept of it is bounded')
})
