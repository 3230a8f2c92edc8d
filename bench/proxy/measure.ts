/**
 * One load at all proxies, in turn, round after round, so that the machine's moods hit everybody.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { askOverH2 } from './clients/h2load.ts'
import type { Seen } from './clients/job.ts'
import type { Load } from './loads.ts'
import type { Peer } from './peers.ts'
import type { Place, Running } from './place.ts'
import { type Cores, cpuSeconds, memoryMiB, pin } from './processes.ts'
import { openStage, type Stage } from './stage.ts'

export interface MeasureOptions {
  /** Beside the first one, which warms everybody up and is not counted. */
  readonly rounds: number
  /** Length of one proxy's turn, ms; with `requests`, their number instead, but not while warming up. */
  readonly turnMs: number
  /** Length of a turn in the first round, ms. */
  readonly warmUpMs: number
  readonly requests?: number | undefined
  readonly cores?: Cores | undefined
  /** Told after each turn. */
  readonly onTurn?: (done: number, all: number) => void
}

/** One turn of one proxy. */
export interface Turn extends Seen {
  /** CPU of the proxy per 10 000 requests, seconds. */
  readonly cpuSeconds: number
}

export interface Measured {
  readonly peer: string
  /** One for each round; empty when it failed. */
  readonly turns: readonly Turn[]
  /** The most after any turn. */
  readonly memoryMiB: number
  /** Why there is nothing. */
  readonly failure?: string
}

/** What is written after the answers, such as the log, is part of their cost. */
const AFTERMATH_MS = 100
/** So many requests per ms over HTTP/2 even a slow proxy answers cold. */
const SLOW_PER_MS = 3
/** The longest that a line may wait in a buffer. */
const LOG_MS = 5000

/** A proxy on a stage. */
interface Lane {
  readonly peer: Peer
  readonly place: Place
  readonly turns: Turn[]
  running?: Running
  memoryMiB: number
  /** Answered so far, the first round included. */
  requests: number
  last?: Seen
  failure?: string
}

/** Starts fresh proxies, measures, and ends them, also when something goes wrong. */
export async function measure(
  load: Load,
  peers: readonly Peer[],
  options: MeasureOptions,
): Promise<Measured[]> {
  const { cores, rounds, warmUpMs, turnMs, onTurn } = options
  const stage = await openStage({ cores, tls: load.tls === true })
  try {
    const lanes: Lane[] = []
    for (const peer of peers) lanes.push(await openLane(stage, peer, cores))
    const all = (rounds + 1) * lanes.length
    for (let round = 0, done = 0; round <= rounds; round++) {
      for (let i = 0; i < lanes.length; i++) {
        // Everybody is first, second and last in some round.
        const lane = lanes[(i + round) % lanes.length]!
        await attempt(lane, async () => {
          const amount = round === 0 ? { ms: warmUpMs } : { ms: turnMs, requests: options.requests }
          const turn = await takeTurn(lane, () => ask(stage, load, lane, amount, cores))
          if (round > 0) lane.turns.push(turn)
        })
        onTurn?.(++done, all)
      }
    }
    if (load.unit === 'requests') for (const lane of lanes) await attempt(lane, () => checkLog(lane))
    return lanes.map(({ peer, turns, memoryMiB, failure }) => ({
      peer: peer.name,
      turns: failure === undefined ? turns : [],
      memoryMiB,
      ...(failure === undefined ? {} : { failure }),
    }))
  } finally {
    await stage.end()
  }
}

async function openLane(stage: Stage, peer: Peer, cores: Cores | undefined): Promise<Lane> {
  const lane: Lane = { peer, place: stage.place(peer.name), turns: [], memoryMiB: 0, requests: 0 }
  await attempt(lane, async () => {
    const running = await peer.start(lane.place)
    if ('refused' in running) throw new Error(running.refused)
    stage.later(running.end)
    pin(running.pid, cores?.proxy)
    lane.running = running
  })
  return lane
}

/** A proxy that fails is out of this load, and the others go on. */
async function attempt(lane: Lane, step: () => Promise<void>): Promise<void> {
  if (lane.failure !== undefined) return
  try {
    await step()
  } catch (error) {
    lane.failure = error instanceof Error ? error.message : String(error)
  }
}

async function takeTurn(lane: Lane, run: () => Promise<Seen>): Promise<Turn> {
  const { pid } = lane.running!
  const before = cpuSeconds(pid)
  const seen = await run()
  await delay(AFTERMATH_MS)
  const cpu = cpuSeconds(pid) - before
  lane.last = seen
  lane.requests += seen.requests
  lane.memoryMiB = Math.max(lane.memoryMiB, memoryMiB(pid))
  return { ...seen, cpuSeconds: (cpu / seen.requests) * 10_000 }
}

function ask(
  stage: Stage,
  { name, tls, connections }: Load,
  { running, place, last }: Lane,
  { ms, requests }: { readonly ms: number; readonly requests?: number | undefined },
  cores: Cores | undefined,
): Promise<Seen> {
  const { port } = running!
  if (tls) {
    // `h2load` takes a number of requests: what fits into a turn is known from the one before.
    const perMs = last ? last.requests / last.seconds / 1000 : SLOW_PER_MS
    const count = requests ?? Math.ceil(perMs * ms)
    return askOverH2({ port, connections, requests: count, folder: place.folder, cores: cores?.others })
  }
  return stage.send({ load: name, port, connections, until: requests === undefined ? { ms } : { requests } })
}

/** Everybody has a log, or the figures would not be comparable. What waits in a buffer is waited for. */
async function checkLog({ peer, place, requests }: Lane): Promise<void> {
  if (!peer.hasLog) return
  const until = performance.now() + LOG_MS
  for (;;) {
    const lines = countLines(place.logFile)
    if (lines >= requests) return
    if (performance.now() > until) throw new Error(`its log has ${lines} lines for ${requests} requests`)
    await delay(100)
  }
}

function countLines(file: string): number {
  let lines = 0
  for (const byte of readFileSync(file)) if (byte === 10) lines++
  return lines
}
