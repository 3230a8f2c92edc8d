/**
 * A soak: services come and go while visitors of every kind come and stay, and afterwards nothing may be left.
 *
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { type GatewayProcess, startGatewayProcess } from '../support/gateway-process.ts'
import { type Churn, startChurn } from './churn.ts'
import { MOST_RSS, MOST_SLOPE, type Sample, SLOPE_SECONDS, settled, slopePerMinute } from './figures.ts'
import { type SoakLoad, startSoakLoad } from './load.ts'

export interface SoakOptions {
  readonly seconds: number
  readonly churnEveryMs: number
  readonly sayEveryMs: number
  /** Gets a line of text now and then. */
  readonly say: (line: string) => void
}

export interface Verdict {
  /** Everything that was not as it has to be; none is a pass. */
  readonly faults: readonly string[]
  /** One line with what was seen. */
  readonly summary: string
}

const SERVICES = ['shop', 'yard']
const SAMPLE_MS = 1000
/** Files that are open at one time and not at another: a connection of the one who looks, a timer of the system. */
const FEW_FILES = 8
const MiB = 1024 * 1024

/** Runs one from start to end. What it started is gone when it resolves or rejects. */
export async function runSoak({ seconds, churnEveryMs, sayEveryMs, say }: SoakOptions): Promise<Verdict> {
  const ends: (() => unknown)[] = []
  const t = { after: (end?: unknown) => void ends.push(end as () => unknown) }
  try {
    const gateway = await startGatewayProcess(t, { http: { stopGrace: '2s' } })
    const churn = await startChurn(t, gateway, SERVICES, churnEveryMs)
    const filesBefore = await gateway.files()
    say(`gateway ${gateway.pid} with ${SERVICES.length} services of 2 instances, ${filesBefore} open files`)
    const load = startSoakLoad(gateway.port, SERVICES)
    const samples = await watch(gateway, load, churn, { seconds, sayEveryMs, say })
    await churn.stop()
    await load.stop()
    return await judge(gateway, load, churn, samples, filesBefore, seconds)
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

async function watch(
  gateway: GatewayProcess,
  load: SoakLoad,
  churn: Churn,
  { seconds, sayEveryMs, say }: Pick<SoakOptions, 'seconds' | 'sayEveryMs' | 'say'>,
): Promise<Sample[]> {
  const samples: Sample[] = []
  const began = performance.now()
  let saidAt = began
  let okBefore = 0
  let wrongBefore = 0
  for (;;) {
    await delay(SAMPLE_MS)
    for (const wrong of load.counts.wrong.slice(wrongBefore)) say(`  wrong answer: ${wrong}`)
    wrongBefore = load.counts.wrong.length
    const now = performance.now()
    const elapsed = (now - began) / 1000
    samples.push({ seconds: elapsed, rssBytes: await gateway.rss(), files: await gateway.files() })
    if (now - saidAt >= sayEveryMs || elapsed >= seconds) {
      const { rssBytes, files } = samples.at(-1)!
      const ok = total(load.counts.ok)
      const perSecond = Math.round((ok - okBefore) / ((now - saidAt) / 1000))
      say(
        `${String(Math.round(elapsed)).padStart(5)} s  ${String(perSecond).padStart(5)}/s  ` +
          `memory ${(rssBytes / MiB).toFixed(1).padStart(6)} MiB  files ${String(files).padStart(4)}  ` +
          `disturbed ${total(load.counts.disturbed)}  wrong ${load.counts.wrong.length}  replaced ${churn.ended}`,
      )
      saidAt = now
      okBefore = ok
    }
    if (elapsed >= seconds) return samples
  }
}

async function judge(
  gateway: GatewayProcess,
  { counts }: SoakLoad,
  churn: Churn,
  samples: readonly Sample[],
  filesBefore: number,
  seconds: number,
): Promise<Verdict> {
  const faults = counts.wrong.map((wrong) => `wrong answer: ${wrong}`)
  const ok = total(counts.ok)
  const disturbed = total(counts.disturbed)
  for (const kind of kindsOf(counts)) {
    if (!counts.ok.has(kind)) faults.push(`nobody was served (${kind})`)
  }
  if (disturbed > ok / 50) faults.push(`${disturbed} visitors were disturbed, beside ${ok} served`)

  const left = await settle(gateway, filesBefore)
  faults.push(...left)

  const most = Math.max(...samples.map(({ rssBytes }) => rssBytes))
  if (most > MOST_RSS) faults.push(`memory reached ${(most / MiB).toFixed(1)} MiB`)
  const later = settled(samples, seconds)
  const slope = slopePerMinute(later)
  const spanSeconds = later.length < 2 ? 0 : later.at(-1)!.seconds - later[0]!.seconds
  const isSlopeKnown = spanSeconds >= SLOPE_SECONDS
  if (isSlopeKnown && slope > MOST_SLOPE) {
    faults.push(`memory grew by ${(slope / MiB).toFixed(2)} MiB a minute over ${Math.round(spanSeconds)} s`)
  }
  faults.push(...gateway.errors.map((line) => `the gateway logged ${line.slice(0, 500)}`))
  const status = await gateway.stop()
  if (status !== 0) faults.push(`the gateway ended with ${status}`)
  const summary =
    `${ok} served, ${disturbed} disturbed (${[...counts.disturbed].map(([kind, n]) => `${kind} ${n}`).join(', ') || 'none'}), ` +
    `${counts.wrong.length} wrong, ${churn.ended} instances replaced; memory at most ${(most / MiB).toFixed(1)} of ${MOST_RSS / MiB} MiB, ` +
    `slope ${(slope / MiB).toFixed(2)} MiB a minute ${isSlopeKnown ? `of at most ${MOST_SLOPE / MiB}` : '(too short to judge)'}`
  return { faults, summary }
}

/** Waits until nothing is left of the visitors; says what is after ten seconds. */
async function settle(gateway: GatewayProcess, filesBefore: number): Promise<string[]> {
  const faults: string[] = []
  const wait = async (check: () => Promise<string | undefined>) => {
    await eventually(
      async () => {
        const fault = await check()
        if (fault) throw new Error(fault)
      },
      10_000,
      100,
    ).catch((error: Error) => faults.push(error.message))
  }
  await wait(async () => {
    const { services } = await gateway.admin('services')
    const busy = services
      .flatMap(({ instances }: any) => instances)
      .filter(({ inFlight }: any) => inFlight !== 0)
      .map(({ id, inFlight }: any) => `${inFlight} of ${id}`)
    return busy.length > 0 ? `still in flight: ${busy}` : undefined
  })
  await wait(async () => {
    const files = await gateway.files()
    return files > filesBefore + FEW_FILES ? `${files} open files, ${filesBefore} before` : undefined
  })
  await wait(async () => {
    const sockets = await gateway.metric('hydra_websockets')
    return sockets === 0 ? undefined : `${sockets} WebSockets are counted, and there are none`
  })
  return faults
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}

function kindsOf({ ok, disturbed }: SoakLoad['counts']): Set<string> {
  return new Set([...ok.keys(), ...disturbed.keys()])
}
