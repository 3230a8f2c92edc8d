/**
 * Routes: what a service declared about some paths, ready to be matched.
 *
 * @module
 */
import type { Auth, Pattern } from '@hydra-gateway/protocol'

export type RouteKind = 'page' | 'static' | 'socket'

/** Whom something is for, with what was said for the whole service filled in. */
export interface Access {
  /** @default 'optional', 'required' with roles or providers */
  readonly auth?: Auth
  /** One of these, as the service calls them. */
  readonly roles?: readonly string[]
  /** One of these must know the person. */
  readonly providers?: readonly string[]
}

/** A route as declared by one manifest of one service, after its path was translated. */
export interface RouteSpec extends Access {
  readonly pattern: Pattern
  readonly kind: RouteKind
  /** Upper-case methods; all when absent. GET brings HEAD with it. A socket is only reached by an upgrade. */
  readonly methods?: readonly string[]
  /** Lower-case host name this route is for; any when absent. */
  readonly host?: string
  /** Path (percent-encoded, begins with /) to ask the instance for; the requested one when absent. */
  readonly to?: string
  /** Asked instead when `to` answers 404 to a GET or HEAD (Medusa's webjars). */
  readonly otherwise?: string
  readonly fallback?: string
  readonly maxBodyBytes?: number
  /** Until the head of the answer, ms. */
  readonly timeoutMs?: number
  /** Whether %2F may stand in the path. @default 'refuse' */
  readonly encodedSlash?: 'refuse' | 'keep'
  /** HTML answers are composed, whatever their headers say. */
  readonly compose?: boolean
  /** A composed page waits for its required fragments; implies `compose`. */
  readonly hold?: boolean
  /**
   * It is served by the rules of hydra-router (`flywheel.md` 3): of a service in Redis, or an external one. `route`: any
   * method goes to it when none has the request's own. `site`: everything below `/{service}/` that no route takes; that
   * first segment is taken off the path.
   */
  readonly flywheel?: 'route' | 'site'
  /** What composed pages say about caches: 'private' as a rule, or what the service said. @default 'private' */
  readonly composedCache?: 'private' | 'keep'
}

/** All routes of one manifest: what the instances that carry its hash serve. */
export interface Manifest {
  readonly hash: string
  readonly routes: readonly RouteSpec[]
}

/** What a request matched. One frozen object per claimed shape, kind and method set, shared by all requests. */
export interface Route extends RouteSpec {
  /** The service that owns it: the first to claim it, or the only one. */
  readonly service: string
  /**
   * Who may serve it: `service NUL manifest-hash` keys. More than one while versions differ, or when services
   * of one rollout group share the route.
   */
  readonly claims: readonly string[]
  /**
   * The other services of its rollout group that serve it too. Whom it is for holds for all of them, so roles must be
   * had as they are mapped for each. Absent nearly always.
   */
  readonly sharedWith?: readonly string[] | undefined
}

/** A claim that lost: another service has the route. */
export interface Conflict {
  readonly pattern: string
  readonly host?: string
  readonly methods?: readonly string[]
  /** Who keeps serving. */
  readonly incumbent: string
  /** Who was not let in. */
  readonly newcomer: string
  readonly reason: string
}
