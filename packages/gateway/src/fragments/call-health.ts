/**
 * What a call for fragments says about the health of who was asked.
 *
 * @module
 */
import { countAnswer, countFault, type Vitals } from '../routing/vitals.ts'
import type { RenderFailure } from './port.ts'
import type { Rendered } from './rendered-answer.ts'

/**
 * Whoever wrote the page was in such a hurry that a timeout says nothing about who was asked: it allows less than a
 * second, of which a little is over when the call begins.
 */
const HURRY_MS = 900

/** What the deadlines of calls may be late by. */
const COARSE_MS = 500

/** Counts a call that came to an end. `hasFailed`: its answer came, and says that a handler failed. */
export function countCall(
  vitals: Vitals,
  failure: Pick<RenderFailure, 'reason' | 'nothingSent'> | undefined,
  { timeoutMs, hasFailed }: { readonly timeoutMs: number; readonly hasFailed: boolean },
): void {
  if (failure === undefined) countAnswer(vitals, hasFailed ? 500 : 200, false)
  // Who refuses work was asked; otherwise nobody was.
  else if (failure.nothingSent && failure.reason !== 'overloaded') return
  else if (failure.reason !== 'timeout' || timeoutMs >= HURRY_MS) countFault(vitals)
}

/**
 * Counts a call that nobody waits for any more: `leftMs` of its time was left. Pages keep time more exactly than calls
 * do, so one whose time is over ends like this as well.
 */
export function countCancelled(vitals: Vitals, timeoutMs: number, leftMs: number): void {
  if (leftMs <= COARSE_MS && timeoutMs >= HURRY_MS) countFault(vitals)
}

/** Whether something in an answer is an error of its service, beside fragments that have nothing to show. */
export function isFaulty({ fragments, fault }: Rendered): boolean {
  return fault !== undefined || fragments.some(({ reason }) => reason === 'failed')
}
