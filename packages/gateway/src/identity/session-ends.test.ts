import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { createManualClock } from '../observe/manual-clock.ts'
import { createMemoryMailboxes } from '../store/mailboxes/memory.ts'
import type { MailboxStore } from '../store/mailboxes/port.ts'
import { createSessionEnds, type Lasting } from './session-ends.ts'
import { createAskedLives, createStoredLives, type SessionLives } from './session-lives.ts'

const LIFE_MS = 10_000
const ABSOLUTE_MS = 100_000
const LOOK_MS = 5000

/** Nodes that share a store which may be away, and somebody who is signed in. */
function rig() {
  const clock = createManualClock()
  const begin = clock.now()
  const shared = createMemoryMailboxes({ clock })
  let isAway = false
  let reads = 0
  const orAway = <Result>(work: () => Promise<Result>): Promise<Result> =>
    isAway ? Promise.reject(new Error('away')) : work()
  const mailboxes: Pick<MailboxStore, 'open' | 'read'> = {
    open: (...asked) => orAway(() => shared.open(...asked)),
    read(...asked) {
      reads++
      return orAway(() => shared.read(...asked))
    },
  }
  const revoked = new Set<string>()
  const node = (given?: SessionLives) => {
    const lives = createStoredLives({ mailboxes, clock })
    const seen = new Map<string, number>()
    let onRevoked = (): void => {}
    const ends = createSessionEnds({
      revocations: {
        isRevoked: ({ revocableAs }) => revocableAs.some((key) => revoked.has(key)),
        onRevoked(listener) {
          onRevoked = () => listener([])
          return () => {}
        },
      },
      book: { endsAt: (sid) => seen.get(sid) },
      lives: given ?? lives,
      settings: { absoluteMs: ABSOLUTE_MS },
      clock,
    })
    const open = new Set<Lasting>()
    ends.onEnds(() => {
      for (const one of open) if (ends.isOver(one)) open.delete(one)
    })
    return { ...ends, lives, open, onRevoked: () => onRevoked() }
  }
  const session = (sid: string): Lasting => ({
    ...{ sid, startedAt: begin, sessionEndsAt: begin + LIFE_MS, revocableAs: [`session:${sid}`] },
  })
  return {
    ...{ clock, begin, node, session, revoked, shared },
    reads: () => reads,
    setAway: (is: boolean) => (isAway = is),
    /** Time passes, and what was asked is answered. */
    async pass(ms: number): Promise<void> {
      clock.advance(ms)
      for (let i = 0; i < 20; i++) await turn()
    },
  }
}

test('what is open lives as long as its session, which was renewed at another node', async () => {
  const { clock, begin, node, session, pass, reads } = rig()
  const [one, two] = [node(), node()]
  const ann = session('ann')
  two.open.add(ann)
  one.lives.renewed('ann', begin + 3 * LIFE_MS)
  await pass(LIFE_MS - 1)
  const before = reads()
  assert.equal(two.isOver(ann), false)
  assert.equal(reads(), before, 'nobody asks while its own time lasts')
  await pass(2 * LOOK_MS)
  assert.equal(two.open.size, 1)
  assert.equal(two.endsAt('ann'), begin + 3 * LIFE_MS)
  assert.equal(reads(), before + 1, 'what was said holds until its time is over')

  await pass(begin + 3 * LIFE_MS - 1 - clock.now())
  assert.equal(two.open.size, 1)
  await pass(LOOK_MS)
  assert.equal(two.open.size, 0)
})

test('a session that nobody renewed ends with the next look, and one that is revoked at once', async () => {
  const { node, session, revoked, pass } = rig()
  const here = node()
  const [ann, bob] = [session('ann'), session('bob')]
  here.open.add(ann).add(bob)
  revoked.add('session:bob')
  here.onRevoked()
  assert.deepEqual([...here.open], [ann])
  await pass(LIFE_MS)
  await pass(LOOK_MS)
  assert.equal(here.open.size, 0)
  assert.equal(here.isOver(ann), true)
})

test('who is asked by the thousand asks for a few at a time, once for each session, and never between two looks', async () => {
  const { node, session, pass, clock } = rig()
  let asked = 0
  let waiting = 0
  let most = 0
  const here = node({
    async endsAt() {
      asked++
      most = Math.max(most, ++waiting)
      await turn()
      waiting--
      return 0
    },
  })
  for (let i = 0; i < 500; i++) here.open.add(session(`${i}`)).add(session(`${i}`))
  clock.advance(LIFE_MS - 1)
  for (const one of here.open) here.isOver(one)
  assert.equal(asked, 0)
  await pass(1 + LOOK_MS)
  assert.equal(asked, 500)
  assert.ok(most <= 64, `${most} at a time`)
  assert.equal(here.open.size, 0)
})

test('while the store is away nobody can know whether a session was renewed: it goes on, at most as long as one lasts', async () => {
  const { begin, node, session, shared, setAway, pass, clock } = rig()
  const [one, two] = [node(), node()]
  const ann = session('ann')
  two.open.add(ann)
  setAway(true)
  await pass(LIFE_MS + LOOK_MS)
  assert.equal(await two.hasEnded(ann), false)
  assert.equal(two.open.size, 1)
  await assert.rejects(two.lastsUntil('ann'))
  // renewed meanwhile: it is written as soon as it can be
  one.lives.renewed('ann', begin + 50_000)
  await pass(0)
  setAway(false)
  await pass(1000)
  assert.equal((await shared.read('session ann', undefined, 1)).about, `${begin + 50_000}`)
  assert.equal(await two.hasEnded(ann), false)
  assert.equal(await two.lastsUntil('ann'), begin + 50_000)
  // one that comes late says nothing of a shorter life
  one.lives.renewed('ann', begin + 20_000)
  await pass(0)
  assert.equal(await node().lastsUntil('ann'), begin + 50_000)

  setAway(true)
  await pass(begin + ABSOLUTE_MS - 1 - clock.now())
  assert.equal(two.open.size, 1)
  await pass(1)
  assert.equal(await two.hasEnded(ann), true)
  await pass(LOOK_MS)
  assert.equal(two.open.size, 0)
})

test('a worker asks its primary, which asks the other nodes', async () => {
  const { begin, node, session, setAway, pass } = rig()
  const [one, primary] = [node(), node()]
  const lives = createAskedLives((sid) => {
    void primary
      .lastsUntil(sid)
      .catch(() => undefined)
      .then((endsAt) => lives.answered(sid, endsAt))
  })
  const worker = node(lives)
  const [ann, bob] = [session('ann'), session('bob')]
  worker.open.add(ann).add(bob)
  one.lives.renewed('ann', begin + 3 * LIFE_MS)
  setAway(true)
  await pass(LIFE_MS + LOOK_MS)
  assert.equal(worker.open.size, 2, 'nobody could say')
  setAway(false)
  await pass(LOOK_MS)
  assert.equal(worker.open.size, 2, 'who renewed a session meanwhile may not have said so yet')
  await pass(LOOK_MS)
  assert.deepEqual([...worker.open], [ann])
  await pass(LIFE_MS + LOOK_MS)
  assert.equal(worker.open.size, 0)
})
