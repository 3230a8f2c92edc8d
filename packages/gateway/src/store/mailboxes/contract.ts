/**
 * What all mailboxes must do. Each adapter's test calls this with a way to open an empty store of them.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../../../../../test/support/eventually.ts'
import type { Bus } from '../bus/port.ts'
import { mailTopic, parseMailHint } from './hints.ts'
import type { Appended, MailboxLimits, MailboxStore } from './port.ts'

export interface OpenedMailboxes {
  readonly mailboxes: MailboxStore
  /** What is told to readers is said there. */
  readonly bus: Pick<Bus, 'listen'>
  /** Another handle on the same place, as another process would have. */
  again(): Promise<MailboxStore>
  /** Lets time pass: a clock that is told, or waiting. */
  pass(ms: number): Promise<void>
}

/** Short, as where no clock can be told it is waited for. */
const KEEP_MS = 600
/** Until another handle knows. */
const WITHIN_MS = 3000

/** Of a mailbox nothing was said of. */
const UNKNOWN = { about: '', reader: '' }

/** Before the first message. */
const START = { offset: 0, mark: '' }

const limits = (more: Partial<MailboxLimits> = {}): MailboxLimits => ({
  most: 100,
  mostBytes: 10_000,
  keepMs: 60_000,
  ...more,
})

