/**
 * Site events: what happened to services, instances, routes and menus, in order. One vocabulary for the SDK
 * (`service.on('event')`), operators (`/_hydra/api/v1/events`) and the command line (`hydra watch`).
 *
 * @module
 */
import { z } from 'zod'
import { SERVICE_STATES } from './overview.ts'

const base = {
  id: z.number().describe('Grows by one with each event of this gateway since it started.'),
  at: z.number().describe('Epoch ms.'),
}
const service = z.string()
const state = z.enum(SERVICE_STATES)

export const siteEvent = z.discriminatedUnion('kind', [
  z
    .object({
      ...base,
      kind: z.literal('service'),
      service,
      state,
      before: state.optional(),
      reason: z.string(),
    })
    .describe('The state visitors feel of a service changed; `before` is absent when it is new.'),
  z
    .object({
      ...base,
      kind: z.literal('instance'),
      service,
      instance: z.string(),
      version: z.union([z.string(), z.number()]),
      state: state.or(z.literal('gone')),
      reason: z.string().describe('`connection closed`, `lease ran out after 5 s`, `first check passed`, …'),
    })
    .describe('An instance came, went, or serves otherwise.'),
  z
    .object({ ...base, kind: z.literal('forgotten'), service, reason: z.string() })
    .describe('A service is not known any more: its paths answer 404.'),
  z
    .object({
      ...base,
      kind: z.literal('routes'),
      service,
      added: z.array(z.string()),
      removed: z.array(z.string()),
      more: z.number().optional().describe('How many there are beyond those listed, 100 of each.'),
    })
    .describe('Routes came or went, as patterns.'),
  z
    .object({ ...base, kind: z.literal('menu'), menu: z.string(), changed: z.array(z.string()) })
    .describe('A menu changed: paths of the items that are new, gone or in another state; the first 100.'),
  z
    .object({ ...base, kind: z.literal('missed'), count: z.number() })
    .describe('Events were dropped: the reader was too slow, or asked for older ones than are kept.'),
])
export type SiteEvent = z.output<typeof siteEvent>
export type SiteEventKind = SiteEvent['kind']
