/**
 * Whom a page is for that the gateway composes: what its services are told of the visitor.
 *
 * @module
 */
import { preferredLanguage } from '@hydra-gateway/protocol'
import { TRACEPARENT } from '../http1/names.ts'
import type { PageVisitor } from '../proxy/visitors.ts'
import type { WireExchange } from '../proxy/wire-exchange.ts'
import type { Instance } from '../routing/upstream.ts'
import type { PageContext } from './port.ts'

/** The context of a page an instance answered with. One that is kept for everybody is composed as for nobody. */
export function pageContext(
  exchange: WireExchange,
  { service }: Pick<Instance, 'service'>,
  { visitor, route, isXray }: PageVisitor,
  isForEverybody: boolean,
): PageContext {
  const trace = exchange.hasTrace ? exchange.head.find(TRACEPARENT) : -1
  return {
    service,
    exchange: exchange.id,
    visitor,
    route,
    caller: isForEverybody ? undefined : exchange.caller,
    token: undefined,
    locale: preferredLanguage(exchange.head.get('accept-language')),
    traceparent: trace < 0 ? undefined : exchange.head.value(trace),
    depth: 0,
    chain: [],
    isXray,
  }
}
