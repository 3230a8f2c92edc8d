/**
 * What an adapter found in an app: its routes in the framework's own words.
 *
 * @module
 */
import type { Dialect } from '@hydra-gateway/protocol'
import type { AccessOptions } from './identity/access.ts'

export interface FoundRoute {
  readonly path: string
  readonly dialect: Dialect
  /** Upper-case; all when absent. */
  readonly methods?: readonly string[]
  /**
   * Middleware only passes requests on, so its paths are not offered to visitors. A guard is middleware that lets some
   * of them pass: those the routes that come after it are for, as far as it stands before them.
   */
  readonly kind: 'route' | 'middleware' | 'guard'
  /** Whom it is for, or whom a guard lets pass; for whom the service is when absent. */
  readonly access?: AccessOptions
  /** A guard for everything below its path as well. */
  readonly isForAllBelow?: boolean
  /** The framework serves the path with a slash at its end as well. */
  readonly looseSlash?: boolean
}

export interface Found {
  readonly routes: readonly FoundRoute[]
  /** What could not be read, each with what to do about it. */
  readonly warnings: readonly string[]
}

export const NOTHING_FOUND: Found = { routes: [], warnings: [] }
