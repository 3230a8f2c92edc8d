/**
 * Site events: what happened to services, instances, routes and menus, in order. One vocabulary for the SDK
 * (`service.on('event')`), operators (`/_hydra/api/v1/events`) and the command line (`hydra watch`).
 *
 * A change of one instance that visitors feel is two events: first what the service is now, then what the instance is.
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
const version = z.union([z.string(), z.number()])
const more = z.number().optional().describe('How many there are beyond those listed.')

export const siteEvent = z.discriminatedUnion('kind', [
  z
    .object({
      ...base,
      kind: z.literal('service'),
      service,
      state,
      before: state.optional(),
      reason: z.string(),
      instance: z.string().optional().describe('Whose change it was; an event about it follows.'),
      version: version.optional().describe('Of that instance.'),
    })
    .describe('The state visitors feel of a service changed; `before` is absent when it is new.'),
  z
    .object({
      ...base,
      kind: z.literal('instance'),
      service,
      instance: z.string(),
      version,
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
      more,
    })
    .describe('Routes came or went, as patterns; the first 100 of each.'),
  z
    .object({ ...base, kind: z.literal('menu'), menu: z.string(), changed: z.array(z.string()), more })
    .describe(
      'A menu changed: paths of the items that are new, gone, in another state or shown otherwise; the first 100.',
    ),
  z
    .object({ ...base, kind: z.literal('missed'), count: z.number() })
    .describe(
      'Events were dropped: the reader was too slow, or asked for older ones than are kept. Its id is that of the last of them.',
    ),
])
export type SiteEvent = z.output<typeof siteEvent>
export type SiteEventKind = SiteEvent['kind']

/** What may be asked for; `missed` comes with all of them. */
export const SITE_EVENT_KINDS = ['service', 'instance', 'forgotten', 'routes', 'menu'] as const

const life = {
  epoch: z.string().describe('Of this start of the gateway: with another one ids begin anew.'),
  latest: z.number().describe('Id of the latest event; 0 before the first.'),
}

/** First item of the stream `hydra.events`. */
export const eventsHello = z.object({ kind: z.literal('hello'), ...life })
export type EventsHello = z.output<typeof eventsHello>

/** What a service asks the stream `hydra.events` for; without `after` it hears what happens from now on. */
export const eventsRequest = z.object({
  after: z.number().int().min(0).optional().describe('Id of the latest event it has.'),
  epoch: z
    .string()
    .max(64)
    .optional()
    .describe('Of that event; with one of another start all there are come.'),
})
export type EventsRequest = z.output<typeof eventsRequest>

/** Event `hello` of `/_hydra/api/v1/events`: how things are when the stream begins. */
export const watchHello = z.object({
  ...life,
  revision: z.number(),
  services: z.array(
    z.object({
      name: z.string(),
      state,
      downSince: z.number().optional().describe('Epoch ms.'),
    }),
  ),
})
export type WatchHello = z.output<typeof watchHello>
