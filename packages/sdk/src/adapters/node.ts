/**
 * A plain `node:http` or `node:https` server, which names its routes by hand.
 *
 * @module
 */
import { connect } from '../connect.ts'
import type { HydraService, ServiceOptions } from '../options.ts'
import type { NodeServer } from '../server.ts'

export { type SendOptions, sendPage } from '../fragments/page-send.ts'
export { type GuardOptions, type ServiceSource, userOf } from '../identity/guard.ts'
export type { User } from '../identity/verified.ts'
export { type SiteSource, siteOf } from '../menus/kept.ts'
export type { Site } from '../menus/side.ts'
export { type Middleware, optionalUser, requireUser, userOrAnswer } from './node-guard.ts'
export { menus } from './node-menus.ts'

/**
 * Puts a server behind the gateway as soon as it listens.
 *
 * @example
 * await hydra(server, { name: 'orders', routes: ['/orders', 'POST /orders', '/orders/{id}'] })
 * server.listen(3001)
 */
export function hydra(server: NodeServer, options: ServiceOptions): Promise<HydraService> {
  return connect({ ...options, server })
}
