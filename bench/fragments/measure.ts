/**
 * The page at all composers: as many as they can, then single ones of which one fragment takes its time.
 *
 * @module
 */
import type { Seen } from '../support/clients/job.ts'
import { percentilesOf } from '../support/percentiles.ts'
import {
  type Amount,
  attempt,
  checkLog,
  type Lane,
  type Measured,
  measuredOf,
  openLane,
  type RoundsOptions,
  takeTurns,
} from '../support/rounds.ts'
import type { PagesJob, WatchJob } from './clients/client.ts'
import type { Sample } from './clients/watch.ts'
import { expectedPage, fragmentHtml, HEAD_CLOSES, pathOf, refOf, SLOW_PART } from './page.ts'
import type { PagePeer } from './peers.ts'
import { openPageStage, type PagePlace, type PageStage } from './stage.ts'

export interface MeasureOptions extends RoundsOptions {
  readonly measuresPages: boolean
  readonly measuresSlow: boolean
}

/** Pages with a slow fragment, at one composer. */
export interface Slow {
  readonly peer: string
  /** Last byte of the page's head, after the page left its service or, where there is none, after it was asked for. */
  readonly headMs: Readonly<Record<'p50' | 'p95' | 'max', number>>
  readonly isAfterPage: boolean
  /** The whole page, after it was asked for. */
  readonly totalMs: Readonly<Record<'p50' | 'p95' | 'max', number>>
  /** Of that, what is more than the slow fragment takes when it is asked for directly: the medians. */
  readonly beyondMs: number
}

export interface MeasuredPages {
  readonly pages: readonly Measured[]
  readonly slow: readonly Slow[]
  /** The slow fragment, asked for directly, ms. */
  readonly directMs: number
}

type PageLane = Lane<PagePlace, PagePeer>

/** Visitors at a time. */
export const CONNECTIONS = 32
/** Visitors of slow pages, each with so many of them in a round. */
const SLOW_VISITORS = 5
const SLOW_COUNT = 4
const SLOW_ROUNDS = 2

/** Starts everybody, measures, and ends them, also when something goes wrong. */
export async function measure(peers: readonly PagePeer[], options: MeasureOptions): Promise<MeasuredPages> {
  const { cores, measuresPages, measuresSlow } = options
  const stage = await openPageStage(cores)
  try {
    const lanes: PageLane[] = []
    for (const peer of peers) lanes.push(await openLane(stage, peer, cores))
    // Also those who are asked for slow pages alone are warm.
    await takeTurns(lanes, (lane, amount) => askForPages(stage, lane, amount), {
      ...options,
      rounds: measuresPages ? options.rounds : 0,
    })
    for (const lane of lanes) await attempt(lane, () => checkLog(lane))
    const watched = measuresSlow ? await watchAll(stage, lanes) : { slow: [], directMs: 0 }
    return { pages: lanes.map(measuredOf), ...watched }
  } finally {
    await stage.end()
  }
}

/** One turn at one of them. */
export function askForPages(
  stage: PageStage,
  { peer, running }: Pick<PageLane, 'peer' | 'running'>,
  { ms, requests }: Amount,
): Promise<Seen> {
  return stage.send<Seen>({
    what: 'pages',
    port: running!.port,
    path: pathOf(peer.dialect),
    expected: expectedPage(peer.dialect),
    connections: CONNECTIONS,
    until: requests === undefined ? { ms } : { requests },
  } satisfies PagesJob)
}

interface Watched {
  readonly samples: Sample[]
  /** After the page left, or was asked for. */
  readonly headMs: number[]
}

async function watchAll(
  stage: PageStage,
  lanes: readonly PageLane[],
): Promise<Pick<MeasuredPages, 'slow' | 'directMs'>> {
  const direct: Sample[] = []
  const all = new Map(lanes.map((lane): [typeof lane, Watched] => [lane, { samples: [], headMs: [] }]))
  for (let round = 0; round < SLOW_ROUNDS; round++) {
    direct.push(...(await watch(stage, directly(stage))))
    for (const [lane, watched] of all) await attempt(lane, () => watchOne(stage, lane, watched))
  }
  const directMs = percentilesOf(direct.map(lasted)).p50
  const slow = [...all]
    .filter(([{ failure }]) => failure === undefined)
    .map(([{ peer }, { samples, headMs }]) => {
      const totalMs = percentilesOf(samples.map(lasted))
      return {
        peer: peer.name,
        headMs: percentilesOf(headMs),
        isAfterPage: peer.asksForPage,
        totalMs,
        beyondMs: totalMs.p50 - directMs,
      }
    })
  return { slow, directMs }
}

async function watchOne(stage: PageStage, lane: PageLane, watched: Watched): Promise<void> {
  const { dialect } = lane.peer
  const expected = expectedPage(dialect)
  const headBytes = expected.indexOf(HEAD_CLOSES) + HEAD_CLOSES.length
  await stage.left()
  const samples = await watch(stage, {
    port: lane.running!.port,
    path: pathOf(dialect, true),
    expected,
    headBytes,
  })
  const left = new Map(await stage.left())
  for (const sample of samples) {
    const from = lane.peer.asksForPage ? left.get(sample.id) : sample.sentMs
    if (from === undefined) throw new Error('a page came that its service had not sent')
    watched.samples.push(sample)
    watched.headMs.push(sample.headMs - from)
  }
}

async function watch(
  stage: PageStage,
  where: Pick<WatchJob, 'port' | 'path' | 'expected' | 'headBytes'>,
): Promise<readonly Sample[]> {
  const amount = { count: SLOW_COUNT, visitors: SLOW_VISITORS }
  const job = { what: 'watch', ...where, ...amount } satisfies WatchJob
  return (await stage.send<{ samples: Sample[] }>(job)).samples
}

/** The slow fragment at its service. */
function directly(stage: PageStage): Pick<WatchJob, 'port' | 'path' | 'expected' | 'headBytes'> {
  const path = `/${refOf(SLOW_PART, true)}`
  return { port: stage.partPorts[SLOW_PART - 1]!, path, expected: fragmentHtml(SLOW_PART), headBytes: 0 }
}

function lasted({ sentMs, endMs }: Sample): number {
  return endMs - sentMs
}
