/**
 * What is known of an instance's failure, told once to everybody who wants to know: its vitals, the metrics and
 * the log, and the rotation when it could not be reached at all.
 *
 * @module
 */
import type { Instance } from '../routing/upstream.ts'
import { countFault, type Vitals } from '../routing/vitals.ts'
import type { Exchange, ForwardFailure } from './exchange.ts'
import type { Engine } from './forward.ts'

/**
 * `vitals` are the ones the attempt counted in: the instance may be gone, and must not get new ones. `isFelt` false: it
 * says nothing about how the instance serves.
 */
export function blame(
  { vitals: book, metrics, log }: Pick<Engine, 'vitals' | 'metrics' | 'log'>,
  exchange: Pick<Exchange, 'id'>,
  instance: Pick<Instance, 'id' | 'service'>,
  vitals: Vitals,
  { code, reason, refused }: Pick<ForwardFailure, 'code' | 'reason' | 'refused'>,
  isFelt = true,
): void {
  vitals.failures++
  // Who refuses is not there, which is another state than being there and failing.
  if (isFelt && !refused) countFault(vitals)
  metrics.upstreamFailed(instance.service, reason)
  const fields = { exchange: exchange.id, service: instance.service, instance: instance.id, code, reason }
  log.warn(fields, 'upstream failed')
  if (refused) book.rest(instance.id)
}
