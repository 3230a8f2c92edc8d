/**
 * The resolver: whom to ask for the fragments of a page, in which order, for how long.
 *
 * Each page is a `Resolution` of its own (`resolution.ts`); what they share is who can be asked, the limits, and
 * what is said of them. Knows nothing of wires: the renderers do.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { RoutingTable } from '../routing/table.ts'
import { createChoose } from './choose.ts'
import { createFragmentObserver } from './observe.ts'
import type { FragmentIdentity, Renderer, Resolver } from './port.ts'
import { openResolution, type Page, type Shared } from './resolution.ts'
import type { ResolverSettings } from './settings.ts'
import { createValueBytes } from './value-bytes.ts'

export interface ResolverDeps {
  readonly table: () => RoutingTable
  /** In the order of preference: an open channel before HTTP. */
  readonly renderers: readonly Renderer[]
  /** @default nobody can sign in: fragments that are for some show their fallbacks */
  readonly identity?: Pick<FragmentIdentity, 'guard' | 'serviceTokens'> | undefined
  readonly settings: ResolverSettings
  readonly clock: Clock
  readonly log: Pick<Log, 'debug' | 'info' | 'warn' | 'isLevelEnabled'>
  readonly metrics: Pick<Metrics, 'fragment' | 'fragmentDropped'>
}

/** Makes the resolver of a gateway. */
export function createResolver(deps: ResolverDeps): Resolver {
  const { table, renderers, identity, settings, clock, log, metrics } = deps
  const shared: Shared = {
    choose: createChoose({ table, renderers, admits: identity?.guard.admits }),
    tokenFor: identity?.serviceTokens.tokenFor,
    isKnown: (service) => table().service(service) !== undefined,
    observer: createFragmentObserver({ clock, log, metrics }),
    settings,
    clock,
  }
  return {
    open(options) {
      const page: Page = {
        startedAt: clock.monotonic(),
        fragments: 0,
        roomBytes: settings.maxPageBytes,
        givenRoomBytes: settings.maxPageBytes,
        bytesOf: createValueBytes(),
        providers: new Map(),
        sessions: {},
      }
      return openResolution(shared, options, page)
    },
  }
}
