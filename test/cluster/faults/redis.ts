/**
 * Redis that is away, stands still, forgets everything, or can't be reached by some; messages that are lost.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type SiteNode, servingAt } from '../../support/cluster-site.ts'
import { eventually } from '../../support/eventually.ts'
import type { RedisServer } from '../../support/redis.ts'
import { type Stage, setLines } from './stage.ts'
import { createFinding, type Scenario, type Trial, underLoad } from './trial.ts'

const CONVERGED_MS = 3000
/** Lines of log a node may write about Redis each time it goes and comes, not one for each request or second. */
const MOST_LINES = 8

type Finding = ReturnType<typeof createFinding>

export const redisStopped: Scenario = {
  name: 'redis-stopped',
  title: 'Redis is away: everything is served, and what comes meanwhile is known everywhere afterwards',
  run: (stage, trial) =>
    away(stage, trial, {
      what: 'Redis is killed and comes back with what it knew',
      seconds: trial.isLong ? 60 : 4,
      go: () => stage.redis.kill(),
      comeBack: () => stage.redis.restart(),
    }),
}

export const redisFrozen: Scenario = {
  name: 'redis-frozen',
  title: 'Redis stands still: nobody waits for it',
  run: (stage, trial) =>
    away(stage, trial, {
      what: 'SIGSTOP of Redis',
      seconds: trial.isLong ? 20 : 2,
      go: async () => stage.redis.pause(),
      comeBack: async () => stage.redis.resume(),
    }),
}

export const redisEmptied: Scenario = {
  name: 'redis-emptied',
  title: 'Redis is killed and comes back with nothing: the nodes tell it everything again',
  async run(stage, trial) {
    const finding = await away(stage, trial, {
      what: 'Redis is killed and comes back empty',
      seconds: trial.isLong ? 10 : 1,
      go: () => stage.redis.kill(),
      async comeBack() {
        await stage.emptyRedis()
        await stage.redis.restart()
      },
    })
    trial.say('node b is started anew, and knows only what Redis tells it')
    await stage.b.stop()
    await stage.b.start()
    const learnedMs = await stage.converged()
    return {
      ...finding,
      timings: [
        ...finding.timings,
        {
          what: 'Redis came back empty: a node that is started anew → it knows everything',
          values: [learnedMs],
          target: { of: 'max', atMostMs: CONVERGED_MS },
        },
      ],
    }
  },
}

export const bothCutOff: Scenario = {
  name: 'both-cut-off',
  title: 'no node reaches Redis: both serve what they know',
  run: (stage, trial) =>
    away(stage, trial, {
      what: 'a black hole between both nodes and Redis',
      seconds: trial.isLong ? 20 : 3,
      go: async () => setLines(stage, 'hole'),
      comeBack: async () => setLines(stage, 'pass'),
    }),
}

interface Away {
  readonly what: string
  readonly seconds: number
  go(): Promise<void>
  comeBack(): Promise<void>
}

async function away(stage: Stage, trial: Trial, { what, seconds, go, comeBack }: Away): Promise<Finding> {
  const { say } = trial
  const finding = createFinding()
  const linesBefore = stage.site.nodes.map(({ warnings }) => warnings.length)
  let backMs = Number.NaN
  await underLoad(
    finding,
    stage,
    trial,
    `${what}, ${seconds} s`,
    { promised: { gapMs: 500, slowestMs: 2000 } },
    async () => {
      say(`${what}: away for ${seconds} s`)
      const began = performance.now()
      await go()
      if (seconds >= 3) {
        await expectAway(stage, finding, 2500)
        say('an instance registers at node a meanwhile')
        const late = await stage.site.startService('late', { nodes: [0] })
        stage.there.set('late', [late])
        const here = await servingAt(stage.a)
        if (here.late?.[0] !== late.instance())
          finding.faults.push('an instance that registered meanwhile is not served by its own node')
        const { localOnly } = await stage.a.admin('nodes')
        if (localOnly !== 1)
          finding.faults.push(`node a says that ${localOnly} instances are known to it alone, not 1`)
      }
      await delay(Math.max(0, seconds * 1000 - (performance.now() - began)))
      say('Redis is back')
      await comeBack()
      backMs = await stage.converged(15_000)
      // It stays so, longer than a lease lasts.
      await delay(seconds >= 10 ? 6000 : 1000)
      await stage.converged(200)
    },
  )
  finding.timings.push({
    what: `${what}: → both nodes know everything`,
    values: [backMs],
    target: { of: 'max', atMostMs: CONVERGED_MS },
  })
  for (const [index, node] of stage.site.nodes.entries()) {
    const lines = node.warnings.slice(linesBefore[index]!)
    if (lines.length > MOST_LINES)
      finding.faults.push(`node ${node.name} logged ${lines.length} warnings, such as ${formatLines(lines)}`)
  }
  await stage.there.get('late')?.[0]?.stop()
  stage.there.delete('late')
  return finding
}

