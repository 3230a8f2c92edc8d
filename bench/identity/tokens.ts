/**
 * What it costs to know who a request comes from, alone:
 * `node --expose-gc --conditions=hydra-source bench/identity/tokens.ts`.
 *
 * CPU time of the whole process, so that what happens beside the event loop counts as well; each figure is the median
 * over rounds. A token comes as it comes in a request, cut out of a head that was just read: no text is the one of the
 * request before.
 *
 * @module
 */
import { createKeyRing } from '../../packages/gateway/src/identity/key-ring.ts'
import type { Identity, Tokens } from '../../packages/gateway/src/identity/port.ts'
import { createSealer } from '../../packages/gateway/src/identity/sealing.ts'
import { createTokens } from '../../packages/gateway/src/identity/tokens.ts'
import { systemClock } from '../../packages/gateway/src/observe/clock.ts'
import { createMemoryIdentityStore } from '../../packages/gateway/src/store/identity/memory.ts'

export interface TokenRow {
  readonly what: string
  readonly isKnown: boolean
  readonly microsPerCheck: number
  readonly checksPerSecond: number
  readonly tokenBytes: number
}

const ROUNDS = 9
/** The first rounds warm up. */
const COLD_ROUNDS = 3
/** People who ask in turn. */
const PEOPLE = 1000
const KNOWN_CHECKS = 100_000
const HOUR = 3_600_000

const local: Identity = {
  ...{ provider: 'local', subject: 'hello', username: 'hello', userId: 7, roles: ['USER', 'MANAGER'] },
  claims: { email: 'hello@shop.example', city: 'Köln' },
}
const corp: Identity = {
  ...{ provider: 'corp', subject: 'auth0|5f7c8ec7c33c6c004bbafe82', username: 'h.ello', userId: null },
  ...{
    roles: ['STAFF'],
    claims: { email: 'hello@corp.example' },
    providerSession: '08a5019c-17e1-4977-8f42',
  },
}

/** Takes some seconds. */
export async function benchTokens(): Promise<readonly TokenRow[]> {
  const { make, clock } = await setUp()
  const rows: TokenRow[] = []
  for (const [who, identities] of [
    ['one identity', [local]],
    ['two identities', [local, corp]],
  ] as const) {
    const heads = await headsOf(make(), identities, clock.now())
    const tokenBytes = heads[0]!.length
    const known = make()
    for (const head of heads) await check(known, head)
    const knownMicros = await median(KNOWN_CHECKS, () => {
      let at = 0
      for (let i = 0; i < KNOWN_CHECKS; i += 1) {
        const found = known.verify(heads[at]!.toString('latin1'))
        if (typeof found !== 'object' || found instanceof Promise)
          throw new Error('a known token was not known')
        at = at + 1 === heads.length ? 0 : at + 1
      }
    })
    rows.push(row(`seen lately, ${who}`, true, knownMicros, tokenBytes))
    const newMicros = await median(PEOPLE, async () => {
      const fresh = make()
      // As many at once as a busy gateway has requests, so that the threads for signatures are used as there.
      for (let at = 0; at < heads.length; at += 16)
        await Promise.all(heads.slice(at, at + 16).map((head) => check(fresh, head)))
    })
    rows.push(row(`seen for the first time, ${who}`, false, newMicros, tokenBytes))
  }
  return rows
}

async function setUp() {
  const clock = systemClock
  const sealer = createSealer(['a private key of the bench'], 'token')
  const log = { info() {}, warn() {} }
  const store = createMemoryIdentityStore().keyRing
  const ring = await createKeyRing({ store, sealer, tokenLifeMs: HOUR, clock, log })
  const settings = { lifeMs: HOUR, renewAfterMs: HOUR / 2, idleMs: 8 * HOUR, maxBytes: 3800 }
  return { clock, make: () => createTokens({ ring, sealer, clock, settings }) }
}

/** Tokens of as many sessions, as bytes. */
async function headsOf(
  tokens: Tokens,
  identities: readonly Identity[],
  now: number,
): Promise<readonly Buffer[]> {
  const heads: Buffer[] = []
  for (let i = 0; i < PEOPLE; i += 1) {
    const sid = `${now.toString(36)}-${String(i).padStart(22, '0')}`
    const session = { sid, startedAt: now, seenAt: now, endsAt: now + 24 * HOUR, identities }
    heads.push(Buffer.from((await tokens.sign(session)).token))
  }
  return heads
}

async function check(tokens: Tokens, head: Buffer): Promise<void> {
  const found = await tokens.verify(head.toString('latin1'))
  if (typeof found === 'string') throw new Error(`a good token is ${found}`)
}

/** CPU µs of one of `count`, the median over rounds. */
async function median(count: number, run: () => void | Promise<void>): Promise<number> {
  const micros: number[] = []
  for (let round = -COLD_ROUNDS; round < ROUNDS; round += 1) {
    globalThis.gc?.()
    const began = process.cpuUsage()
    await run()
    const { user, system } = process.cpuUsage(began)
    if (round >= 0) micros.push((user + system) / count)
  }
  return micros.toSorted((a, b) => a - b)[micros.length >> 1]!
}

function row(what: string, isKnown: boolean, microsPerCheck: number, tokenBytes: number): TokenRow {
  return { what, isKnown, microsPerCheck, checksPerSecond: 1e6 / microsPerCheck, tokenBytes }
}

if (import.meta.main) {
  for (const { what, tokenBytes, microsPerCheck, checksPerSecond } of await benchTokens()) {
    const perSecond = Math.round(checksPerSecond).toLocaleString('en').padStart(12)
    console.log(
      `${what.padEnd(42)} ${tokenBytes} bytes ${microsPerCheck.toFixed(2).padStart(8)} µs ${perSecond} checks/s`,
    )
  }
}
