/**
 * All that a service has of fragments, put together: those it renders, its pages, and the two ways others ask for
 * them.
 *
 * @module
 */
import { DEFAULT_RENDERS, type FragmentConflict, type Overview } from '@hydra-gateway/protocol'
import type { RouteHandlers } from '@hydra-gateway/protocol/rsocket'
import type { Line } from '../connection.ts'
import { type AccessOptions, withUsual } from '../identity/access.ts'
import type { IdentitySide } from '../identity/side.ts'
import type { Log } from '../log.ts'
import type { PageSite } from '../menus/port.ts'
import type { Refused, ServiceOptions } from '../options.ts'
import { abortController, within } from '../waiting.ts'
import type { AskGateway, PageBinding } from './binding.ts'
import { renderRoutes } from './channel.ts'
import { createConflictLog, watchConflicts } from './conflicts.ts'
import type { FragmentOptions } from './definition.ts'
import { createDoor, type Door } from './door.ts'
import { FragmentFailure } from './failure.ts'
import { createLocalFragments } from './local.ts'
import { createResolveNested } from './nested.ts'
import { createRenders } from './renders.ts'

const MAX_RENDER_BYTES = 2 * 1024 * 1024
/** Other requests of the gateway on the same line. */
const SPARE_STREAMS = 64

export interface FragmentSideDeps {
  readonly options: ServiceOptions
  readonly log: Log
  /** The line to the gateway, as it is now. */
  readonly ask: () => AskGateway | undefined
  /** What the gateway said last of all services. */
  readonly overview: () => Overview | undefined
  readonly onConflict: (conflict: FragmentConflict) => void
  readonly identity: Pick<IdentitySide, 'identify' | 'readToken'>
  /** What its pages put in beside fragments. */
  readonly site?: PageSite | undefined
}

export interface FragmentSide {
  /** Answers `/h/fragment/…`; undefined for a service without fragments, to whom such paths are any others. */
  readonly door: Door | undefined
  /** What is served on a connection. */
  readonly serve: (line: Line) => Pick<RouteHandlers, 'requests' | 'streams'>
  /** Requests the gateway may have open on a connection. */
  readonly maxStreams: number
  readonly maxDataBytes: number
  useKeys(publicKeys: readonly string[]): void
  learn(overview: Overview): void
  /** Says in the log what the gateway doesn't serve. */
  refused(refused: readonly Refused[]): void
  /** Resolves when what was begun is rendered, or the time is over. */
  finish(graceMs: number): Promise<void>
  /** Nobody waits for anything any more. */
  close(): void
}

/**
 * Makes the fragments of a service ready, and compiles its pages.
 *
 * @throws FragmentError or TypeError for a page that can't be served as it is written
 */
export function createFragmentSide(deps: FragmentSideDeps): FragmentSide {
  const { options, log } = deps
  const { name: service, fragments: definitions = [], pages = [] } = options
  const identify = options.identify ?? (async (token) => (await deps.identity.identify(token))?.user)
  // One that is never told who calls can't look, and relies on the gateway.
  const canTell = options.identify !== undefined || options.login !== 'none' || options.devUsers !== undefined
  const accessOf = (own: FragmentOptions): AccessOptions => (canTell ? withUsual(own, options) : {})
  const { maxRenders = DEFAULT_RENDERS, maxRenderBytes = MAX_RENDER_BYTES } = options
  const { sessions, version = 0, affinity = false } = options
  // Fragments may hold tags themselves, and these may mean fragments: each side needs the other.
  const fragments = createLocalFragments({
    service,
    definitions,
    identify,
    accessOf,
    log,
    nested: () => resolveNested,
  })
  const binding: PageBinding = {
    service,
    fragments,
    ask: deps.ask,
    overview: deps.overview,
    log,
    sessions,
    version,
    affinity,
    readToken: deps.identity.readToken,
    site: deps.site,
  }
  const conflictLog = createConflictLog(service, log)
  const resolveNested = createResolveNested(binding)
  pages.forEach((page, i) => void page.compile(binding, i + 1))
  for (const page of pages) page.bind(binding)

  const now = () => performance.now()
  const renders = createRenders({ fragments, log, maxRenders, now })
  const closed = abortController()
  let keys: readonly string[] = []
  const offers = definitions.length > 0
  return {
    door: offers
      ? createDoor({ renders, keys: () => keys, maxBodyBytes: maxRenderBytes, log, closed: closed.signal })
      : undefined,
    serve: (line) => (offers ? renderRoutes({ renders, line, log, now }) : {}),
    maxStreams: maxRenders + SPARE_STREAMS,
    maxDataBytes: maxRenderBytes,
    useKeys(publicKeys) {
      keys = publicKeys
    },
    learn: watchConflicts(service, (conflict) => {
      conflictLog.conflict(conflict)
      deps.onConflict(conflict)
    }),
    refused: (all) => all.forEach(conflictLog.refused),
    async finish(graceMs) {
      await within(graceMs, renders.idle())
      // What was rendered last is on its way out.
      await new Promise(setImmediate)
    },
    close: () => closed.abort(new FragmentFailure('cancelled', `${service} is closed`)),
  }
}
