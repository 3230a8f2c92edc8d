/**
 * Why a page can't be shown.
 *
 * @module
 */
import type { FallbackReason } from '@hydra-gateway/protocol'
import { nameForLog } from '../log.ts'

const STATUS: Readonly<Partial<Record<FallbackReason, 502 | 503 | 504>>> = {
  timeout: 504,
  budget: 504,
  'unknown-service': 503,
  'no-instance': 503,
  overloaded: 503,
}

/** A fragment without which the page can't be shown is not there. */
export class FragmentRequiredError extends Error {
  readonly service: string
  readonly ref: string
  readonly reason: FallbackReason
  /** What to answer: 504 when it took too long, 503 when nobody can render it now, 502 otherwise. */
  readonly status: 502 | 503 | 504

  constructor(page: string, service: string, ref: string, reason: FallbackReason) {
    super(`${page} can't be shown without ${nameForLog(`${service}#${ref}`)}, which is not there (${reason})`)
    this.name = 'FragmentRequiredError'
    this.service = service
    this.ref = ref
    this.reason = reason
    this.status = STATUS[reason] ?? 502
  }
}

/** What a page that failed before its first byte is answered with. */
export function answerTo(fault: unknown): { readonly status: number; readonly message: string } {
  if (!(fault instanceof FragmentRequiredError))
    return { status: 500, message: 'This page can’t be shown because of a mistake in it.\n' }
  const { status, service, ref } = fault
  const why = status === 504 ? 'took too long' : 'is not available'
  return {
    status,
    message: `This page can’t be shown now: its part “${ref}” of ${service} ${why}. Please try again in a moment.\n`,
  }
}
