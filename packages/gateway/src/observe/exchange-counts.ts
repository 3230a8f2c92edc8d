/**
 * Counts and durations of exchanges by service, in typed arrays: what is counted on every request costs an
 * addition, and becomes text when somebody asks for the metrics.
 *
 * @module
 */

/** What became of an exchange: the class of its status, or `aborted`. */
export type Outcome = 'aborted' | `${number}xx`

const OUTCOMES = [
  '0xx',
  '1xx',
  '2xx',
  '3xx',
  '4xx',
  '5xx',
  '6xx',
  '7xx',
  '8xx',
  '9xx',
  'aborted',
] satisfies Outcome[]
const ABORTED = 10

/** Upper bounds of the buckets, in seconds; one more bucket takes the rest. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const BUCKETS = BOUNDS.length + 1
const LIMITS = Float64Array.from(BOUNDS)

/** Services that are told apart; whoever comes later is counted as `OTHER_SERVICES`. Each costs some 3 KB of text. */
const MOST_SERVICES = 1000

/** Label of services beyond that; no service can have a name with a colon. */
export const OTHER_SERVICES = ':other'

export interface ExchangeCounts {
  add(service: string, outcome: Outcome, seconds: number): void
  /** What a service is called in labels: its name, or `OTHER_SERVICES` beyond the bound. */
  labelOf(service: string): string
  /** Both metrics in Prometheus' text form, without a line feed at the end. */
  text(): string
}

/** The outcome of an exchange, without a string made. */
export function outcomeOf(status: number, isAborted: boolean): Outcome {
  return isAborted ? 'aborted' : (OUTCOMES[(status / 100) | 0] ?? '0xx')
}

/** Makes the counts. Services that left keep theirs: a counter that falls looks like a restart. */
export function createExchangeCounts(mostServices: number = MOST_SERVICES): ExchangeCounts {
  /** Numbers of services; the slots of each lie side by side in the arrays. */
  const slots = new Map<string, number>()
  let room = 16
  let outcomes = new Float64Array(room * OUTCOMES.length)
  let buckets = new Float64Array(room * BUCKETS)
  let sums = new Float64Array(room)

  function slotOf(service: string): number {
    const slot = slots.get(service)
    return slot === undefined ? newSlot(service) : slot
  }

  function newSlot(service: string): number {
    const label = slots.size < mostServices ? service : OTHER_SERVICES
    const known = slots.get(label)
    if (known !== undefined) return known
    const slot = slots.size
    slots.set(label, slot)
    if (slot === room) {
      room *= 2
      outcomes = grown(outcomes, room * OUTCOMES.length)
      buckets = grown(buckets, room * BUCKETS)
      sums = grown(sums, room)
    }
    return slot
  }

  return {
    add(service, outcome, seconds) {
      const slot = slotOf(service)
      // The first letter tells outcomes apart: a digit or the `a` of aborted.
      const letter = outcome.charCodeAt(0) - 0x30
      outcomes[slot * OUTCOMES.length + (letter >= 0 && letter <= 9 ? letter : ABORTED)]! += 1
      let bucket = 0
      while (bucket < LIMITS.length && seconds > LIMITS[bucket]!) bucket++
      buckets[slot * BUCKETS + bucket]! += 1
      sums[slot]! += seconds
    },
    labelOf: (service) => (slots.has(service) || slots.size < mostServices ? service : OTHER_SERVICES),
    text() {
      const counts = [
        '# HELP hydra_exchanges_total Finished exchanges',
        '# TYPE hydra_exchanges_total counter',
      ]
      const times = [
        '# HELP hydra_exchange_seconds Duration of exchanges',
        '# TYPE hydra_exchange_seconds histogram',
      ]
      for (const [service, slot] of slots) {
        const label = `service="${escapeLabel(service)}"`
        for (const [i, outcome] of OUTCOMES.entries()) {
          const count = outcomes[slot * OUTCOMES.length + i]!
          if (count > 0) counts.push(`hydra_exchanges_total{${label},outcome="${outcome}"} ${count}`)
        }
        let below = 0
        for (let i = 0; i < BUCKETS; i++) {
          below += buckets[slot * BUCKETS + i]!
          const bound = i < BOUNDS.length ? BOUNDS[i] : '+Inf'
          times.push(`hydra_exchange_seconds_bucket{le="${bound}",${label}} ${below}`)
        }
        times.push(`hydra_exchange_seconds_sum{${label}} ${sums[slot]}`)
        times.push(`hydra_exchange_seconds_count{${label}} ${below}`)
      }
      return `${counts.join('\n')}\n\n${times.join('\n')}`
    },
  }
}

function grown(array: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length)
  larger.set(array)
  return larger
}

/** A label's value as the text form wants it. */
export function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
