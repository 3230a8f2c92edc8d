/**
 * What nodes that share Redis cost it and each other: while nothing happens, for each node, each instance and each
 * change, and when a node comes.
 *
 * @module
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Child } from '../support/child.ts'
import { type RunningHydra, startHydra } from '../support/hydra.ts'
import type { Outcome } from '../support/part.ts'
import { freePort } from '../support/place.ts'
import { type Cores, cpuSeconds, pin } from '../support/processes.ts'
import { startProgram } from '../support/program.ts'
import { openCrowd, startCrowd } from './crowd-job.ts'
import { redisInfo } from './redis-info.ts'
import { withFolder } from './with-folder.ts'

const INSTANCES = 300
const ROUTES = 10
const NODES = 4
const IDLE_MS = 10_000
const SETTLE_MS = 2000
/** Services that come and go, to see what one costs. */
const CHANGES = 20

/** What Redis has done in one second. */
interface Rate {
  readonly commands: number
  readonly inBytes: number
  readonly outBytes: number
  readonly redisMs: number
  /** Of one node. */
  readonly nodeMs: number
}

interface Counts {
  readonly at: number
  readonly commands: number
  readonly inBytes: number
  readonly outBytes: number
  readonly redis: number
  readonly nodes: number
}

export function measureShared(cores: Cores | undefined): Promise<Outcome> {
  return withFolder(async (folder, later) => {
    const port = await freePort()
    const place = { folder, logFile: '/dev/null' }
    const redis = await startProgram(
      'redis-server',
      ['--port', String(port), '--save', '', '--bind', '127.0.0.1'],
      port,
      place,
    )
    later(redis.end)
    pin(redis.pids, cores?.others)
    const nodes: RunningHydra[] = []
    const startNode = async () => {
      const own = join(folder, `node-${nodes.length}`)
      mkdirSync(own)
      const config = {
        redis: { url: `redis://127.0.0.1:${port}` },
        cluster: { name: `node-${nodes.length}` },
      }
      const node = await startHydra({ folder: own, logFile: '/dev/null' }, config, 'silent')
      if ('refused' in node) throw new Error(node.refused)
      pin(node.pids, cores?.proxy)
      later(node.end)
      nodes.push(node)
    }
    const pids = () => nodes.flatMap((node) => node.pids)
    const counts = async (): Promise<Counts> => {
      const { figure } = await redisInfo(port)
      return {
        at: performance.now(),
        commands: figure('total_commands_processed'),
        inBytes: figure('total_net_input_bytes'),
        outBytes: figure('total_net_output_bytes'),
        redis: cpuSeconds(redis.pids),
        nodes: cpuSeconds(pids()),
      }
    }
    /** Of all that is not this bench's own asking, which is one command and a few kilobytes. */
    const ratesOver = async (ms: number): Promise<Rate> => {
      const own = await counts()
      const before = await counts()
      await delay(ms)
      const after = await counts()
      const seconds = (after.at - before.at) / 1000
      const per = (name: 'commands' | 'inBytes' | 'outBytes') =>
        (after[name] - before[name] - (before[name] - own[name])) / seconds
      return {
        ...{ commands: per('commands'), inBytes: per('inBytes'), outBytes: per('outBytes') },
        redisMs: ((after.redis - before.redis) * 1000) / seconds,
        nodeMs: ((after.nodes - before.nodes) * 1000) / seconds / nodes.length,
      }
    }
    const memory = async () => (await redisInfo(port)).figure('used_memory')
    const crowd = await startCrowd(cores)
    later(crowd.end)

    await startNode()
    await startNode()
    await delay(SETTLE_MS)
    const empty = await ratesOver(IDLE_MS)
    const emptyBytes = await memory()
    await open(crowd, nodes, INSTANCES, 3)
    await delay(SETTLE_MS)
    const full = await ratesOver(IDLE_MS)
    const fullBytes = await memory()

    // Nodes that come read everything.
    const joined = await counts()
    await startNode()
    const whole = (await counts()).outBytes - joined.outBytes
    await startNode()
    await delay(SETTLE_MS)
    const many = await ratesOver(IDLE_MS)

    const changing = await startCrowd(cores)
    later(changing.end)
    const before = await counts()
    await open(changing, nodes, CHANGES, 1, 'new')
    await delay(SETTLE_MS)
    const after = await counts()
    const seconds = (after.at - before.at) / 1000
    const change = (name: 'inBytes' | 'outBytes') =>
      (after[name] - before[name] - many[name] * seconds) / CHANGES

    const perInstance = (name: keyof Rate) => (full[name] - empty[name]) / INSTANCES
    const perNode = (name: keyof Rate) => (many[name] - full[name]) / (nodes.length - 2)
    const one = (value: number) => value.toFixed(1)
    const kib = (bytes: number) => (bytes / 1024).toFixed(1)
    return {
      title: `Nodes that share Redis`,
      columns: ['what', 'figure'],
      rows: [
        { cells: ['a node without services: commands at Redis, per second', one(empty.commands / 2)] },
        { cells: ['the same: bytes to and from Redis, KiB/s', kib((empty.inBytes + empty.outBytes) / 2)] },
        { cells: ['an instance with a line: commands per second', perInstance('commands').toFixed(3)] },
        { cells: ['the same: bytes to Redis per second', one(perInstance('inBytes'))] },
        { cells: ['the same: bytes from Redis per second', one(perInstance('outBytes'))] },
        { cells: ['one more node beside them: commands per second', one(perNode('commands'))] },
        {
          cells: ['the same: bytes to and from Redis, KiB/s', kib(perNode('inBytes') + perNode('outBytes'))],
        },
        { cells: [`CPU of Redis, ${INSTANCES} instances, 2 nodes, ms/s`, one(full.redisMs)] },
        { cells: [`CPU of Redis, ${INSTANCES} instances, ${NODES} nodes, ms/s`, one(many.redisMs)] },
        { cells: [`CPU of a node of 2, ${INSTANCES} instances, ms/s`, one(full.nodeMs)] },
        { cells: ['memory of an instance in Redis, KiB', kib((fullBytes - emptyBytes) / INSTANCES)] },
        { cells: [`a node comes to ${INSTANCES} instances: read from Redis, KiB`, kib(whole)] },
        { cells: [`a registration with ${NODES} nodes: bytes to Redis, KiB`, kib(change('inBytes'))] },
        { cells: [`the same: from Redis, KiB`, kib(change('outBytes'))] },
      ],
      notes: [
        `${INSTANCES} instances of ${INSTANCES / 3} services, ${ROUTES} routes each, on two nodes, then four; while nothing happens but beats and looks each second. Bytes are those Redis counts.`,
        'What one instance or node costs is the difference of two such sites, divided by what they differ in; one below 0 is too small to be seen.',
      ],
      data: {
        empty,
        full,
        many,
        emptyBytes,
        fullBytes,
        whole,
        change: { in: change('inBytes'), out: change('outBytes') },
      },
    }
  })
}

async function open(
  crowd: Child<object>,
  nodes: readonly RunningHydra[],
  count: number,
  instancesEach: number,
  prefix = 's',
): Promise<void> {
  const ports = nodes.map(({ port }) => port)
  await openCrowd(crowd, { what: 'open', ports, count, instancesEach, routesEach: ROUTES, prefix })
}
