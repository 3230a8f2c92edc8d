/**
 * What an adapter found in an app: its routes in the framework's own words.
 *
 * @module
 */
import type { Dialect } from '@hydra-gateway/protocol'

export interface FoundRoute {
  readonly path: string
  readonly dialect: Dialect
  /** Upper-case; all when absent. */
  readonly methods?: readonly string[]
  /** Middleware only passes requests on, so its paths are not offered to visitors. */
  readonly kind: 'route' | 'middleware'
  /** The framework serves the path with a slash at its end as well. */
  readonly looseSlash?: boolean
}

export interface Found {
  readonly routes: readonly FoundRoute[]
  /** What could not be read, each with what to do about it. */
  readonly warnings: readonly string[]
}

export const NOTHING_FOUND: Found = { routes: [], warnings: [] }
