/**
 * What sites of different shapes cost one node: memory for services, instances and routes, CPU of a registration, and
 * what everybody is told when something changes.
 *
 * @module
 */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { KEYS, type RunningHydra, startHydra } from '../support/hydra.ts'
import type { Outcome } from '../support/part.ts'
import { type Cores, cpuSeconds, memoryMiB, pin } from '../support/processes.ts'
import { openCrowd, startCrowd } from './crowd-job.ts'
import { type Meter, meter } from './meter.ts'
import { withFolder } from './with-folder.ts'

interface Shape {
  readonly services: number
  readonly instances: number
  readonly routes: number
}

const EMPTY: Shape = { services: 0, instances: 0, routes: 0 }
const SERVICES: Shape = { services: 1000, instances: 1, routes: 1 }
const ROUTES: Shape = { services: 1000, instances: 1, routes: 101 }
const INSTANCES: Shape = { services: 1000, instances: 5, routes: 1 }
/** Instances with a line each; all are told of each change. */
const LINES = 300
const IDLE_MS = 5000
const AT_ONCE = 8
/** They send no beats, and stay all the same. */
const CONFIG = { lease: { ttl: '1h' }, registration: { maxInstances: 100_000 } } as const

export async function measureOneNode(cores: Cores | undefined): Promise<Outcome> {
  const empty = await measureShape(EMPTY, cores)
  const services = await measureShape(SERVICES, cores)
  const routes = await measureShape(ROUTES, cores)
  const instances = await measureShape(INSTANCES, cores)
  const lines = await measureLines(cores)
  const kib = (more: Memory, less: Memory, count: number) =>
    (((more.mib - less.mib) * 1024) / count).toFixed(2)
  const data = { empty, services, routes, instances, lines }
  return {
    title: 'One node',
    columns: ['what', 'figure'],
    rows: [
      { cells: ['memory of a node without services, MiB', empty.mib.toFixed(0)] },
      {
        cells: [
          'memory of a service with one instance and one route, KiB',
          kib(services, empty, SERVICES.services),
        ],
      },
      {
        cells: [
          'memory of one more instance of a service, KiB',
          kib(instances, services, 4 * SERVICES.services),
        ],
      },
      {
        cells: ['memory of one more route of a service, KiB', kib(routes, services, 100 * SERVICES.services)],
      },
      { cells: ['CPU of a registration of 1 route, ms', services.registerMs.toFixed(2)] },
      { cells: ['CPU of a registration of 101 routes, ms', routes.registerMs.toFixed(2)] },
      { cells: ['memory of an instance with a line of its own, KiB', lines.kib.toFixed(1)] },
      { cells: [`CPU of ${LINES} lines while nothing happens, ms/s`, lines.idleMs.toFixed(1)] },
      {
        cells: [
          `overview of ${LINES} services, 10 routes each, bytes at each line`,
          String(lines.overviewBytes),
        ],
      },
      { cells: [`CPU to tell ${LINES} lines of a change, ms`, lines.changeMs.toFixed(1)] },
    ],
    notes: [
      'Memory is the resident set without garbage. Sites of 1 000 services, registered over HTTP with 1 and 101 routes, and with 1 and 5 instances; each figure is the difference of two of them, divided by what they differ in.',
      `Lines are those of the SDK, ${LINES} services with one instance and ten routes; memory is the difference to none, divided by their number, with their services and routes.`,
    ],
    data,
  }
}

interface Memory {
  readonly mib: number
}

/** A site of a shape in a gateway that was just started. */
function measureShape(
  shape: Shape,
  cores: Cores | undefined,
): Promise<Memory & { readonly registerMs: number }> {
  return withFolder(async (folder, later) => {
    const gateway = await start(folder, cores)
    later(gateway.end)
    const before = cpuSeconds(gateway.pids)
    await registerAll(gateway.port, shape)
    const registerMs =
      ((cpuSeconds(gateway.pids) - before) * 1000) / Math.max(1, shape.services * shape.instances)
    return { mib: await collected(gateway), registerMs }
  })
}

function measureLines(cores: Cores | undefined) {
  return withFolder(async (folder, later) => {
    const gateway = await start(folder, cores)
    later(gateway.end)
    const crowd = await startCrowd(cores)
    later(crowd.end)
    const open = (ports: readonly number[], count: number) =>
      openCrowd(crowd, { what: 'open', ports, count, instancesEach: 1, routesEach: 10 })
    const before = await collected(gateway)
    await open([gateway.port], LINES - 1)
    // The last one's bytes are counted on their way.
    const wire: Meter = await meter(gateway.port)
    later(wire.end)
    await open([wire.port], 1)
    await delay(1000)
    const mib = await collected(gateway)
    const idleBefore = cpuSeconds(gateway.pids)
    await delay(IDLE_MS)
    const idle = cpuSeconds(gateway.pids) - idleBefore
    const sentBefore = wire.fromServer()
    const changeBefore = cpuSeconds(gateway.pids)
    await registerAll(gateway.port, { services: 1, instances: 1, routes: 1 })
    // All that is told is written within this time.
    await delay(1000)
    const change = cpuSeconds(gateway.pids) - changeBefore - idle / (IDLE_MS / 1000)
    return {
      kib: ((mib - before) * 1024) / LINES,
      idleMs: (idle * 1000) / (IDLE_MS / 1000),
      overviewBytes: wire.fromServer() - sentBefore,
      changeMs: change * 1000,
    }
  })
}

async function start(folder: string, cores: Cores | undefined): Promise<RunningHydra> {
  const gateway = await startHydra({ folder, logFile: '/dev/null' }, CONFIG, 'silent')
  if ('refused' in gateway) throw new Error(gateway.refused)
  pin(gateway.pids, cores?.proxy)
  return gateway
}

async function registerAll(port: number, { services, instances, routes }: Shape): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
  const jobs = Array.from({ length: services * instances }, (_, i) => i)
  const work = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const name = `service-${job % services}`
      await post(agent, port, {
        name,
        host: '127.0.0.1',
        port: 10_000 + Math.floor(job / services),
        endpoints: Array.from({ length: routes }, (_, i) => `/${name}/pages/${i}/{id}`),
      })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  agent.destroy()
}

function post(agent: Agent, port: number, body: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request({
      ...{ agent, port, host: '127.0.0.1', method: 'POST' },
      path: `/h/discovery/${KEYS.publicKey}/registration`,
      headers: { 'content-type': 'application/json' },
    })
    call.on('error', reject)
    call.on('response', (answer) => {
      answer.resume()
      answer.on('end', () =>
        answer.statusCode === 200 ? resolve() : reject(new Error(`registration: ${answer.statusCode}`)),
      )
    })
    call.end(JSON.stringify(body))
  })
}

/** Memory without garbage once it does not change any more, MiB. */
async function collected(gateway: RunningHydra): Promise<number> {
  await gateway.ask('collect')
  let before = memoryMiB(gateway.pids)
  for (let i = 0; i < 10; i++) {
    await delay(500)
    const now = memoryMiB(gateway.pids)
    if (i > 1 && Math.abs(now - before) < 0.2) return now
    before = now
  }
  return before
}