const formatLines = (lines: SiteNode['warnings']): string =>
  [...new Set(lines.map(({ msg }) => JSON.stringify(msg)))].slice(0, 5).join(', ')

/** Both nodes say that they lost it, and that they are ready all the same. */
async function expectAway(stage: Stage, finding: Finding, withinMs: number): Promise<void> {
  for (const node of stage.site.nodes) {
    await eventually(async () => {
      const health = (await (await fetch(`${node.url}/health`)).json()) as { store?: string }
      if (health.store !== 'away') throw new Error(`node ${node.name} says of its store: ${health.store}`)
    }, withinMs).catch((error: Error) => finding.faults.push(error.message))
    const { status } = await fetch(`${node.url}/_hydra/ready`)
    if (status !== 200) finding.faults.push(`node ${node.name} is not ready while Redis is away: ${status}`)
  }
}

export const oneCutOff: Scenario = {
  name: 'one-cut-off',
  title: 'one node is cut off from Redis while services come and go: afterwards both agree',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const seconds = isLong ? 12 : 6
    let backMs = Number.NaN
    await underLoad(
      finding,
      stage,
      trial,
      `a black hole between one node and Redis, ${seconds} s`,
      { promised: { toldPosts: 20 } },
      async () => {
        say(`node b is cut off from Redis for ${seconds} s`)
        const began = performance.now()
        stage.lines[1]!.set('hole')
        const [first] = stage.there.get('shop')!
        say(`kill -9 ${first!.pid}, an instance of shop, which node b can't be told`)
        await first!.kill()
        const next = await stage.site.startService('shop', { nodes: [0, 1] })
        stage.there.set('shop', [...stage.there.get('shop')!.slice(1), next])
        say('an instance registers at node b, which can tell nobody')
        const late = await stage.site.startService('late', { nodes: [1] })
        stage.there.set('late', [late])
        await delay(Math.max(0, seconds * 1000 - (performance.now() - began)))
        say('the line of node b is mended')
        stage.lines[1]!.set('pass')
        backMs = await stage.converged(15_000)
        await delay(1000)
        await stage.converged(200)
      },
    )
    finding.timings.push({
      what: 'one node was cut off from Redis: line mended → both nodes agree',
      values: [backMs],
      target: { of: 'max', atMostMs: CONVERGED_MS },
    })
    await stage.there.get('late')?.[0]?.stop()
    stage.there.delete('late')
    return finding
  },
}

export const nodeStartsAlone: Scenario = {
  name: 'node-starts-alone',
  title: 'a node that starts while Redis is away takes no visitors before it knows where to send them',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    await underLoad(
      finding,
      stage,
      trial,
      'Redis is away, and one of two nodes is restarted meanwhile',
      { plan: { rescues: true }, promised: { toldPosts: 40 } },
      async () => {
        say('Redis and node b are killed, and node b starts again')
        await stage.redis.kill()
        await stage.b.kill()
        await stage.b.start()
        await delay(isLong ? 10_000 : 2000)
        say('Redis is back')
        await stage.redis.restart()
        const tookMs = await stage.converged(15_000)
        if (tookMs > CONVERGED_MS)
          finding.faults.push(`both nodes agreed only ${Math.round(tookMs)} ms after Redis was back`)
      },
    )
    return finding
  },
}

