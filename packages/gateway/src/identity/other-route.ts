/**
 * The route a service may take a request for, where it reads the path more generously than the table does.
 *
 * @module
 */
import { literalPath } from '@hydra-gateway/protocol'
import type { Exchange } from '../proxy/exchange.ts'
import type { Route } from '../routing/route.ts'
import { otherReading } from './other-reading.ts'

/** The route another path of the same request's host would have. */
export type RouteOf = (
  asked: Pick<Exchange, 'host' | 'method' | 'isUpgrade'>,
  path: string,
) => Route | undefined

/** Undefined when there is no other of that service. Routes for exactly this path are meant as they stand. */
export function otherRoute<Asked extends Pick<Exchange, 'path'>>(
  exchange: Asked,
  route: Route,
  routeOf: (exchange: Asked, path: string) => Route | undefined,
): { readonly route: Route; readonly path: string } | undefined {
  const path = otherReading(exchange.path)
  if (path === undefined || literalPath(route.pattern) !== undefined) return undefined
  const other = routeOf(exchange, path)
  return other === undefined || other === route || other.service !== route.service
    ? undefined
    : { route: other, path }
}
