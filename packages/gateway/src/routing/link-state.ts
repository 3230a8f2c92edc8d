/**
 * What visitors can feel of a route: it serves, it serves with failures or slowly, or nobody serves it now; and what they
 * call who does. Pure.
 *
 * @module
 */
import type { FeltState } from '@hydra-gateway/protocol'
import type { Route } from './route.ts'
import type { RoutingTable } from './table.ts'
import type { VitalsBook } from './vitals.ts'

/** How a service that serves does so: well, mostly too slowly, or mostly with errors. */
export type HealthOf = (service: string) => Exclude<FeltState, 'down'>

export interface LinkStateSources {
  readonly table: Pick<RoutingTable, 'candidates'>
  readonly vitals: Pick<VitalsBook, 'of'>
  readonly healthOf: HealthOf
}

/** Nobody looked. */
export const ALWAYS_WELL: HealthOf = () => 'available'

/** State of a route of this table. One instance that doesn't rest is enough. */
export function linkStateOf(route: Route, { table, vitals, healthOf }: LinkStateSources): FeltState {
  let state: FeltState = 'down'
  for (const { id, service } of table.candidates(route)) {
    if (vitals.of(id).resting) continue
    state = healthOf(service)
    if (state !== 'available') return state
  }
  return state
}

/** What visitors call a service. */
export function titleOf(table: Pick<RoutingTable, 'service'>, service: string): string {
  return table.service(service)?.title ?? service
}
