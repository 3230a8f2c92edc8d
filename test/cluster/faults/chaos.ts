/**
 * Faults of every kind in an order of chance: afterwards both nodes have to agree with the model, which knows who is
 * alive.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { chanceOf } from '../../support/chance.ts'
import type { SiteService } from '../../support/cluster-site.ts'
import { type Stage, setLines } from './stage.ts'
import { createFinding, type Scenario, underLoad } from './trial.ts'

const NAMES = ['apple', 'birch', 'clover'] as const
const MOST_OF_ONE = 3
/** Between two faults: shorter and longer than a beat, a look, and what a lease lasts. */
const PAUSES_MS = [20, 150, 600, 1500]
const AGREED_MS = 3000

interface Model {
  readonly stage: Stage
  readonly chance: (below: number) => number
  /** Who is alive and has not left, by service. */
  readonly alive: Map<string, SiteService[]>
  readonly frozen: Set<SiteService>
  readonly isDown: { b: boolean; redis: boolean }
}

type Fault = readonly [name: string, run: (model: Model) => Promise<void> | void]

const FAULTS: readonly Fault[] = [
  [
    'an instance starts',
    async ({ stage, chance, alive }) => {
      const name = NAMES[chance(NAMES.length)]!
      const there = alive.get(name)!
      const nodes = chance(2) === 0 ? [0, 1] : [1, 0]
      if (there.length < MOST_OF_ONE) there.push(await stage.site.startService(name, { nodes, waits: false }))
    },
  ],
  ['an instance is killed', (model) => end(model, (service) => service.kill())],
  ['an instance leaves', (model) => end(model, (service) => service.stop())],
  [
    'an instance stands still',
    (model) => {
      const victim = someone(model)
      if (!victim) return
      victim.freeze()
      model.frozen.add(victim)
    },
  ],
  ['whoever stands still goes on', thaw],
  ['node a is cut off from Redis', ({ stage }) => stage.lines[0]!.set('hole')],
  ['node b is cut off from Redis', ({ stage }) => stage.lines[1]!.set('cut')],
  ['messages are lost', ({ stage }) => setLines(stage, 'lossy')],
  ['the lines are mended', ({ stage }) => setLines(stage, 'pass')],
  [
    'Redis is killed',
    async ({ stage, isDown }) => {
      isDown.redis = true
      await stage.redis.kill()
    },
  ],
  ['Redis is back', (model) => mendRedis(model, false)],
  ['Redis is back, empty', (model) => mendRedis(model, true)],
  [
    'node b is killed',
    async ({ stage, isDown }) => {
      isDown.b = true
      await stage.b.kill()
    },
  ],
  ['node b is back', mendNode],
]

export const chaos: Scenario = {
  name: 'chaos',
  title: 'faults of every kind in an order of chance: afterwards both nodes agree with who is alive',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const agreedMs: number[] = []
    const seeds = isLong ? Array.from({ length: 10 }, (_, i) => i + 1) : [7]
    const model: Model = {
      stage,
      chance: () => 0,
      alive: new Map(NAMES.map((name) => [name, []])),
      frozen: new Set(),
      isDown: { b: false, redis: false },
    }
    const steps = isLong ? 25 : 8
    await underLoad(
      finding,
      stage,
      trial,
      `${seeds.length * steps} faults in an order of chance, node b and Redis among them`,
      { plan: { rescues: true }, promised: { toldPosts: seeds.length * steps * 40, gapMs: 5000 } },
      async () => {
        for (const seed of seeds) {
          const chance = chanceOf(seed)
          for (let i = 0; i < steps; i++) {
            const [name, run] = FAULTS[chance(FAULTS.length)]!
            say(`seed ${seed}, ${i + 1} of ${steps}: ${name}`)
            await run({ ...model, chance })
            await delay(PAUSES_MS[chance(PAUSES_MS.length)]!)
          }
          say(`seed ${seed}: everything is mended`)
          thaw(model)
          setLines(stage, 'pass')
          await mendRedis(model, false)
          await mendNode(model)
          // A service whose gateways were all away tries again each second, one that was cut off in its first attempt later.
          await Promise.all([...model.alive.values()].flat().map((service) => service.registered()))
          for (const [service, instances] of model.alive) stage.there.set(service, instances)
          try {
            agreedMs.push(await stage.converged(15_000))
            await delay(1000)
            await stage.converged(200)
          } catch (error) {
            finding.faults.push(`seed ${seed}: ${(error as Error).message}`)
          }
        }
      },
    )
    finding.timings.push({
      what: 'faults in an order of chance: everything mended → both nodes agree with who is alive',
      values: agreedMs,
      target: { of: 'max', atMostMs: AGREED_MS },
    })
    for (const [name, services] of model.alive) {
      await Promise.all(services.map((service) => service.stop()))
      stage.there.delete(name)
    }
    return finding
  },
}

function someone({ chance, alive, frozen }: Model): SiteService | undefined {
  const all = [...alive.values()].flat().filter((service) => !frozen.has(service))
  return all[chance(Math.max(1, all.length))]
}

async function end(model: Model, how: (service: SiteService) => Promise<unknown>): Promise<void> {
  const victim = someone(model)
  if (!victim) return
  const [name = ''] = victim.names
  const there = model.alive.get(name)!
  there.splice(there.indexOf(victim), 1)
  await how(victim)
}

function thaw({ frozen }: Model): void {
  for (const service of frozen) service.thaw()
  frozen.clear()
}

async function mendRedis({ stage, isDown }: Model, isEmpty: boolean): Promise<void> {
  if (!isDown.redis) return
  if (isEmpty) await stage.emptyRedis()
  await stage.redis.restart()
  isDown.redis = false
}

async function mendNode({ stage, isDown }: Model): Promise<void> {
  if (!isDown.b) return
  await stage.b.start()
  isDown.b = false
}
