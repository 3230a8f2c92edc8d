/**
 * Whom a page is for that the gateway composes: what its services are told of the visitor.
 *
 * @module
 */
import { TRACEPARENT } from '../http1/names.ts'
import type { PageVisitor } from '../proxy/visitors.ts'
import type { WireExchange } from '../proxy/wire-exchange.ts'
import type { Instance } from '../routing/upstream.ts'
import type { PageContext } from './port.ts'

/** The context of a page an instance answered with. */
export function pageContext(
  exchange: WireExchange,
  { service }: Pick<Instance, 'service'>,
  { visitor, route, isXray }: PageVisitor,
): PageContext {
  const trace = exchange.hasTrace ? exchange.head.find(TRACEPARENT) : -1
  return {
    service,
    exchange: exchange.id,
    visitor,
    route,
    token: undefined,
    locale: preferredLanguage(exchange.head.get('accept-language')),
    traceparent: trace < 0 ? undefined : exchange.head.value(trace),
    depth: 0,
    chain: [],
    isXray,
  }
}

const RANGE = /^\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*)\s*(?:;\s*q=([01](?:\.\d{0,3})?)\s*)?$/i

/** The language a visitor likes best (RFC 9110, 12.5.4), such as nl-BE; undefined for who says none. */
export function preferredLanguage(acceptLanguage: string | undefined): string | undefined {
  if (acceptLanguage === undefined || acceptLanguage.length > 1000) return undefined
  let best: string | undefined
  let weight = 0
  for (const member of acceptLanguage.split(',')) {
    const [, language, q = '1'] = RANGE.exec(member) ?? []
    if (language === undefined || Number(q) <= weight) continue
    best = language
    weight = Number(q)
  }
  return best
}
