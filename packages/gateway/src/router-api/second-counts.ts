/**
 * What `/v1/router/stats` tells: counts of each second of the last hour, by service.
 *
 * Requests are not counted one by one: once a second the counts the data plane keeps anyway are looked at
 * (`routing/vitals.ts`, which has those of workers too), so that a request costs nothing more.
 *
 * @module
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../observe/clock.ts'
import type { Registry } from '../registry/registry.ts'
import type { VitalsBook } from '../routing/vitals.ts'

/** Seconds that are remembered. */
export const REMEMBERED = 3600

/** `http`: requests; `ws`: messages; `error`: requests and messages that failed. */
export type CountKind = 'http' | 'ws' | 'error'

export interface SecondCounts {
  /** Something happened now. Called for each message, so it costs next to nothing. */
  count(kind: CountKind, service: string, times?: number): void
  /** The newest `seconds`, the oldest first; zeros where nothing was counted. */
  lastOf(kind: CountKind, service: string, seconds?: number): number[]
  /** JSON of `{ httpStats, wsStats, errorStats }`, made at most once a second, and never for long at a stretch. */
  text(): Promise<string>
  close(): void
}

export interface SecondCountsDeps {
  /** Instances that are known now, each with its service. */
  readonly instances: () => Iterable<{ readonly id: string; readonly service: string }>
  readonly vitals: Pick<VitalsBook, 'of'>
  readonly clock: Pick<Clock, 'monotonic' | 'every'>
  /** Services that are told apart, 14 KB for each kind of each; what others do is not counted. @default 500 */
  readonly maxServices?: number
}

/** A ring of seconds. */
interface Ring {
  readonly counts: Uint32Array
  /** Second that was written last. */
  at: number
}

const KINDS = ['http', 'ws', 'error'] as const
/** Of the event loop at a stretch, ms: an hour of seconds for all services is ten megabytes. */
const STRETCH_MS = 5
const NAUGHTS = '0,'.repeat(REMEMBERED)

export function createSecondCounts({
  instances,
  vitals,
  clock,
  maxServices = 500,
}: SecondCountsDeps): SecondCounts {
  /** What is known of each service; one that was not heard of for longer than is remembered makes room. */
  const services = new Map<string, Partial<Record<CountKind, Ring>>>()
  let seen = new Map<string, { requests: number; failed: number }>()
  let made: { readonly at: number; readonly text: Promise<string> } | undefined
  let isWriting = false

  const now = (): number => Math.floor(clock.monotonic() / 1000)

  function ringsOf(service: string): Partial<Record<CountKind, Ring>> | undefined {
    let rings = services.get(service)
    if (rings) return rings
    if (services.size >= maxServices) forgetOld()
    if (services.size >= maxServices) return undefined
    rings = {}
    services.set(service, rings)
    return rings
  }

  function forgetOld(): void {
    const oldest = now() - REMEMBERED
    for (const [service, rings] of services)
      if (KINDS.every((kind) => (rings[kind]?.at ?? Number.NEGATIVE_INFINITY) <= oldest))
        services.delete(service)
  }

  function count(kind: CountKind, service: string, times = 1): void {
    if (times <= 0) return
    const rings = ringsOf(service)
    if (!rings) return
    const second = now()
    rings[kind] ??= { counts: new Uint32Array(REMEMBERED), at: second }
    const ring = rings[kind]
    // What lies between was never written, or an hour ago.
    if (second - ring.at >= REMEMBERED) ring.counts.fill(0)
    else for (let at = ring.at + 1; at <= second; at++) ring.counts[at % REMEMBERED] = 0
    if (second > ring.at) ring.at = second
    ring.counts[second % REMEMBERED]! += times
  }

  function lastOf(kind: CountKind, service: string, seconds = REMEMBERED): number[] {
    const ring = services.get(service)?.[kind]
    const last = new Array<number>(seconds).fill(0)
    if (!ring) return last
    const second = now()
    for (let i = 0; i < seconds; i++) {
      const at = second - seconds + 1 + i
      if (at >= 0 && at <= ring.at && at > ring.at - REMEMBERED) last[i] = ring.counts[at % REMEMBERED]!
    }
    return last
  }

  function look(): void {
    const next: typeof seen = new Map()
    for (const { id, service } of instances()) {
      const { requests, failures, errors } = vitals.of(id)
      const failed = failures + errors
      const before = seen.get(id) ?? { requests: 0, failed: 0 }
      next.set(id, { requests, failed })
      // Fewer than before: it was forgotten meanwhile, and is another one.
      const isNew = requests < before.requests || failed < before.failed
      count('http', service, isNew ? requests : requests - before.requests)
      count('error', service, isNew ? failed : failed - before.failed)
    }
    seen = next
  }

  const stop = clock.every(1000, look)

  async function write(): Promise<string> {
    const kinds: string[] = []
    let stretchEnds = clock.monotonic() + STRETCH_MS
    for (const kind of KINDS) {
      const lists: string[] = []
      for (const [service, rings] of [...services]) {
        if (!rings[kind]) continue
        if (clock.monotonic() > stretchEnds) {
          await nextTurn()
          stretchEnds = clock.monotonic() + STRETCH_MS
        }
        lists.push(`${JSON.stringify(service)}:[${commaText(lastOf(kind, service))}]`)
      }
      kinds.push(`"${kind}Stats":{${lists.join()}}`)
    }
    return `{${kinds.join()}}`
  }
  return {
    count,
    lastOf,
    text() {
      const at = now()
      if (made && (isWriting || made.at === at)) return made.text
      isWriting = true
      made = {
        at,
        text: write().finally(() => {
          isWriting = false
        }),
      }
      return made.text
    },
    close: stop,
  }
}

/** Numbers with commas between them. Most seconds have nothing: runs of naughts are put in as they are. */
function commaText(numbers: readonly number[]): string {
  let text = ''
  let naughts = 0
  for (const one of numbers) {
    if (one === 0) {
      naughts++
      continue
    }
    text += `${NAUGHTS.slice(0, 2 * naughts)}${one},`
    naughts = 0
  }
  return `${text}${NAUGHTS.slice(0, 2 * naughts)}`.slice(0, -1)
}

/** Every instance the registry knows. */
export function* instancesOf({
  entries,
}: Pick<Registry, 'entries'>): Generator<{ id: string; service: string }> {
  for (const { name, members } of entries()) for (const id of members.keys()) yield { id, service: name }
}
