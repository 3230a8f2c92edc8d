/**
 * What a service says of a fragment it renders: `fragment('checkout', { exports: ['total'] }, async () => …)`.
 *
 * @module
 */
import type { FragmentAssets, FragmentContext } from '@hydra-gateway/protocol'
import type { AccessOptions } from '../identity/access.ts'
import type { FragmentUser } from '../identity/verified.ts'

export type { FragmentUser } from '../identity/verified.ts'

/** What a fragment declares. Nothing else crosses between it and the pages it stands in. */
export interface FragmentOptions extends AccessOptions {
  /** Names it takes from a page. @default any */
  readonly imports?: readonly string[]
  /** Attributes it gives to pages that ask for them. */
  readonly exports?: readonly string[]
  /** Attributes it sets for itself: no page may import anything under these names. */
  readonly attributes?: readonly string[]
  /** Styles and scripts every page with it needs: files of this service's statics, paths, or URLs. */
  readonly assets?: FragmentAssets
}

/** Who a visitor's login token belongs to, once it is verified; undefined for nobody. */
export type Identify = (token: string) => FragmentUser | undefined | Promise<FragmentUser | undefined>

/** What a fragment is rendered from. */
export interface FragmentInput {
  /** Values the page gives, by the names declared here. What the page doesn't have is absent. */
  readonly imports: Readonly<Record<string, unknown>>
  /** Undefined for everybody who is not signed in. */
  readonly user: FragmentUser | undefined
  /** What was returned as `session` for this visitor the last time; undefined the first time. */
  readonly session: unknown
  /** Preferred language of the visitor, such as `nl-BE`. */
  readonly locale: string | undefined
  /** Aborted when nobody waits for the fragment any more. */
  readonly signal: AbortSignal
}

/** What it comes to. `undefined` or `null` instead, or an error, shows the fallback of the page. */
export interface FragmentOutput {
  /** May hold fragment tags itself: they are resolved within this fragment's own attributes. */
  readonly html: string | { toString(): string }
  /** Values of declared exports, as JSON; what is left out is absent for pages that ask for it. */
  readonly exports?: Readonly<Record<string, unknown>>
  /** Further values of its own for fragment tags inside its HTML; no page gets them. */
  readonly attributes?: Readonly<Record<string, unknown>>
  /** Replaces what is kept of this visitor, JSON up to 16 KB; absent leaves it, null forgets it. */
  readonly session?: unknown
  /** Beside those declared. */
  readonly assets?: FragmentAssets
}

export type FragmentHandler = (
  input: FragmentInput,
) => FragmentOutput | string | null | undefined | Promise<FragmentOutput | string | null | undefined>

/** A fragment of a service, to be named in the option `fragments`. */
export interface FragmentDefinition {
  readonly ref: string
  readonly options: FragmentOptions
  readonly handler: FragmentHandler
}

/** One rendering of a local fragment, whoever asked: a page of this service, or the gateway. */
export interface LocalRequest {
  readonly ref: string
  readonly values: Readonly<Record<string, unknown>>
  readonly session: unknown
  readonly context: FragmentContext
  readonly signal: AbortSignal
  /** Called once when the handler itself is done, which may be long after the signal aborted. */
  readonly onDone?: () => void
}

export interface LocalResult {
  readonly html: string
  /** By the fragment's own names: all it returned, those that are not declared left out. */
  readonly exports: Readonly<Record<string, unknown>>
  readonly session?: unknown
  readonly assets: FragmentAssets | undefined
}

/** The fragments of this service, ready to be rendered. */
export interface LocalFragments {
  has(ref: string): boolean
  definition(ref: string): FragmentDefinition | undefined
  /**
   * Rejects with a FragmentFailure that says why there is no HTML, or, as soon as the signal aborts, with its reason.
   * Concurrent renderings are not limited here.
   */
  render(request: LocalRequest): Promise<LocalResult>
}

/** Puts the fragments into HTML a fragment rendered: nested tags, resolved in its own scope. Made by the pages' side. */
export type ResolveNested = (
  html: string,
  scope: {
    readonly attributes: Readonly<Record<string, unknown>>
    readonly context: FragmentContext
    readonly signal: AbortSignal
  },
) => Promise<{
  readonly html: string
  readonly attributes: Readonly<Record<string, unknown>>
  /** Addresses of what the fragments inside need. */
  readonly assets?: FragmentAssets
}>
