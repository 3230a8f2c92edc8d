/**
 * Gateways that are killed, frozen and restarted while visitors go on asking.
 *
 * @module
 */
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { ConfigInput } from '@hydra-gateway/gateway'
import type { SiteNode } from '../../support/cluster-site.ts'
import { eventually } from '../../support/eventually.ts'
import { openSockets } from './sockets.ts'
import { createFinding, type Scenario, underLoad } from './trial.ts'

/** POSTs that are under way in one node at a time, with room for a busy machine. */
const UNDER_WAY = 40
const CONVERGED_MS = 3000

export const nodeKilled: Scenario = {
  name: 'node-killed',
  title: 'a node is killed: the other one serves everything, what was connected to the dead one included',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const kills = isLong ? 3 : 1
    const backMs: number[] = []
    await underLoad(
      finding,
      stage,
      trial,
      `kill -9 of one of two nodes${kills > 1 ? `, ${kills} times` : ''}`,
      { plan: { rescues: true }, promised: { toldPosts: kills * UNDER_WAY } },
      async () => {
        for (let i = 0; i < kills; i++) {
          say(`kill -9 ${stage.b.pid}, node b`)
          await stage.b.kill()
          // Longer than a lease lasts.
          await delay(isLong ? 12_000 : 5500)
          say('node b comes back')
          await stage.b.start()
          backMs.push(await stage.converged())
        }
      },
    )
    finding.timings.push({
      what: 'a node is started again → it serves everything',
      values: backMs,
      target: { of: 'max', atMostMs: CONVERGED_MS },
    })
    return finding
  },
}

export const nodeFrozen: Scenario = {
  name: 'node-frozen',
  title: 'a node stands still: the other one serves, and the first neither revives nor removes anybody later',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    for (const seconds of isLong ? [3, 8] : [7]) {
      await underLoad(
        finding,
        stage,
        trial,
        `SIGSTOP of one of two nodes for ${seconds} s`,
        // Whoever had asked it waits until it goes on.
        { plan: { rescues: true }, promised: { toldPosts: UNDER_WAY, slowestMs: (seconds + 2) * 1000 } },
        async () => {
          say(`SIGSTOP ${stage.b.pid}, node b, for ${seconds} s`)
          stage.b.freeze()
          if (seconds > 5) {
            // What dies meanwhile must not come back with it.
            await delay(1000)
            const [victim] = stage.there.get('shop')!
            say(`kill -9 ${victim!.pid}, an instance of shop, while node b stands still`)
            const killedAt = performance.now()
            await stage.replace(victim!, { nodes: [0, 1] })
            await delay(Math.max(0, (seconds - 1) * 1000 - (performance.now() - killedAt)))
          } else await delay(seconds * 1000)
          stage.b.thaw()
          const tookMs = await stage.converged()
          if (tookMs > CONVERGED_MS)
            finding.faults.push(`after SIGCONT both nodes agreed only after ${Math.round(tookMs)} ms`)
          // It stays so.
          await delay(1000)
          await stage.converged(100)
        },
      )
    }
    return finding
  },
}

/** Behind something that looks at `/_hydra/ready` four times a second. */
export const ROLLING_CONFIG: ConfigInput = { http: { stopGrace: '5s', stopDelay: '1s' } }

/** Of a site with these settings. */
export const rollingRestart: Scenario = {
  name: 'rolling-restart',
  title: 'every service and every gateway is restarted in turn, and nothing fails',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const rounds = isLong ? 3 : 1
    const sockets = await openSockets(stage.site.urls, '/shop/live', isLong ? 50 : 10)
    await underLoad(
      finding,
      stage,
      trial,
      `rolling restart of 3 services and 2 gateways${rounds > 1 ? `, ${rounds} times` : ''}`,
      {},
      async () => {
        for (let i = 0; i < rounds; i++) {
          for (const [name, services] of [...stage.there]) {
            for (const old of services) {
              say(`${name}: a successor is started, then ${old.pid} is told to stop`)
              const next = await stage.site.startService(name)
              const status = await old.stop()
              // The SDK ends a process the way the signal would have.
              if (status !== 0 && status !== 'SIGTERM') finding.faults.push(`${name} ended with ${status}`)
              stage.there.set(name, [...stage.there.get(name)!.filter((one) => one !== old), next])
            }
          }
          for (const node of stage.site.nodes) {
            say(`node ${node.name} is told to stop, and started again`)
            const began = performance.now()
            const status = await node.stop()
            if (status !== 0) finding.faults.push(`node ${node.name} ended with ${status}:\n${node.said()}`)
            finding.notes.push(
              `node ${node.name} was gone ${Math.round(performance.now() - began)} ms after SIGTERM`,
            )
            await node.start()
            await stage.converged()
          }
        }
      },
    )
    const { told, lost, opened } = await sockets.close()
    finding.notes.push(
      `${opened} WebSockets were opened, ${told} were told to come again, ${lost} were lost without a word`,
    )
    if (lost > 0) finding.faults.push(`${lost} of ${opened} WebSockets were lost without being told`)
    return finding
  },
}

/** Of a site whose nodes have workers. */
export const workerKilled: Scenario = {
  name: 'worker-killed',
  title: 'a worker is killed: another takes its place, and only what it was doing is lost',
  async run(stage, trial) {
    const { isLong, say } = trial
    const finding = createFinding()
    const kills = isLong ? 5 : 1
    await underLoad(
      finding,
      stage,
      trial,
      `kill -9 of one of two workers${kills > 1 ? `, ${kills} times` : ''}`,
      { plan: { rescues: true }, promised: { toldPosts: kills * UNDER_WAY } },
      async () => {
        for (let i = 0; i < kills; i++) {
          const [victim, ...others] = await workersOf(stage.a)
          say(`kill -9 ${victim}, a worker of node a`)
          process.kill(victim!, 'SIGKILL')
          await eventually(async () => {
            const now = await workersOf(stage.a)
            if (now.length <= others.length || now.includes(victim!)) throw new Error('no new worker yet')
          }, 10_000)
          await delay(1000)
        }
        await stage.converged()
      },
    )
    return finding
  },
}

/** Until a worker that says nothing is killed, ms, and one has taken its place. */
const WORKER_SILENT_MS = 20_000

/** Of a site whose nodes have workers. */
export const workerFrozen: Scenario = {
  name: 'worker-frozen',
  title: 'a worker stands still: it is killed and replaced, and the others serve',
  async run(stage, trial) {
    const finding = createFinding()
    await underLoad(
      finding,
      stage,
      trial,
      'SIGSTOP of one of two workers',
      // Whoever had asked it waits until it is killed.
      { plan: { rescues: true }, promised: { toldPosts: UNDER_WAY, slowestMs: 15_000 } },
      async () => {
        const [victim, ...others] = await workersOf(stage.a)
        trial.say(`SIGSTOP ${victim}, a worker of node a`)
        process.kill(victim!, 'SIGSTOP')
        await eventually(async () => {
          const now = await workersOf(stage.a)
          if (now.length <= others.length || now.includes(victim!)) throw new Error('no new worker yet')
        }, WORKER_SILENT_MS)
        await delay(1000)
        await stage.converged()
      },
    )
    return finding
  },
}

async function workersOf({ pid }: SiteNode): Promise<readonly number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return children.split(' ').filter(Boolean).map(Number)
}
