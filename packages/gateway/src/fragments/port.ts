/**
 * The seams of the fragments: how an instance is asked to render (two ways there), who the page is for, how a page
 * asks the resolver. Types only.
 *
 * @module
 */
import type {
  FallbackReason,
  FragmentAssets,
  FragmentReport,
  RenderedFragment,
  RenderRequest,
  ResolvedFragments,
} from '@hydra-gateway/protocol'
import type { FragmentTag } from '@hydra-gateway/protocol/fragments'
import type { Caller, Revocations, RouteGuard, ServiceTokens, Tokens } from '../identity/port.ts'
import type { VisitorContext } from '../proxy/visitor-context.ts'
import type { Instance } from '../routing/upstream.ts'

// ---- asking an instance -----------------------------------------------------------------------------------

/** What a renderer is told. Never called again after `onEnd`, nor after `cancel`. */
export interface RenderReceiver {
  /** Joins logs: what the instance is told as `X-Request-Id` when it is asked over HTTP. */
  readonly exchange?: string | undefined
  /** A fragment as it came, checked against the schema; several with one id are put together by the resolver. */
  onFragment(fragment: RenderedFragment): void
  onSession(session: unknown): void
  /** Nothing more comes. */
  onEnd(failure?: RenderFailure): void
}

export interface RenderFailure {
  readonly reason: Extract<
    FallbackReason,
    'failed' | 'unreadable' | 'too-large' | 'closed' | 'overloaded' | 'timeout' | 'unknown-ref'
  >
  /** Nothing was sent: another instance may be asked. */
  readonly nothingSent: boolean
  /** The instance answered, but not with 200: asked for fewer fragments it may do better (`medusa.md` 2.1). */
  readonly isRefusal: boolean
  readonly detail: string
}

/** One way to ask instances for fragments: over their channel, or over HTTP. */
export interface Renderer {
  readonly via: 'rsocket' | 'http'
  /** Whether the instance can be asked this way, now. */
  reaches(instance: Instance): boolean
  /**
   * Asks an instance for fragments. Calls back in a later tick, or in this one; ends on its own after `timeoutMs` with
   * the reason `timeout`. Never throws.
   */
  render(instance: Instance, request: RenderRequest, timeoutMs: number, receiver: RenderReceiver): Cancel
}

/** Gives up: nothing is called back afterwards, and the service is told that nobody waits. */
export type Cancel = () => void

// ---- whom a page is for -----------------------------------------------------------------------------------

export type { VisitorContext } from '../proxy/visitor-context.ts'

/** Everything a resolution is told of the page and its visitor. */
export interface PageContext {
  /** Service that made the page: what a tag without `service` means. */
  readonly service: string
  /** Joins logs: the exchange the page answers, or the call it came with. */
  readonly exchange: string
  readonly visitor: VisitorContext
  /** Opaque value services send back with their own requests; undefined when the visitor is nobody yet. */
  readonly route: string | undefined
  /** Who is signed in; undefined for nobody. */
  readonly caller: Caller | undefined
  /** What the page's service sent of it; passed on as it is where nobody can sign in at the gateway. */
  readonly token: string | undefined
  readonly locale: string | undefined
  readonly traceparent: string | undefined
  /** Services passed through so far. */
  readonly depth: number
  /** `service#ref` around the page, the outermost first. */
  readonly chain: readonly string[]
  /** Reports are wanted. */
  readonly isXray: boolean
}

/** What fragments ask of identity: who a page is for, what they may have, and what services are told of them. */
export interface FragmentIdentity {
  readonly tokens: Pick<Tokens, 'verify'>
  readonly revocations: Pick<Revocations, 'isRevoked'>
  readonly guard: Pick<RouteGuard, 'admits'>
  readonly serviceTokens: Pick<ServiceTokens, 'tokenFor'>
}

// ---- asking the resolver ----------------------------------------------------------------------------------

/** What became of a fragment. */
export interface Outcome {
  readonly index: number
  /** Undefined: its fallback is shown. */
  readonly html: string | undefined
  readonly reason: FallbackReason | undefined
  readonly assets: FragmentAssets | undefined
  /** The one that rendered it; for the addresses of its assets. */
  readonly instance: Instance | undefined
  /** Exports by the fragment's own names. */
  readonly exports: Readonly<Record<string, unknown>> | undefined
  readonly report: FragmentReport
}

export interface ResolutionOptions {
  readonly context: PageContext
  /** Page attributes. */
  readonly attributes: Readonly<Record<string, unknown>>
  /** All fragments of the page together, ms. */
  readonly budgetMs: number
  /** What services kept of this visitor, by service. */
  readonly session?: Readonly<Record<string, unknown>> | undefined
  /** Medusa's callers name no imports: their fragments get all attributes, and each is a page scope of its own. */
  readonly passesAll?: boolean
  /** A fragment settled, also one inside of another, which has no outcome of its own; before its outcome. */
  readonly onReport?: ((report: FragmentReport) => void) | undefined
  /** Exactly once for each fragment that was asked for or declined; those in fallbacks nobody shows get none. */
  readonly onSettled: (outcome: Outcome) => void
  /** Once, after the last `onSettled`, when `closeAhead` was called and nothing is left to wait for. */
  readonly onDone?: () => void
}

/** The fragments of one page on their way. */
export interface Resolution {
  /** Adds a tag in document order; `id` is what it is called on the wire. Asked for at the next `go`. */
  add(
    tag: FragmentTag,
    options?: { readonly id?: string; readonly fallback?: string; readonly parent?: number },
  ): number
  /** Asks for everything that may be asked for now, as few calls as possible. */
  go(): void
  /** See `Flow.closeAhead`. */
  closeAhead(): void
  /** Nobody waits any more: every call is cancelled, nothing is called back. */
  cancel(): void
  readonly attributes: Readonly<Record<string, unknown>>
  /** What services want kept, by service. */
  readonly sessions: Readonly<Record<string, unknown>>
}

/** Resolves fragments of pages: whom to ask, in which order, for how long. */
export interface Resolver {
  open(options: ResolutionOptions): Resolution
}

// ---- services that ask ------------------------------------------------------------------------------------

/** Who asks for fragments of a page, as far as the way they came tells. */
export interface PageCaller {
  /** Its registration's name; undefined where only the body says it. */
  readonly service: string | undefined
  /** Joins logs. @default a new one */
  readonly exchange?: string | undefined
  /** `hydra-depth` of the call; the body may say more. */
  readonly depth?: number | undefined
  /** Trace of the call, for those whose body names none. */
  readonly traceparent?: string | undefined
  /** A Medusa application: it is for nobody, names no imports, and waits `budgetMs`. */
  readonly medusa?: { readonly budgetMs: number } | undefined
}

/** The fragments of a page somebody asked for. */
export interface AskedPage {
  /** What is new since the last time: fragments up to `mostBytes` of HTML and exports, but one at least where there is one. */
  take(mostBytes?: number): ResolvedFragments
  /** Everything settled; what was not taken may still be. */
  readonly isDone: boolean
  /** There is something to take. */
  readonly hasNews: boolean
  cancel(): void
}

/** Where services ask for fragments of their pages. */
export interface FragmentDesk {
  /**
   * Asks. `onNews` is called in a later tick whenever something settled, and when all has.
   *
   * @throws HydraError HYDRA_BAD_REQUEST: nobody was asked
   */
  ask(body: unknown, caller: PageCaller, onNews: () => void): AskedPage
}
