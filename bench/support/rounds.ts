/**
 * Everybody in turn, round after round, so that the machine's moods hit all of them.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Seen } from './clients/job.ts'
import type { Peer, Place, Running } from './place.ts'
import { type Cores, cpuSeconds, memoryMiB, pin } from './processes.ts'

export interface RoundsOptions {
  /** Beside the first one, which warms everybody up and is not counted. */
  readonly rounds: number
  /** Length of a turn, ms; with `requests`, their number instead, but not while warming up. */
  readonly turnMs: number
  /** Length of a turn in the first round, ms. */
  readonly warmUpMs: number
  readonly requests?: number | undefined
  readonly cores?: Cores | undefined
  /** Told after each turn. */
  readonly onTurn?: (done: number, all: number) => void
}

/** How much is asked for in a turn. */
export interface Amount {
  readonly ms: number
  readonly requests?: number | undefined
}

/** One turn of one peer. */
export interface Turn extends Seen {
  /** CPU of its processes per 10 000 requests, seconds. */
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
/** The longest that a line may wait in a buffer. */
const LOG_MS = 5000

/** A peer that runs, or failed. */
export interface Lane<P extends Place, Q extends Peer<P> = Peer<P>> {
  readonly peer: Q
  readonly place: P
  readonly turns: Turn[]
  running?: Running
  memoryMiB: number
  /** Answered so far, the first round included. */
  requests: number
  last?: Seen
  failure?: string
}

/** Where lanes find a place, and who ends them. */
export interface Grounds<P extends Place> {
  place(name: string): P
  later(end: () => unknown): void
}

/** Starts a peer. */
export async function openLane<P extends Place, Q extends Peer<P>>(
  grounds: Grounds<P>,
  peer: Q,
  cores: Cores | undefined,
): Promise<Lane<P, Q>> {
  const lane: Lane<P, Q> = { peer, place: grounds.place(peer.name), turns: [], memoryMiB: 0, requests: 0 }
  await attempt(lane, async () => {
    const running = await peer.start(lane.place)
    if ('refused' in running) throw new Error(running.refused)
    grounds.later(running.end)
    pin(running.pids, cores?.proxy)
    lane.running = running
  })
  return lane
}

/** Gives everybody their turns; `ask` runs the load of one. */
export async function takeTurns<P extends Place, Q extends Peer<P>>(
  lanes: readonly Lane<P, Q>[],
  ask: (lane: Lane<P, Q>, amount: Amount) => Promise<Seen>,
  { rounds, warmUpMs, turnMs, requests, onTurn }: RoundsOptions,
): Promise<void> {
  const all = (rounds + 1) * lanes.length
  for (let round = 0, done = 0; round <= rounds; round++) {
    for (let i = 0; i < lanes.length; i++) {
      // Everybody is first, second and last in some round.
      const lane = lanes[(i + round) % lanes.length]!
      await attempt(lane, async () => {
        const amount = round === 0 ? { ms: warmUpMs } : { ms: turnMs, requests }
        const turn = await takeTurn(lane, () => ask(lane, amount))
        if (round > 0) lane.turns.push(turn)
      })
      onTurn?.(++done, all)
    }
  }
}

/** Who fails is out, and the others go on. */
export async function attempt<P extends Place>(lane: Lane<P>, step: () => Promise<void>): Promise<void> {
  if (lane.failure !== undefined) return
  try {
    await step()
  } catch (error) {
    lane.failure = error instanceof Error ? error.message : String(error)
  }
}

/** What is known of a lane at the end. */
export function measuredOf<P extends Place>({ peer, turns, memoryMiB, failure }: Lane<P>): Measured {
  return {
    peer: peer.name,
    turns: failure === undefined ? turns : [],
    memoryMiB,
    ...(failure === undefined ? {} : { failure }),
  }
}

async function takeTurn<P extends Place>(lane: Lane<P>, run: () => Promise<Seen>): Promise<Turn> {
  const { pids } = lane.running!
  const before = cpuSeconds(pids)
  const seen = await run()
  await delay(AFTERMATH_MS)
  const cpu = cpuSeconds(pids) - before
  lane.last = seen
  lane.requests += seen.requests
  lane.memoryMiB = Math.max(lane.memoryMiB, memoryMiB(pids))
  return { ...seen, cpuSeconds: (cpu / seen.requests) * 10_000 }
}

/** Everybody has a log, or the figures would not be comparable. What waits in a buffer is waited for. */
export async function checkLog<P extends Place>({ peer, place, requests }: Lane<P>): Promise<void> {
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
