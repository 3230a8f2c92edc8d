/**
 * Fragments: the messages by which one service asks for pieces of HTML others render.
 *
 * Only the shapes (`medusa.md` 1.3, 2.1, 7.3); nobody resolves fragments yet.
 *
 * @module
 */
import { z } from 'zod'

const names = z.array(z.string().max(256)).max(256)

export const fragmentRequest = z.object({
  id: z.string().min(1).max(256).describe('Placeholder the caller replaces; unique in the page.'),
  service: z.string().max(128),
  ref: z.string().min(1).max(256).describe('Which fragment of the service.'),
  fallback: z.string().nullish().describe('Markup shown when nobody answers.'),
  imports: names.nullish(),
  exports: names.nullish(),
})
export type FragmentRequest = z.output<typeof fragmentRequest>

/** Body of `requestFragment`, from a page to the gateway. */
export const fragmentsRequest = z.object({
  attributes: z.record(z.string(), z.unknown()),
  requests: z.record(z.string(), z.array(fragmentRequest)),
})
export type FragmentsRequest = z.output<typeof fragmentsRequest>

export const renderedFragment = z.object({
  id: z.string(),
  renderedHTML: z.string().nullable().describe('Null shows the fallback.'),
  exports: z.record(z.string(), z.unknown()).optional(),
})
export type RenderedFragment = z.output<typeof renderedFragment>

/** Answer for SDK callers; Medusa gets the bare array of its `fragments`. */
export const resolvedFragments = z.object({
  type: z.literal('RESOLVED_FRAGMENT'),
  fragments: z.array(renderedFragment),
  attributes: z.record(z.string(), z.unknown()),
  sessions: z.record(z.string(), z.unknown()),
})
export type ResolvedFragments = z.output<typeof resolvedFragments>
