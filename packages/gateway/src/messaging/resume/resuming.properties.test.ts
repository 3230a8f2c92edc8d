import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { eventually } from '../../../../../test/support/eventually.ts'
import { createManualClock } from '../../observe/manual-clock.ts'
import { createMemoryBus } from '../../store/bus/memory.ts'
import type { Bus } from '../../store/bus/port.ts'
import { createMemoryMailboxes } from '../../store/mailboxes/memory.ts'
import type { MailboxStore } from '../../store/mailboxes/port.ts'
import { createRedisBus } from '../../store/redis/bus.ts'
import { createRedisMailboxes } from '../../store/redis/mailboxes.ts'
import { openTestLine, quiet, sharedRedis } from '../../store/redis/testing/line.ts'
import { MessageProblem } from '../port.ts'
import { createTestClient, messageOf, openNode } from './testing/nodes.ts'

/** What may happen; numbers are nodes. */
type Step =
  | { readonly do: 'deliver'; readonly at: 0 | 1; readonly many: number }
  /** At both at once. */
  | { readonly do: 'burst'; readonly many: number }
  | { readonly do: 'connect'; readonly at: 0 | 1 }
  | { readonly do: 'cut' | 'ack' | 'stall' | 'read' | 'forget' | 'breathe' }

const node = fc.constantFrom(0 as const, 1 as const)
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('deliver' as const),
        at: node,
        many: fc.integer({ min: 1, max: 12 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('burst' as const), many: fc.integer({ min: 2, max: 8 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('connect' as const), at: node }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('cut' as const, 'ack' as const, 'stall' as const, 'read' as const),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('forget' as const, 'breathe' as const) }) },
  ),
  { minLength: 5, maxLength: 40 },
)

interface Shared {
  readonly mailboxes: readonly [MailboxStore, MailboxStore]
  readonly bus: readonly [Bus, Bus]
}

/** No gap, no other order, nothing twice: or the client was told, and when how many, exactly so many. */
async function run(schedule: readonly Step[], { mailboxes, bus }: Shared): Promise<void> {
  const settings = { keepMessages: 10, maxBehindBytes: 4096, keepMs: 600_000 }
  const nodes = [0, 1].map((i) => openNode({ mailboxes: mailboxes[i]!, bus: bus[i]!, settings }))
  const client = createTestClient()
  try {
    const begun = await client.connect(nodes[0]!)
    assert.ok('id' in begun)
    const sent = new Set<number>()
    let next = 1
    const deliver = async (at: number): Promise<void> => {
      const number = next++
      try {
        await nodes[at]!.resuming.deliver(begun.id, messageOf(String(number)))
        sent.add(number)
      } catch (error) {
        // Nobody has the mailbox any more, and the sender knows.
        assert.ok(error instanceof MessageProblem && error.fault === 'unknown-client', String(error))
      }
    }
    for (const step of schedule) {
      if (step.do === 'deliver') for (let i = 0; i < step.many; i++) await deliver(step.at)
      else if (step.do === 'burst') {
        // Their order is that of the mailbox: it is seen by the places of messages.
        const all = Array.from({ length: step.many }, (_, i) =>
          nodes[i % 2]!.resuming.deliver(begun.id, messageOf('burst')),
        )
        for (const { status, ...more } of await Promise.allSettled(all))
          assert.ok(status === 'fulfilled' || (more as any).reason.fault === 'unknown-client')
      } else if (step.do === 'connect') {
        if (client.session) client.cut()
        const back = await client.connect(nodes[step.at]!)
        assert.ok('id' in back && back.id === begun.id)
      } else if (step.do === 'cut') client.cut()
      else if (step.do === 'ack') client.ack()
      else if (step.do === 'stall') client.isStalled = true
      else if (step.do === 'read') client.isStalled = false
      else if (step.do === 'forget') await mailboxes[0].remove(`client ${begun.id}`)
      else await new Promise((resolve) => setTimeout(resolve, 5))
    }
    client.isStalled = false
    if (!client.session?.line.isOpen) await client.connect(nodes[1]!)
    // Its mailbox may have been forgotten just now: its node finds out, and opens another.
    await eventually(async () => {
      await deliver(0)
      assert.ok(sent.has(next - 1))
    })
    const last = next - 1
    await eventually(() => assert.equal(client.handed.at(-1), String(last)))

    let before = 0
    let lost: number | undefined
    let isFlagged = false
    assert.deepEqual(client.jumps, [])
    // Of those no numbers are known: what is lost may be some of them.
    const isBurst = schedule.some((step) => step.do === 'burst')
    for (const one of client.handed) {
      if (typeof one === 'object') {
        lost = isFlagged ? undefined : one.lost
        isFlagged = true
        continue
      }
      if (one === 'burst') continue
      const number = Number(one)
      assert.ok(number > before, `${number} after ${before}`)
      const missing = Array.from({ length: number - before - 1 }, (_, i) => before + 1 + i).filter((i) =>
        sent.has(i),
      )
      if (missing.length > 0) assert.ok(isFlagged, `${missing} are missing, and nobody was told`)
      if (lost !== undefined && !isBurst) assert.equal(lost, missing.length)
      before = number
      lost = undefined
      isFlagged = false
    }
  } finally {
    for (const { resuming } of nodes) await resuming.close()
  }
}

test('whatever happens to a client, it gets each message once and in order, or is told that some are missing', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (schedule) => {
      const bus = createMemoryBus()
      const mailboxes = createMemoryMailboxes({ clock: createManualClock(), bus })
      await run(schedule, { mailboxes: [mailboxes, mailboxes], bus: [bus, bus] })
    }),
    { numRuns: 80 },
  )
})

const redis = sharedRedis()

async function redisPlace(t: Pick<TestContext, 'after'>): Promise<Shared> {
  const { url, prefix } = await redis.place()
  const open = async () => {
    const line = await openTestLine(t, { url, prefix })
    return {
      mailboxes: createRedisMailboxes({ line, privateKeys: ['key'], log: quiet }),
      bus: createRedisBus({ line }),
    }
  }
  const [one, two] = [await open(), await open()]
  return { mailboxes: [one.mailboxes, two.mailboxes], bus: [one.bus, two.bus] }
}

test('so it is with mailboxes in Redis', async (t) => {
  const shared = await redisPlace(t)
  await fc.assert(
    fc.asyncProperty(steps, (schedule) => run(schedule, shared)),
    { numRuns: 20 },
  )
})
