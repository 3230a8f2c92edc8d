/**
 * What every fault has in common: a site, visitors who go on asking, and a verdict.
 *
 * A scenario does the same in a test and in `npm run bench:faults`, there for longer and more often.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import {
  type FaultLoad,
  formatFailed,
  type LoadCounts,
  type LoadPlan,
  startFaultLoad,
} from '../../support/fault-load.ts'
import type { Stage } from './stage.ts'

export interface Trial {
  /** Full length, as in the bench; otherwise just long enough to see it. */
  readonly isLong: boolean
  /** What happens right now. */
  say(what: string): void
}

/** One fault under load: what was done, and what became of the requests. */
export interface Row {
  readonly what: string
  readonly counts: LoadCounts
  /** POSTs that services took twice, and POSTs that were answered well and taken by nobody. */
  readonly doubles: number
  readonly lost: number
}

/** How long something took, each time it was done. */
export interface Timing {
  readonly what: string
  readonly values: readonly number[]
  readonly target?: { readonly of: 'p95' | 'p99' | 'max'; readonly atMostMs: number }
}

export interface Finding {
  readonly rows: readonly Row[]
  readonly timings: readonly Timing[]
  /** Promises that were not kept; none is a pass. */
  readonly faults: readonly string[]
  /** What else was seen. */
  readonly notes: readonly string[]
}

export interface Scenario {
  readonly name: string
  /** A sentence about the user's world. */
  readonly title: string
  run(stage: Stage, trial: Trial): Promise<Finding>
}

export interface Promised {
  /** POSTs that were under way may have been cut: whoever asked is told, and nothing is sent twice. @default 0 */
  readonly toldPosts?: number
  /** Longest time in which nobody is answered, ms; more where a test shares its machine. @default 1500 */
  readonly gapMs?: number
  /** Slowest answer, ms. @default 15000 */
  readonly slowestMs?: number
}

/** Visitors before anything happens, and after everything has. */
const BEFORE_MS = 500
const AFTER_MS = 500
/** What anything may take longer where a test shares its machine with others. */
export const BUSY_MS = 5000

/** Collects what a scenario finds. */
export function createFinding(): Finding & {
  readonly rows: Row[]
  readonly timings: Timing[]
  readonly faults: string[]
  readonly notes: string[]
} {
  return { rows: [], timings: [], faults: [], notes: [] }
}

/** Does something under load, and finds out what became of the requests and which promises were broken. */
export async function underLoad(
  finding: Pick<ReturnType<typeof createFinding>, 'rows' | 'faults'>,
  stage: Pick<Stage, 'after'> & { readonly site: Pick<Stage['site'], 'urls' | 'ledger'> },
  { isLong }: Trial,
  what: string,
  { plan = {}, promised = {} }: { readonly plan?: Partial<LoadPlan>; readonly promised?: Promised },
  run: (load: FaultLoad) => Promise<void>,
): Promise<Row> {
  const before = await stage.site.ledger()
  const load = await startFaultLoad(stage, {
    nodes: stage.site.urls,
    services: ['shop', 'solo'],
    ...plan,
  })
  await delay(BEFORE_MS)
  const broken: string[] = []
  // What came of the requests is of most interest when something else went wrong.
  await run(load).catch((error: Error) => broken.push(`${what}: ${error.message}`))
  await delay(AFTER_MS)
  const counts = await load.stop()
  const after = await stage.site.ledger()
  let doubles = 0
  for (const [id, count] of after) if (count > 1 && (before.get(id) ?? 0) < count) doubles++
  const lost = counts.posted.filter((id) => !after.has(id)).length
  const row: Row = { what, counts, doubles, lost }
  finding.rows.push(row)
  finding.faults.push(...broken, ...judge(row, promised, isLong))
  return row
}

function judge(
  { what, counts, doubles, lost }: Row,
  { toldPosts = 0, gapMs = 1500, slowestMs = 15_000 }: Promised,
  isLong: boolean,
): string[] {
  // A test may have to share its machine with others: how long something takes is for the bench to say.
  const busyMs = isLong ? 0 : BUSY_MS
  const faults: string[] = []
  const expect = (isSo: boolean, sentence: string): void => {
    if (!isSo) faults.push(`${what}: ${sentence}`)
  }
  const { failedRepeatable, failedSent, failed, stale, wrong, unsent, longestGapMs, ownDelayMs, latency } =
    counts
  expect(counts.ok > 0, 'nobody was answered at all')
  expect(
    failedRepeatable === 0,
    `${failedRepeatable} requests failed that may be repeated (${formatFailed(failed)})`,
  )
  expect(
    failedSent <= toldPosts,
    `${failedSent} POSTs failed that were sent, at most ${toldPosts} had to (${formatFailed(failed)})`,
  )
  expect(doubles === 0, `${doubles} POSTs were taken twice`)
  expect(lost === 0, `${lost} POSTs were answered well and taken by nobody`)
  expect(stale === 0, `${stale} answers of instances that were gone for more than a second`)
  expect(wrong === 0, `${wrong} answers to somebody else's request`)
  expect(unsent === 0, `${unsent} requests could not even be sent`)
  expect(
    longestGapMs - ownDelayMs <= gapMs + busyMs,
    `nobody was answered for ${Math.round(longestGapMs)} ms, ${Math.round(ownDelayMs)} of them asleep`,
  )
  expect(!(latency.max > slowestMs + busyMs), `the slowest answer took ${Math.round(latency.max)} ms`)
  return faults
}
