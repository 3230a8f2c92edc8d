/**
 * A visit: what was found out about the visitor of a page with fragments, while it is served.
 *
 * @module
 */
import type { Instance } from '../routing/upstream.ts'
import type { Pin } from './visitor-pins.ts'

export interface Visit {
  /** The instance it was found out for. */
  readonly instance: Instance
  readonly id: string
  /** Those of the cookie, with what was drawn for the page. */
  readonly pins: readonly Pin[]
  readonly isXray: boolean
  /** Pins the cookie has no room for. */
  readonly dropped: number
  /** The page is this visitor's alone, whatever its service says. */
  readonly isPrivate: boolean
}
