/**
 * What visitors of a dead service see, and how the bench knows that they see it.
 *
 * @module
 */
import type { Seen } from '../support/visitor.ts'

/** Sent as it is written: it says that it does not turn back by itself. */
export const FALLBACK = '<meta name="hydra-live" content="off"><p>We are back in a moment.</p>'

/** The fallback page itself, with the status that says so. */
export function isFallback({ status, body }: Seen): boolean {
  return status === 503 && body === FALLBACK
}
