/**
 * Pages that wait with their status until their required fragments are there: what is waited for, and what a failure
 * means to the visitor. Pure.
 *
 * @module
 */
import type { FallbackReason } from '@hydra-gateway/protocol'
import type { FragmentTag } from '@hydra-gateway/protocol/fragments'
import type { ErrorCode } from '../errors.ts'
import type { Outcome } from './port.ts'

/** A fragment and those in its fallback, as far as they have settled. */
export interface Held {
  readonly tag: Pick<FragmentTag, 'required'>
  readonly outcome: Pick<Outcome, 'html' | 'reason'> | undefined
  readonly nested: readonly Held[]
}

export type Verdict<T extends Held> = 'wait' | 'go' | { readonly failed: T }

/** Whether the page may leave. Fragments in a fallback count once it is shown. */
export function verdictOf<T extends Held>(fragments: readonly T[]): Verdict<T> {
  let verdict: Verdict<T> = 'go'
  for (const fragment of fragments) {
    const one = verdictOn(fragment)
    if (typeof one === 'object') return one
    if (one === 'wait') verdict = 'wait'
  }
  return verdict
}

function verdictOn<T extends Held>(fragment: T): Verdict<T> {
  const { outcome, tag } = fragment
  if (outcome === undefined) return isNeeded(fragment) ? 'wait' : 'go'
  if (outcome.html !== undefined) return 'go'
  return tag.required ? { failed: fragment } : verdictOf(fragment.nested as readonly T[])
}

/** It, or what would be shown for it, is required. */
function isNeeded({ tag, nested }: Held): boolean {
  return tag.required || nested.some(isNeeded)
}

const CODE_OF: Partial<Record<FallbackReason, ErrorCode>> = {
  timeout: 'HYDRA_UPSTREAM_TIMEOUT',
  budget: 'HYDRA_UPSTREAM_TIMEOUT',
  'no-instance': 'HYDRA_NO_INSTANCE',
  'unknown-service': 'HYDRA_NO_INSTANCE',
  closed: 'HYDRA_NO_INSTANCE',
  overloaded: 'HYDRA_OVERLOADED',
  'not-allowed': 'HYDRA_FORBIDDEN',
}

/** What a page answers whose required fragment failed for this reason. */
export function codeOf(reason: FallbackReason | undefined): ErrorCode {
  return (reason && CODE_OF[reason]) ?? 'HYDRA_UPSTREAM_BROKEN'
}
