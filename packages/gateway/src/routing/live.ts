/**
 * The one mutable cell between the control plane and the data plane.
 *
 * @module
 */
import type { RoutingTable } from './table.ts'

export interface Live {
  table: RoutingTable
}
