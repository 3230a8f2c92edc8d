/**
 * Counts messages to services as they leave, whatever way they take.
 *
 * @module
 */
import type { InstanceCarrier } from '../messaging/port.ts'
import type { SecondCounts } from './second-counts.ts'

/** The carrier, and beside it a count of what it brought and what it could not bring; the carrier itself where nobody asks. */
export function countedCarrier(
  carrier: InstanceCarrier,
  counts: Pick<SecondCounts, 'count'> | undefined,
): InstanceCarrier {
  if (!counts) return carrier
  return {
    carries: (instance) => carrier.carries(instance),
    deliver(instance, message, sender) {
      counts.count('ws', instance.service)
      return carrier.deliver(instance, message, sender).catch((error) => {
        counts.count('error', instance.service)
        throw error
      })
    },
  }
}
