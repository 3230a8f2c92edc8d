/**
 * Fragments: the messages by which one service asks for pieces of HTML others render (`medusa.md` 1.3, 2.1, 7.3).
 *
 * A page asks the gateway with a `FragmentsRequest`; the gateway asks services with a `RenderRequest` each. Medusa's
 * applications know the two lists of ids and HTML; everything else is ours and optional.
 *
 * @module
 */
import { z } from 'zod'
import {
  MOST_ASSET_LENGTH,
  MOST_ASSETS,
  MOST_CHAIN,
  MOST_REF_LENGTH,
  MOST_SERVICE_LENGTH,
} from './fragment-limits.ts'

/** Media type by which a caller asks for `ResolvedFragments`, and the gateway for `RenderedFragments`; others get bare arrays. */
export const RESOLVED_FRAGMENTS_MIME = 'application/vnd.hydra.resolved-fragments+json'
export const RENDERED_FRAGMENTS_MIME = 'application/vnd.hydra.rendered-fragments+json'

/** Header that counts how many services a fragment call has passed through. */
export const DEPTH_HEADER = 'hydra-depth'
/** Header by which the gateway tells a service who is asking, for it to send back with what it asks in turn. */
export const CONTEXT_HEADER = 'hydra-context'
/** Header of an answer that wants its fragments put in by the gateway: `1` or `1; hold`. */
export const COMPOSE_HEADER = 'hydra-compose'

/** Items of a list as it stands in a tag: `addressLine2 as address`. */
const items = z.array(z.string().max(512)).max(256)

export const fragmentRequest = z.object({
  id: z.string().min(1).max(256).describe('Placeholder the caller replaces; unique in the page.'),
  service: z.string().max(MOST_SERVICE_LENGTH).nullish().describe('The key it stands under decides.'),
  ref: z.string().min(1).max(MOST_REF_LENGTH).describe('Which fragment of the service.'),
  fallback: z.string().nullish().describe('Markup shown when nobody answers.'),
  imports: items.nullish().describe('What the page gives, each `name` or `name as alias`.'),
  exports: items.nullish().describe('What the page gets, each `name` or `name as alias`.'),
  timeoutMs: z.number().min(1).nullish().describe('Its own limit inside the budget of the page.'),
})
export type FragmentRequest = z.output<typeof fragmentRequest>

/** Who asks, for whom. Everything may be absent: Medusa sends none. */
export const fragmentContext = z.object({
  route: z
    .string()
    .max(4096)
    .nullish()
    .describe(
      'Value of `hydra-context` of the request the page is an answer to: which versions the visitor sees.',
    ),
  token: z
    .string()
    .max(16_384)
    .nullish()
    .describe(
      'Who is signed in: from a page, the token its service was told them by; to a fragment, one its service may take.',
    ),
  locale: z.string().max(128).nullish().describe('Preferred language of the visitor, such as nl-BE.'),
  depth: z.int().min(0).nullish().describe('Services this call has passed through.'),
  chain: z
    .array(z.string().max(400))
    .max(MOST_CHAIN)
    .nullish()
    .describe('`service#ref` of the fragments around, the outermost first.'),
  traceparent: z.string().max(256).nullish().describe('W3C trace context of the page.'),
  xray: z
    .boolean()
    .nullish()
    .describe('Reports are wanted; the gateway believes it with a valid debug context only.'),
})
export type FragmentContext = z.output<typeof fragmentContext>

/** Body of `requestFragment`, from a page to the gateway. */
export const fragmentsRequest = z.object({
  attributes: z
    .record(z.string(), z.unknown())
    .nullish()
    .describe('Attributes of the page; from an SDK those that are imported only.'),
  requests: z.record(z.string(), z.array(fragmentRequest)),
  session: z
    .record(z.string(), z.unknown())
    .nullish()
    .describe('What each service keeps of this visitor, by service.'),
  context: fragmentContext.nullish(),
  service: z
    .string()
    .max(MOST_SERVICE_LENGTH)
    .nullish()
    .describe('Who asks, where the channel does not say.'),
})
export type FragmentsRequest = z.output<typeof fragmentsRequest>

