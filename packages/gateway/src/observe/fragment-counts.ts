/**
 * Counts and durations of fragments by service, in typed arrays: a page has several, and each costs an addition.
 *
 * @module
 */
import { FALLBACK_REASONS, type FallbackReason } from '@hydra-gateway/protocol'
import { escapeLabel, OTHER_SERVICES } from './exchange-counts.ts'

/** What became of a fragment: it was rendered, or why its fallback is shown. */
export type FragmentOutcome = 'rendered' | FallbackReason

const OUTCOMES: readonly FragmentOutcome[] = ['rendered', ...FALLBACK_REASONS]
const NUMBER_OF: ReadonlyMap<FragmentOutcome, number> = new Map(
  OUTCOMES.map((outcome, number) => [outcome, number]),
)

/** Upper bounds of the buckets, in seconds; one more bucket takes the rest. */
const BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const
/** Services that are told apart; whoever comes later is counted as `OTHER_SERVICES`. */
const MOST_SERVICES = 1000

/** What became of fragments, by the service that was asked. */
export interface FragmentCounts {
  /** A fragment settled; `service` is `-` for names the gateway doesn't know: those are anybody's choice. */
  add(service: string, outcome: FragmentOutcome, seconds: number): void
  /** Both metrics in Prometheus' text form, without a line feed at the end. */
  text(): string
}

interface Slot {
  readonly outcomes: Float64Array
  readonly buckets: Float64Array
  seconds: number
}

/** Makes the counts. Services that left keep theirs: a counter that falls looks like a restart. */
export function createFragmentCounts(mostServices: number = MOST_SERVICES): FragmentCounts {
  const slots = new Map<string, Slot>()

  const newSlot = (service: string): Slot => {
    const label = slots.size < mostServices ? service : OTHER_SERVICES
    const slot = slots.get(label) ?? {
      outcomes: new Float64Array(OUTCOMES.length),
      buckets: new Float64Array(BOUNDS.length + 1),
      seconds: 0,
    }
    slots.set(label, slot)
    return slot
  }

  return {
    add(service, outcome, seconds) {
      const slot = slots.get(service) ?? newSlot(service)
      slot.outcomes[NUMBER_OF.get(outcome)!]! += 1
      let bucket = 0
      while (bucket < BOUNDS.length && seconds > BOUNDS[bucket]!) bucket++
      slot.buckets[bucket]! += 1
      slot.seconds += seconds
    },
    text() {
      const counts = [
        '# HELP hydra_fragments_total Fragments that were rendered, or why their fallback is shown',
        '# TYPE hydra_fragments_total counter',
      ]
      const times = [
        '# HELP hydra_fragment_seconds From asking for a fragment until it settled',
        '# TYPE hydra_fragment_seconds histogram',
      ]
      for (const [service, { outcomes, buckets, seconds }] of slots) {
        const label = `service="${escapeLabel(service)}"`
        for (const [number, outcome] of OUTCOMES.entries()) {
          const count = outcomes[number]!
          if (count > 0) counts.push(`hydra_fragments_total{${label},outcome="${outcome}"} ${count}`)
        }
        let below = 0
        for (const [number, count] of buckets.entries()) {
          below += count
          times.push(`hydra_fragment_seconds_bucket{le="${BOUNDS[number] ?? '+Inf'}",${label}} ${below}`)
        }
        times.push(`hydra_fragment_seconds_sum{${label}} ${seconds}`)
        times.push(`hydra_fragment_seconds_count{${label}} ${below}`)
      }
      return `${counts.join('\n')}\n\n${times.join('\n')}`
    },
  }
}
