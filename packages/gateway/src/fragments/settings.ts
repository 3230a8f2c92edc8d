/**
 * Limits and patience of fragments; what each means and its default stand in `config/schema.ts`.
 *
 * @module
 */

/** What the resolver itself needs to know. */
export interface ResolverSettings {
  /** Budget of pages of Medusa applications, and the part of it a batch may take, ms. */
  readonly medusaBudgetMs: number
  readonly medusaBatchMs: number
  /** Largest HTML of one fragment. */
  readonly maxBytes: number
  /** Calls of one page to one instance at a time, where each fragment has its own. */
  readonly maxCallsPerInstance: number
  /** Most fragments of one page, those in fragments included; and most HTML of all of them. */
  readonly maxPerPage: number
  readonly maxPageBytes: number
}

export interface FragmentSettings extends ResolverSettings {
  /** Budget of all other pages, ms. */
  readonly pageBudgetMs: number
  /** Largest request of a page. */
  readonly maxCallBytes: number
  /** Largest answer to a Medusa application. */
  readonly maxAnswerBytes: number
  readonly readAheadBytes: number
  readonly maxFallbackBytes: number
  readonly maxHeldBytes: number
}
