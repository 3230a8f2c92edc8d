/**
 * A registration as it came, turned into one we believe, or into an error that names every fault.
 *
 * @module
 */
import { type Registration, registration } from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'

/** Faults listed in one answer; a body with ten thousand of them need not be answered with all. */
const MOST_FAULTS = 20

/** @throws HydraError HYDRA_BAD_REGISTRATION with the faults in `errors`. */
export function parseRegistration(value: unknown): Registration {
  const parsed = registration.safeParse(value)
  if (parsed.success) return parsed.data
  const errors = parsed.error.issues
    .slice(0, MOST_FAULTS)
    .map(({ path, message }) => ({ path: path.join('.') || '(body)', message }))
  const [first] = errors
  const more = parsed.error.issues.length - 1
  const detail = `${first?.path}: ${first?.message}${more > 0 ? `, and ${more} more` : ''}`
  throw new HydraError('HYDRA_BAD_REGISTRATION', detail, { errors })
}
