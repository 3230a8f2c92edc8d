/**
 * Which answers are given to who composes pages, as far as the engine knows.
 *
 * @module
 */
import type { ResponseHead } from '../http1/head.ts'
import { HYDRA_COMPOSE } from '../http1/names.ts'
import type { Route } from '../routing/route.ts'
import { type Instance, isExternal } from '../routing/upstream.ts'
import type { Composer } from './composition.ts'
import { isSafe } from './methods.ts'
import type { WireExchange } from './wire-exchange.ts'

/** Before it is sent: whether the service is asked for the whole page, whatever the visitor has of it. */
export function asksForWhole(composer: Composer | undefined, exchange: WireExchange, route: Route): boolean {
  // Conditions of other methods are about what they do (RFC 9110, 13.2.1), not about a copy of the page.
  return composer?.wantsWhole(exchange, route) === true && isSafe(exchange.method)
}

/** Whether the route or the answer wants it; which of them is a page is for the composer to say. */
export function isComposable(
  composer: Composer | undefined,
  { flywheel }: WireExchange,
  { compose, hold }: Route,
  { service }: Instance,
  head: ResponseHead,
): boolean {
  if (composer === undefined) return false
  // Services elsewhere are not asked, and what they send is not looked into.
  if (flywheel !== undefined && isExternal(service)) return false
  return compose === true || hold === true || head.find(HYDRA_COMPOSE) >= 0
}

/** Of a composable one: whether it is only a part of a page, or word about one, so that the whole must be asked for. */
export function isPartOfPage(
  composer: Composer,
  exchange: WireExchange,
  route: Route,
  head: ResponseHead,
): boolean {
  if (!isPart(head.status) || exchange.wantsWhole || exchange.hasBody || !isSafe(exchange.method))
    return false
  return composer.isPartOfPage(exchange, route, head)
}

/** Part of a page, or word about one the visitor has: not modified, a condition or a range that does not hold. */
function isPart(status: number): boolean {
  return status === 206 || status === 304 || status === 412 || status === 416
}
