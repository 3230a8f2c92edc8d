/**
 * Visitors who go on asking while things are killed, from a process of their own so that nothing here disturbs their
 * clock, and who count what they got.
 *
 * They do as a load balancer and a browser together: they leave out a node that is not ready, go to another one when a
 * connection is refused, and ask again what may be asked again when a kept connection turns out to be closed. Whatever
 * else goes wrong is a failure. A POST is never sent twice.
 *
 * @module
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

/** What the visitors are told. */
export interface LoadPlan {
  /** Where the nodes are: `http://127.0.0.1:8080`. */
  readonly nodes: readonly string[]
  /** Services that are asked in turn. Some instance of each serves all the time, unless it stands in `lonely`. */
  readonly services: readonly string[]
  /** Services of which nobody may be there: 503 is right then. @default none */
  readonly lonely?: readonly string[]
  /** Requests a second, however long answers take. @default 500 */
  readonly perSecond?: number
  /** Part of them that may not be repeated, each with an id of its own. @default 0.2 */
  readonly posts?: number
  /** Part of them over a connection of their own. @default 0.1 */
  readonly fresh?: number
  /** Part of them that takes 40 ms, so that something is under way at any time. @default 0.05 */
  readonly slow?: number
  /**
   * Whether a GET is asked again at another node when its connection broke, as it does when a node is killed. Without,
   * only one is whose kept connection was closed before any byte came. @default false
   */
  readonly rescues?: boolean
  /** @default 20000 */
  readonly timeoutMs?: number
}

export interface LoadCounts {
  readonly seconds: number
  readonly sent: number
  readonly ok: number
  /** By method and what came: `GET 502`, `POST cut`, `GET timeout`. */
  readonly failed: Readonly<Record<string, number>>
  /** Of those: a GET, or a POST of which nothing was sent. None of them had to fail. */
  readonly failedRepeatable: number
  /** Of those: a POST that was sent and ended in 502, or with the connection to a node. Whoever asked was told. */
  readonly failedSent: number
  /** Refused by a node, asked at another. */
  readonly moved: number
  /** GETs whose kept connection was closed before any byte came, asked again. */
  readonly repeated: number
  /** GETs that broke with their node, asked again elsewhere. */
  readonly rescued: number
  /** 503 with `Retry-After` of services that may be away. */
  readonly fallbacks: number
  /** Answers of an instance more than a second after everybody was told that it is gone. */
  readonly stale: number
  /** Answers of somebody else, or to another request. */
  readonly wrong: number
  /** Requests that were due, and not sent because 4 000 others were under way. */
  readonly unsent: number
  /** From when a request was due, of all that went well; ms. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number; readonly max: number }
  /** Longest time in which nobody got an answer that was well, ms. */
  readonly longestGapMs: number
  /** Longest time the visitors themselves slept too long, ms: as much of gap and latency may be theirs. */
  readonly ownDelayMs: number
  readonly answeredBy: Readonly<Record<string, number>>
  /** Ids of POSTs that were answered well. */
  readonly posted: readonly string[]
}

export type LoadOrder =
  | { readonly what: 'start'; readonly plan: LoadPlan }
  | { readonly what: 'dead'; readonly instance: string }
  | { readonly what: 'count' }
  | { readonly what: 'stop' }

export interface FaultLoad {
  /** From now on nobody may be answered by it, a second later. */
  dead(instance: string): void
  /** What was counted since the last time somebody asked; requests under way count when they end. */
  count(): Promise<LoadCounts>
  /** Sends nothing more, waits for the last answers, and counts once more. */
  stop(): Promise<LoadCounts>
}

const PROGRAM = new URL('../cluster/programs/visitors.ts', import.meta.url)

/** Begins at once. Ended when the test ends. */
export async function startFaultLoad(t: Pick<TestContext, 'after'>, plan: LoadPlan): Promise<FaultLoad> {
  const child = fork(PROGRAM, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const gone = once(child, 'exit')
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await gone
  })
  await nextMessage(child, gone)
  const send = (order: LoadOrder): void => void child.send(order)
  const ask = async (order: LoadOrder): Promise<LoadCounts> => {
    const answer = nextMessage(child, gone)
    send(order)
    return (await answer) as LoadCounts
  }
  send({ what: 'start', plan })
  return {
    dead: (instance) => send({ what: 'dead', instance }),
    count: () => ask({ what: 'count' }),
    async stop() {
      const counts = await ask({ what: 'stop' })
      child.disconnect()
      await gone
      return counts
    },
  }
}

async function nextMessage(child: ChildProcess, gone: Promise<unknown[]>): Promise<unknown> {
  const ended = gone.then(([code, signal]) => {
    throw new Error(`the visitors ended with ${code ?? signal}`)
  })
  const [message] = await Promise.race([once(child, 'message'), ended])
  return message
}

/** `GET 502: 2, POST cut: 1` */
export function formatFailed(failed: Readonly<Record<string, number>>): string {
  const parts = Object.entries(failed).map(([kind, count]) => `${kind}: ${count}`)
  return parts.join(', ') || 'none'
}
