/**
 * Overview: the list of known services the gateway sends down every channel when something changed.
 *
 * @module
 */
import { z } from 'zod'
import { fragmentAssets } from './fragment.ts'
import { LINK_STATES, menuDemand, menuFault, menus } from './menu.ts'

export const SERVICE_STATES = ['available', 'degraded', 'down', 'draining', 'recovering', 'unknown'] as const
/** State of a service or an instance, the six words of the whole product. */
export type ServiceState = (typeof SERVICE_STATES)[number]

/** Whether visitors are served, however well. */
export function isServing(state: ServiceState): boolean {
  return state === 'available' || state === 'degraded'
}

export const overviewService = z.object({
  serviceName: z.string(),
  state: z.enum(SERVICE_STATES),
  available: z.boolean().describe('True while at least one instance serves.'),
  title: z.string().optional().describe('What visitors call the service.'),
  endpoints: z
    .array(
      z.object({
        path: z.string(),
        available: z.boolean(),
        state: z.enum(LINK_STATES).optional().describe('Absent where a gateway is older.'),
        isFailing: z
          .literal(true)
          .optional()
          .describe('It is degraded because it answers with errors; otherwise because it is slow.'),
        demands: z
          .array(menuDemand)
          .optional()
          .describe('Whom the guard lets through there, for links to it; everybody when absent.'),
      }),
    )
    .describe('Page routes in our pattern form; known-but-down ones stay listed with available: false.'),
  roleMappings: z
    .record(z.string(), z.string())
    .optional()
    .describe('What roles of the gateway are called there, for demands of menu items; none when absent.'),
  fragmentAssets: z
    .array(z.object({ ref: z.string(), version: z.union([z.string(), z.number()]), assets: fragmentAssets }))
    .optional()
    .describe(
      'Fragments whose scripts and styles are known, so that pages ask for them in their heads; without those several versions render.',
    ),
  instances: z.array(
    z.object({ id: z.string(), version: z.union([z.string(), z.number()]), state: z.enum(SERVICE_STATES) }),
  ),
})
export type OverviewService = z.output<typeof overviewService>

/** Two services whose pages and fragments don't fit together. */
export const fragmentConflict = z.object({
  kind: z.enum(['FragmentImportConflict', 'FragmentUnusedImport', 'FragmentUnknownExport']),
  page: z.string().describe('Service whose page has the tag.'),
  place: z.string().describe('Where the tag stands there.'),
  service: z.string().describe('Service whose fragment it is.'),
  ref: z.string(),
  refused: z.enum(['ref', 'use', 'none']).describe('What is not served: the newcomer’s; none: a warning.'),
  instances: z.array(z.string()).optional().describe('Instances whose fragment is refused.'),
  reason: z.string().describe('Both places and a way out, in a sentence.'),
})
export type FragmentConflict = z.output<typeof fragmentConflict>

/** One item of the `hydra.overview` stream. */
export const overview = z.object({
  type: z.literal('ACTIVE_SERVERS_UPDATE'),
  hash: z.string().describe('Changes with every change of routes, weights or availability.'),
  services: z.array(overviewService),
  menus,
  menuFaults: z
    .array(menuFault)
    .optional()
    .describe('What is wrong with items; absent when nothing is; the first 100.'),
  publicKey: z.string().nullable(),
  roleMappings: z.record(z.string(), z.string()),
  fragmentConflicts: z
    .array(fragmentConflict)
    .optional()
    .describe('Absent when there are none; the first 100.'),
  moreFragmentConflicts: z.number().optional().describe('How many there are beyond those.'),
})
export type Overview = z.output<typeof overview>
