/**
 * Services that are killed, frozen and replaced while visitors go on asking.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { SiteService } from '../../support/cluster-site.ts'
import type { FaultLoad } from '../../support/fault-load.ts'
import { createFinding, type Scenario, type Trial, underLoad } from './trial.ts'

/** POSTs that are under way at one instance at a time, with room for a busy machine. */
const UNDER_WAY = 10
/** Until everybody has what is there after something came back. */
const CONVERGED_MS = 3000

export const serviceKilled: Scenario = {
  name: 'service-killed',
  title: 'an instance is killed: the other serves, and its successor joins',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const kills = isLong ? 10 : 2
    await underLoad(
      finding,
      stage,
      trial,
      `kill -9 of one of two instances, ${kills} times`,
      { promised: { toldPosts: kills * UNDER_WAY } },
      async (load) => {
        for (let i = 0; i < kills; i++) {
          const victim = stage.there.get('shop')![0]!
          say(`kill -9 ${victim.pid}, an instance of shop (${i + 1} of ${kills})`)
          const next = stage.replace(victim)
          load.dead(victim.instance())
          await next
          await stage.converged(CONVERGED_MS)
        }
      },
    )
    return finding
  },
}

export const serviceLeaves: Scenario = {
  name: 'service-leaves',
  title: 'an instance that has left is asked by nobody any more, though it still answers',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const rounds = isLong ? 5 : 1
    await underLoad(
      finding,
      stage,
      trial,
      `an instance leaves and another joins, ${rounds} times`,
      {},
      async (load) => {
        const present = stage.there.get('shop')!
        let leaving = await stage.site.startService('shop', { stays: true })
        for (let i = 0; i < rounds; i++) {
          const next = await stage.site.startService('shop', { stays: true })
          stage.there.set('shop', [...present, next])
          say(`an instance of shop leaves (${i + 1} of ${rounds})`)
          await leaving.leave()
          load.dead(leaving.instance())
          await stage.converged(CONVERGED_MS)
          // Whoever still asked it would be seen now.
          await delay(1500)
          await leaving.stop()
          leaving = next
        }
        await leaving.stop()
        stage.there.set('shop', present)
      },
    )
    return finding
  },
}

export const serviceFrozen: Scenario = {
  name: 'service-frozen',
  title: 'an instance stands still: visitors get the other, and it is back when it goes on',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    for (const seconds of isLong ? [3, 8] : [3]) {
      await underLoad(
        finding,
        stage,
        trial,
        `SIGSTOP of one of two instances for ${seconds} s`,
        {
          // What it had been sent is answered late, or by nobody once its lease is over.
          promised: { toldPosts: seconds > 5 ? 60 : 0, slowestMs: (seconds + 1) * 1000 },
        },
        async () => {
          const [, victim] = stage.there.get('shop')!
          say(`SIGSTOP ${victim!.pid}, an instance of shop, for ${seconds} s`)
          victim!.freeze()
          await delay(seconds * 1000)
          victim!.thaw()
          const tookMs = await stage.converged()
          if (tookMs > CONVERGED_MS)
            finding.faults.push(`an instance that went on was back only after ${Math.round(tookMs)} ms`)
        },
      )
    }
    return finding
  },
}

export const churn: Scenario = {
  name: 'churn',
  title: 'services die and come back all the time: nobody notices while a sibling serves',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const count = isLong ? 20 : 4
    const seconds = isLong ? 60 : 4
    const names = Array.from({ length: count }, (_, i) => `churn-${i}`)
    const lonely = isLong ? ['lone-0', 'lone-1'] : ['lone-0']
    say(`starting ${count} services that will die, and their siblings`)
    // One process has an instance of each that stays.
    const steady = await stage.site.startService(names, { nodes: [0, 1] })
    const mortal = new Map<string, SiteService>()
    const all = [...names, ...lonely]
    const died = new Map(all.map((name) => [name, 0]))
    const deathOf = (name: string): Death => DEATHS[(all.indexOf(name) + died.get(name)!) % DEATHS.length]!
    const start = (name: string) => stage.site.startService(name, { stays: deathOf(name) === 'leaves' })
    for (let i = 0; i < all.length; i += 2)
      await Promise.all(all.slice(i, i + 2).map(async (name) => mortal.set(name, await start(name))))
    const row = await underLoad(
      finding,
      stage,
      trial,
      `${count} services dying and coming back, ${seconds} s`,
      { plan: { services: names, lonely }, promised: { toldPosts: 1000 } },
      async (load) => {
        const end = performance.now() + seconds * 1000
        // Several at a time, each of them with services of its own.
        const lanes = Array.from({ length: isLong ? LANES : 1 }, async (_, lane) => {
          const own = all.filter((_, at) => at % (isLong ? LANES : 1) === lane)
          for (let i = 0; performance.now() < end; i++) {
            const name = own[i % own.length]!
            const death = deathOf(name)
            await die(trial, load, mortal.get(name)!, death)
            died.set(name, died.get(name)! + 1)
            await delay(AWAY_MS)
            mortal.set(name, await start(name))
          }
        })
        await Promise.all(lanes)
      },
    )
    const deaths = [...died.values()].reduce((sum, count) => sum + count, 0)
    if (row.counts.failedSent > deaths * UNDER_WAY)
      finding.faults.push(`${row.counts.failedSent} POSTs were cut by ${deaths} deaths`)
    finding.notes.push(
      `${deaths} deaths of ${all.length} services: killed, gone without ending, or stopped politely, in turn; ${lonely.length} of them had no sibling, and their fallbacks were shown ${row.counts.fallbacks} times`,
    )
    await stage.site.converged(
      Object.fromEntries(
        all.map((name) => [
          name,
          [mortal.get(name)!, ...(names.includes(name) ? [steady] : [])].map((one) => one.instance(name)),
        ]),
      ),
    )
    await Promise.all([...mortal.values(), steady].map((service) => service.stop()))
    return finding
  },
}

const DEATHS = ['killed', 'leaves', 'stops'] as const
type Death = (typeof DEATHS)[number]
/** How many die at a time, where there is time. */
const LANES = 2
const AWAY_MS = 100

async function die({ say }: Trial, load: FaultLoad, victim: SiteService, death: Death): Promise<void> {
  const [name = ''] = victim.names
  if (death === 'killed') {
    say(`kill -9 ${name}`)
    await victim.kill()
    load.dead(victim.instance())
  } else if (death === 'leaves') {
    say(`${name} leaves, and still answers whoever asks`)
    await victim.leave()
    load.dead(victim.instance())
    setTimeout(() => void victim.stop(), 2500).unref()
  } else {
    say(`${name} stops politely`)
    await victim.stop()
    load.dead(victim.instance())
  }
}