/** Scripts and styles of a fragment: names below the service’s static prefix, or paths and URLs. */
export const fragmentAssets = z.object({
  styles: z.array(z.string().max(MOST_ASSET_LENGTH)).max(MOST_ASSETS).optional(),
  scripts: z.array(z.string().max(MOST_ASSET_LENGTH)).max(MOST_ASSETS).optional(),
})
export type FragmentAssets = z.output<typeof fragmentAssets>

/** Why a fallback is shown: constant words for log, metrics, X-ray. */
export const FALLBACK_REASONS = [
  'unknown-service',
  'unknown-ref',
  'refused-ref',
  'not-allowed',
  'no-instance',
  'timeout',
  'budget',
  'failed',
  'unreadable',
  'too-large',
  'closed',
  'overloaded',
  'depth',
  'recursion',
  'export-conflict',
  'import-conflict',
  'cycle',
  'unresolved-name',
  'too-many',
  'declined',
  'cancelled',
] as const
export type FallbackReason = (typeof FALLBACK_REASONS)[number]

/** What a developer is told about one fragment. */
export const fragmentReport = z.object({
  id: z.string(),
  service: z.string(),
  ref: z.string(),
  version: z.union([z.string(), z.number()]).optional(),
  instance: z.string().optional().describe('Id of the instance that was asked.'),
  via: z.enum(['rsocket', 'http', 'self']).optional(),
  wave: z.int().describe('From 1; a fragment of wave 2 waited for one of wave 1.'),
  startMs: z.number().describe('When it was asked for, from the beginning of the page.'),
  durationMs: z.number(),
  bytes: z.int().describe('Of its HTML, UTF-8.'),
  imports: z.array(z.string()),
  exports: z.array(z.string()),
  reason: z.enum(FALLBACK_REASONS).optional().describe('Why its fallback is shown.'),
  detail: z.string().optional().describe('The same in a sentence.'),
})
export type FragmentReport = z.output<typeof fragmentReport>

export const renderedFragment = z.object({
  id: z.string(),
  renderedHTML: z.string().nullable().describe('Null shows the fallback.'),
  reason: z.enum(FALLBACK_REASONS).optional().describe('With null, where the service says why.'),
  exports: z
    .record(z.string(), z.unknown())
    .nullish()
    .describe('Attributes of the fragment, by its own names.'),
  assets: fragmentAssets.nullish(),
  service: z.string().optional().describe('In an answer of the gateway: who rendered it, '),
  version: z.union([z.string(), z.number()]).optional().describe('and which version of it.'),
  report: fragmentReport.optional().describe('For developers only.'),
})
export type RenderedFragment = z.output<typeof renderedFragment>

/** Answer for SDK callers; Medusa gets the bare array of its `fragments`. A stream has several of these, each with what is new. */
export const resolvedFragments = z.object({
  type: z.literal('RESOLVED_FRAGMENT'),
  fragments: z.array(renderedFragment),
  attributes: z.record(z.string(), z.unknown()).describe('Exports by the names they have in the page.'),
  sessions: z.record(z.string(), z.unknown()).describe('What each service wants kept, by service.'),
})
export type ResolvedFragments = z.output<typeof resolvedFragments>

/** From the gateway to a service: some fragments of one page. `attributes` is an object always: null makes Java throw. */
export interface RenderRequest {
  /** For Medusa all of the page; for an SDK absent, as each request has its own imports. */
  readonly attributes: Readonly<Record<string, unknown>>
  readonly requests: readonly RenderItem[]
  readonly session?: unknown
  readonly context?: FragmentContext
  /** Largest HTML of one fragment; above it there is no use in sending it. */
  readonly maxBytes?: number
}

export interface RenderItem {
  readonly id: string
  readonly service: string
  readonly ref: string
  readonly fallback: string | null
  readonly imports: readonly string[]
  readonly exports: readonly string[]
  /** Imported values, by the names the fragment knows them by. SDK targets only. */
  readonly values?: Readonly<Record<string, unknown>>
}

/** From a service to the gateway: the answer over HTTP, or each item of a stream. */
export const renderedFragments = z.object({
  fragments: z.array(renderedFragment),
  session: z.unknown().optional().describe('Replaces what is kept of this visitor; absent leaves it.'),
})
export type RenderedFragments = z.output<typeof renderedFragments>