export const messagesLost: Scenario = {
  name: 'messages-lost',
  title: 'no message of Redis arrives: a look each second finds out everything',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const rounds = isLong ? 10 : 1
    const joined: number[] = []
    const left: number[] = []
    await underLoad(
      finding,
      stage,
      trial,
      `all published messages lost, ${rounds} instances replaced`,
      { promised: { toldPosts: rounds * 10 } },
      async () => {
        say('every published message is lost')
        setLines(stage, 'lossy')
        for (let i = 0; i < rounds; i++) {
          const service = await stage.site.startService('late', { nodes: [0] })
          stage.there.set('late', [service])
          joined.push(await stage.converged())
          await service.kill()
          stage.there.set('late', [])
          left.push(await stage.converged())
          const [victim] = stage.there.get('shop')!
          await stage.replace(victim!)
          await stage.converged()
        }
        setLines(stage, 'pass')
      },
    )
    stage.there.delete('late')
    const lost = stage.lines.reduce((sum, line) => sum + line.lost, 0)
    if (lost === 0) finding.faults.push('no message was lost: the fault did not happen')
    const target = { of: 'max', atMostMs: 1200 } as const
    finding.timings.push(
      { what: 'messages lost: registered at one node → served by the other', values: joined, target },
      { what: 'messages lost: killed → out of rotation at the other node', values: left, target },
    )
    return finding
  },
}

/** How a primary of Redis goes away, and comes back as a replica. */
interface PrimaryFault extends Pick<Scenario, 'name' | 'title'> {
  readonly what: string
  goes(primary: RedisServer): Promise<void> | void
  returns(primary: RedisServer): Promise<void> | void
}

function primaryGone({ name, title, what, goes, returns }: PrimaryFault): Scenario {
  return {
    name,
    title,
    async run(stage, trial) {
      const { isLong, say } = trial
      const finding = createFinding()
      const times = isLong ? 3 : 1
      const afterMs: number[] = []
      await underLoad(
        finding,
        stage,
        trial,
        `${what}${times > 1 ? `, ${times} times` : ''}`,
        { promised: { gapMs: 500, slowestMs: 2000 } },
        async () => {
          for (let i = 0; i < times; i++) {
            const old = await stage.sentinels!.primary()
            say(`${what}, ${old.pid()}`)
            await goes(old)
            // What registers meanwhile may be written to nobody.
            const late = await stage.site.startService('late', { nodes: [0] })
            stage.there.set('late', [late])
            await eventually(
              async () => {
                if ((await stage.sentinels!.primary()).port === old.port)
                  throw new Error('there is no new primary')
              },
              30_000,
              50,
            )
            afterMs.push(await stage.converged(15_000))
            say('the old primary comes back, and becomes a replica')
            await returns(old)
            await delay(isLong ? 12_000 : 2500)
            await stage.converged(200)
            await late.stop()
            stage.there.delete('late')
          }
        },
      )
      finding.timings.push({
        what: `${what}: a new primary → both nodes know everything`,
        values: afterMs,
        target: { of: 'max', atMostMs: CONVERGED_MS },
      })
      return finding
    },
  }
}

/** Of a site with Sentinels. */
export const primaryKilled = primaryGone({
  name: 'primary-killed',
  title: 'the primary of Redis is killed: the Sentinels name another, and nobody notices',
  what: 'kill -9 of the primary of Redis',
  goes: (primary) => primary.kill(),
  returns: (primary) => primary.restart(),
})

/** Of a site with Sentinels. What the old primary believes when it goes on is older than what all others know. */
export const primaryFrozen = primaryGone({
  name: 'primary-frozen',
  title:
    'the primary of Redis stands still: the Sentinels name another, and nobody believes the old one later',
  what: 'SIGSTOP of the primary of Redis',
  goes: (primary) => primary.pause(),
  returns: (primary) => primary.resume(),
})