export function mailboxContract(
  name: string,
  open: (t: Pick<TestContext, 'after'>) => Promise<OpenedMailboxes>,
): void {
  const contract = (
    title: string,
    run: (mailboxes: MailboxStore, opened: OpenedMailboxes) => Promise<void>,
  ): void => {
    test(`${name}: ${title}`, async (t) => {
      const opened = await open(t)
      t.after(() => opened.mailboxes.close())
      await run(opened.mailboxes, opened)
    })
  }
  const texts = async (mailboxes: MailboxStore, box: string) =>
    (await mailboxes.read(box, undefined, 1000)).mail.map(({ text }) => text)

  contract(
    'messages are read in the order in which they came, by whoever reads them',
    async (mailboxes, { again }) => {
      const other = await again()
      const sent = ['one', '', 'drei — „3“', '四', '\0 and "quotes" and \n lines', '{"bdy":{"n":5}}']
      const places: Appended[] = []
      for (const text of sent) places.push(await mailboxes.append('ada', text, limits()))
      assert.deepEqual(
        places.map(({ offset, dropped }) => [offset, dropped]),
        sent.map((_, i) => [i + 1, 0]),
      )
      assert.equal(new Set(places.map(({ epoch }) => epoch)).size, 1)
      assert.equal(new Set(places.map(({ mark }) => mark)).size, sent.length)
      const reading = await other.read('ada', undefined, 1000)
      assert.deepEqual(reading, {
        epoch: places[0]!.epoch,
        newest: sent.length,
        from: START,
        mail: sent.map((text, i) => ({ offset: i + 1, mark: places[i]!.mark, text })),
        isComplete: true,
        ...UNKNOWN,
      })
    },
  )

  contract('what came after a place is told, some at a time', async (mailboxes) => {
    for (let i = 1; i <= 5; i++) await mailboxes.append('ada', `m${i}`, limits())
    const first = await mailboxes.read('ada', undefined, 2)
    assert.deepEqual([first.mail.map(({ text }) => text), first.newest], [['m1', 'm2'], 5])
    const after = { epoch: first.epoch, ...first.mail[1]! }
    const second = await mailboxes.read('ada', after, 2)
    assert.deepEqual([second.mail.map(({ text }) => text), second.isComplete], [['m3', 'm4'], true])
    assert.deepEqual(second.from, { offset: 2, mark: first.mail[1]!.mark })
    const last = await mailboxes.read('ada', { epoch: first.epoch, ...second.mail[1]! }, 2)
    assert.deepEqual([last.mail.map(({ text }) => text), last.isComplete], [['m5'], true])
    const none = await mailboxes.read('ada', { epoch: first.epoch, ...last.mail[0]! }, 2)
    assert.deepEqual([none.mail, none.isComplete, none.newest], [[], true, 5])
  })

  contract('what was acknowledged is gone, and reading goes on behind it', async (mailboxes) => {
    const places: Appended[] = []
    for (let i = 1; i <= 4; i++) places.push(await mailboxes.append('ada', `m${i}`, limits()))
    await mailboxes.acknowledge('ada', places[1]!)
    await mailboxes.acknowledge('ada', places[0]!)
    assert.deepEqual(await texts(mailboxes, 'ada'), ['m3', 'm4'])
    assert.deepEqual((await mailboxes.read('ada', places[1], 9)).isComplete, true)
    const older = await mailboxes.read('ada', places[0], 9)
    assert.deepEqual([older.isComplete, older.from], [false, { offset: 2, mark: places[1]!.mark }])
    await mailboxes.acknowledge('ada', places[3]!)
    const all = await mailboxes.read('ada', places[3], 9)
    assert.deepEqual([all.mail, all.newest, all.isComplete], [[], 4, true])
    assert.equal((await mailboxes.append('ada', 'm5', limits())).offset, 5)
    assert.deepEqual((await mailboxes.read('ada', places[3], 9)).isComplete, true)
  })

  contract('who begins with an empty mailbox misses nothing of what comes later', async (mailboxes) => {
    const begun = await mailboxes.open('ada', 60_000)
    assert.deepEqual([begun.offset, begun.mark], [0, ''])
    assert.notEqual(begun.epoch, '')
    assert.deepEqual(await mailboxes.open('ada', 60_000), begun)
    const first = await mailboxes.append('ada', 'm1', limits())
    assert.equal(first.epoch, begun.epoch)
    const { mail, isComplete } = await mailboxes.read('ada', begun, 9)
    assert.deepEqual([mail.map(({ text }) => text), isComplete], [['m1'], true])
    const { dropped: _, ...place } = first
    assert.deepEqual(await mailboxes.open('ada', 60_000), place)
  })

  contract(
    'beyond its number the oldest go, which is counted and told to who missed them',
    async (mailboxes) => {
      const few = limits({ most: 3 })
      const places: Appended[] = []
      for (let i = 1; i <= 5; i++) places.push(await mailboxes.append('ada', `m${i}`, few))
      assert.deepEqual(
        places.map(({ dropped }) => dropped),
        [0, 0, 0, 1, 1],
      )
      assert.deepEqual(await texts(mailboxes, 'ada'), ['m3', 'm4', 'm5'])
      const complete = async (i: number) => (await mailboxes.read('ada', places[i], 9)).isComplete
      assert.deepEqual([await complete(0), await complete(1), await complete(2)], [false, true, true])
      assert.equal((await mailboxes.append('ada', 'm6', limits({ most: 1 }))).dropped, 3)
      assert.deepEqual(await texts(mailboxes, 'ada'), ['m6'])
    },
  )

  contract('beyond its bytes the oldest go, and what fits nowhere is refused', async (mailboxes) => {
    const small = limits({ mostBytes: 10 })
    assert.equal((await mailboxes.append('ada', 'äää', small)).dropped, 0)
    assert.equal((await mailboxes.append('ada', 'bbbb', small)).dropped, 0)
    assert.equal((await mailboxes.append('ada', 'c', small)).dropped, 1)
    assert.deepEqual(await texts(mailboxes, 'ada'), ['bbbb', 'c'])
    await assert.rejects(mailboxes.append('ada', 'x'.repeat(11), small), RangeError)
    await assert.rejects(mailboxes.append('new', 'ä'.repeat(6), small), RangeError)
    await assert.rejects(mailboxes.append('ada', 'x', small, { mark: 'no mark' }), RangeError)
    assert.deepEqual(await texts(mailboxes, 'ada'), ['bbbb', 'c'])
    assert.equal((await mailboxes.append('ada', 'x'.repeat(10), small)).dropped, 2)
    assert.deepEqual(await texts(mailboxes, 'new'), [])
  })

  contract('messages age, and with time a mailbox that nobody uses is gone', async (mailboxes, { pass }) => {
    const short = limits({ keepMs: KEEP_MS })
    const old = await mailboxes.append('ada', 'old', short)
    await mailboxes.append('away', 'old', short)
    await pass(KEEP_MS * 0.6)
    const young = await mailboxes.append('ada', 'young', short)
    assert.equal(young.epoch, old.epoch)
    await pass(KEEP_MS * 0.6)
    assert.deepEqual(await texts(mailboxes, 'ada'), ['young'])
    const gone = await mailboxes.read('away', undefined, 9)
    assert.deepEqual([gone.epoch, gone.newest, gone.mail, gone.isComplete], ['', 0, [], true])
    // opened: its messages age, and it stays
    assert.equal((await mailboxes.open('ada', KEEP_MS)).offset, 2)
    await pass(KEEP_MS * 0.6)
    const { epoch, mail, isComplete } = await mailboxes.read('ada', old, 9)
    assert.deepEqual([epoch, mail, isComplete], [old.epoch, [], false])
    assert.equal((await mailboxes.read('ada', young, 9)).isComplete, true)
    await pass(KEEP_MS)
    assert.equal((await mailboxes.read('ada', young, 9)).epoch, '')
    const anew = await mailboxes.append('ada', 'anew', short)
    assert.equal(anew.offset, 1)
    assert.notEqual(anew.epoch, old.epoch)
    assert.equal((await mailboxes.read('ada', old, 9)).isComplete, false)
  })

  contract('a mailbox that was removed begins anew, and its places mean nothing', async (mailboxes) => {
    const before = await mailboxes.append('ada', 'one', limits())
    await mailboxes.append('bob', 'other', limits())
    await mailboxes.remove('ada')
    await mailboxes.remove('ada')
    assert.deepEqual(await mailboxes.read('ada', undefined, 9), {
      ...{ epoch: '', newest: 0, from: START, mail: [], isComplete: true, ...UNKNOWN },
    })
    assert.equal((await mailboxes.read('ada', before, 9)).isComplete, false)
    const after = await mailboxes.append('ada', 'two', limits())
    assert.equal(after.offset, 1)
    assert.notEqual(after.epoch, before.epoch)
    await mailboxes.acknowledge('ada', before)
    const { mail, isComplete } = await mailboxes.read('ada', before, 9)
    assert.deepEqual([mail.map(({ text }) => text), isComplete], [['two'], false])
    assert.deepEqual(await texts(mailboxes, 'bob'), ['other'])
  })

  contract('a place whose message is another one now is known to be incomplete', async (mailboxes) => {
    const place = await mailboxes.append('ada', 'one', limits())
    // as it looks to who read what a store has lost since, and whose offsets went to others
    const lost = { epoch: place.epoch, offset: 1, mark: 'lost' }
    await mailboxes.append('ada', 'two', limits())
    await mailboxes.acknowledge('ada', lost)
    const { mail, isComplete } = await mailboxes.read('ada', lost, 9)
    assert.deepEqual([mail.map(({ text }) => text), isComplete], [['one', 'two'], false])
    const ahead = await mailboxes.read('ada', { epoch: place.epoch, offset: 7, mark: 'lost' }, 9)
    assert.deepEqual([ahead.mail.length, ahead.isComplete], [2, false])
  })

  contract('a message that is tried again under its mark is there once', async (mailboxes) => {
    const first = await mailboxes.append('ada', 'one', limits(), { mark: 'mark-1' })
    const second = await mailboxes.append('ada', 'two', limits(), { mark: 'mark-2' })
    assert.deepEqual(await mailboxes.append('ada', 'one', limits(), { mark: 'mark-1' }), first)
    assert.deepEqual(await mailboxes.append('ada', 'two', limits(), { mark: 'mark-2' }), second)
    assert.deepEqual(await texts(mailboxes, 'ada'), ['one', 'two'])
  })

  contract('several who append at once lose nothing, and leave no gap', async (mailboxes, { again }) => {
    const other = await again()
    const EACH = 100
    const all = await Promise.all(
      [mailboxes, other].map(async (of, who) => {
        const places: Appended[] = []
        for (let i = 0; i < EACH; i++)
          places.push(await of.append('ada', `${who} ${i}`, limits({ most: 1000 })))
        return places
      }),
    )
    const offsets = all.flat().map(({ offset }) => offset)
    assert.deepEqual(
      offsets.sort((a, b) => a - b),
      Array.from({ length: 2 * EACH }, (_, i) => i + 1),
    )
    const read = await texts(mailboxes, 'ada')
    for (const who of [0, 1]) {
      const own = read.filter((text) => text.startsWith(`${who} `))
      assert.deepEqual(
        own,
        Array.from({ length: EACH }, (_, i) => `${who} ${i}`),
      )
    }
  })

  contract(
    'whose a mailbox is stays with it, for everybody who comes to it',
    async (mailboxes, { again }) => {
      const other = await again()
      const about = JSON.stringify({ sid: 'a', who: ['user:ädä'] })
      assert.equal((await mailboxes.open('ada', 60_000, { about })).about, about)
      assert.equal((await other.open('ada', 60_000)).about, about)
      assert.equal((await other.append('ada', 'x', limits())).about, about)
      assert.equal((await other.read('ada', undefined, 9)).about, about)
      await other.open('ada', 60_000, { about: '' })
      assert.equal((await mailboxes.read('ada', undefined, 9)).about, '')
      await assert.rejects(mailboxes.open('ada', 60_000, { about: 'x'.repeat(16_385) }), RangeError)
      await mailboxes.open('ada', 60_000, { about })
      await mailboxes.remove('ada')
      assert.equal((await mailboxes.append('ada', 'x', limits())).about, '')
    },
  )

  contract(
    'where nobody has opened a mailbox none is made for who asks for a known one',
    async (mailboxes) => {
      const { mark, ...nothing } = await mailboxes.append('ada', 'x', limits(), { isForKnown: true })
      assert.deepEqual(nothing, { epoch: '', offset: 0, dropped: 0, ...UNKNOWN })
      assert.equal((await mailboxes.read('ada', undefined, 9)).epoch, '')
      await mailboxes.open('ada', 60_000)
      assert.equal((await mailboxes.append('ada', 'x', limits(), { isForKnown: true })).offset, 1)
    },
  )

  contract(
    'the node of a reader is told what others append, and that another reader came',
    async (mailboxes, { again, bus }) => {
      const other = await again()
      const heard: string[] = []
      const counts: number[][] = []
      const stop = bus.listen(mailTopic('node-1'), (text) => {
        const hint = parseMailHint(text)!
        heard.push(`${hint.box} ${hint.offset}`)
        counts.push([hint.group, hint.count])
      })
      const told = await mailboxes.told('node-1')
      // listening may take a moment
      await eventually(async () => {
        await other.open('probe', 60_000, { reader: 'node-1 a' })
        await other.append('probe', 'x', limits())
        assert.ok(heard.length > 0)
      }, WITHIN_MS)
      assert.equal((await mailboxes.open('a b', 60_000, { reader: 'node-1 a' })).reader, '')
      heard.length = 0
      assert.equal((await other.append('a b', 'one', limits(), { by: 'node-2' })).reader, 'node-1 a')
      await mailboxes.append('a b', 'its own', limits(), { by: 'node-1' })
      await eventually(async () => assert.deepEqual(heard, ['a b 1']), WITHIN_MS)
      // at the same node another socket: whoever opens it knows
      assert.equal((await mailboxes.open('a b', 60_000, { reader: 'node-1 b' })).reader, 'node-1 a')
      await mailboxes.leave('a b', 'node-1 a')
      assert.equal((await mailboxes.read('a b', undefined, 9)).reader, 'node-1 b')
      assert.equal((await other.open('a b', 60_000, { reader: 'node-2 c' })).reader, 'node-1 b')
      await eventually(async () => assert.deepEqual(heard, ['a b 1', 'a b 0']), WITHIN_MS)
      await other.append('a b', 'two', limits())
      await other.leave('a b', 'node-2 c')
      assert.equal((await other.append('a b', 'three', limits())).reader, '')
      await mailboxes.open('a b', 60_000, { reader: 'node-1 d' })
      await other.remove('a b')
      await eventually(async () => assert.deepEqual(heard, ['a b 1', 'a b 0', 'a b 0']), WITHIN_MS)
      await assert.rejects(mailboxes.open('a b', 60_000, { reader: 'nobody' }), RangeError)
      stop()
      // and how often it was told is known, where hints can be lost
      const toldNow = await mailboxes.told('node-1')
      assert.equal(toldNow.length, told.length)
      for (const [group, count] of counts) assert.ok(told.length === 0 || toldNow[group!]! >= count!)
      for (const [group, count] of toldNow.entries()) {
        const heardOf = counts.filter(([of]) => of === group)
        assert.equal(heardOf.at(-1)?.[1] ?? told[group], count)
      }
      assert.deepEqual(await mailboxes.told('node-1'), toldNow)
    },
  )

  contract('names of mailboxes may be anything', async (mailboxes) => {
    const names = ['', '{a}', '{}', 'a:b', 'a b\n', 'é', '__proto__', 'x'.repeat(1000)]
    for (const box of names) await mailboxes.append(box, `of ${box}`, limits())
    for (const box of names) assert.deepEqual(await texts(mailboxes, box), [`of ${box}`])
  })
}
