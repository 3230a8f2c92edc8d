/**
 * From a code to its page.
 *
 * @module
 */
import { brokenPage } from './broken.ts'
import { forbiddenPage, loginRequiredPage } from './closed.ts'
import { genericPage } from './generic.ts'
import type { ErrorFacts, Page } from './layout.ts'
import { notFoundPage } from './not-found.ts'
import { slowPage } from './slow.ts'
import { unavailablePage } from './unavailable.ts'

/** Everything some error page wants to know. */
export interface ErrorPageFacts extends ErrorFacts {
  /** Of the error; shown on pages for faults of the request only. */
  readonly detail: string | undefined
  /** Epoch ms. */
  readonly downSince: number | undefined
  readonly now: number
  readonly timeoutMs: number | undefined
  readonly retryAfterSeconds: number
  /** Time over which pages that wait for a service come back when it does. @default 1000 */
  readonly spreadMs?: number
  readonly nearest: string | undefined
  /** Name of who is signed in. */
  readonly person: string | undefined
  /** Where one signs in; absent while nobody can. */
  readonly signIn: string | undefined
}

/** Soon enough for one, and enough for many. */
const SPREAD_MS = 1000

export function errorPage(facts: ErrorPageFacts): Page {
  const { code } = facts
  switch (code) {
    case 'HYDRA_LOGIN_REQUIRED':
      return loginRequiredPage(facts)
    case 'HYDRA_FORBIDDEN':
      return forbiddenPage(facts)
    case 'HYDRA_NO_ROUTE':
      return notFoundPage(facts)
    case 'HYDRA_NO_INSTANCE':
      return unavailablePage({ ...facts, spreadMs: facts.spreadMs ?? SPREAD_MS })
    case 'HYDRA_UPSTREAM_BROKEN':
      return brokenPage(facts)
    case 'HYDRA_UPSTREAM_TIMEOUT':
      return slowPage(facts)
    default:
      return genericPage({ ...facts, code })
  }
}
