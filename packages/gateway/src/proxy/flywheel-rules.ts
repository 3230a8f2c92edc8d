/**
 * The rules by which hydra-router found a service for a request, and what every answer under them has (`flywheel.md` 3.2,
 * 3.6). They come after the table: nothing of this is asked for a request that has an ordinary route.
 *
 * @module
 */

import type { Route } from '../routing/route.ts'
import { wholeSite } from '../routing/site-route.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Exchange } from './exchange.ts'
import { systemRandom25 } from './exchange-id.ts'
import { corsHeaders, preflightHeaders } from './flywheel-cors.ts'
import { type FlywheelExchange, patienceLeft, TRACER_HEADER } from './flywheel-exchange.ts'
import type { FlywheelSettings } from './flywheel-settings.ts'

export interface FlywheelRules {
  /** The route of a request which the table has none for, or one of these rules: `found`. */
  routeOf(exchange: Exchange, table: RoutingTable, found: Route | undefined): Route | undefined
  /** Begins to serve a route of these rules. True when that was all: the answer has been given. */
  begin(exchange: Exchange): boolean
  /** Nobody serves it: what is answered is an answer of these rules, where they hold for it. */
  unmatched(exchange: Exchange): void
}

export interface FlywheelRulesDeps {
  readonly settings: FlywheelSettings
  /** Called with every request these rules hold for. @default nobody notes them */
  readonly onRequest?: ((exchange: Exchange) => void) | undefined
  /** 0 to 2^25 - 1, unpredictable. */
  readonly random25?: () => number
}

/** Headers of the configuration, ready to be added to answers. */
interface Cors {
  readonly given: FlywheelSettings['cors']
  readonly lines: readonly (readonly [name: string, value: string])[]
  readonly replaced: ReadonlySet<string>
  readonly ownLines: Readonly<Record<string, string>>
}

export function createFlywheelRules({
  settings,
  onRequest,
  random25 = systemRandom25(),
}: FlywheelRulesDeps): FlywheelRules {
  let cors = readCors(settings.cors)
  /** As it is configured now; read anew once it is another. */
  const corsNow = (): Cors => {
    if (cors.given !== settings.cors) cors = readCors(settings.cors)
    return cors
  }
  const newTracer = (): string => base36(random25()) + base36(random25())

  const keep = (exchange: Exchange, tracer: string | undefined): FlywheelExchange => {
    const { lines, replaced, ownLines } = corsNow()
    const patienceMs = settings.requestTimeoutMs
    const answerBy = performance.now() + patienceMs
    const kept: FlywheelExchange = { tracer, patienceMs, answerBy, replaced, ownLines }
    exchange.flywheel = kept
    for (const [name, value] of lines) exchange.addHeader(name, value)
    return kept
  }

  return {
    routeOf(exchange, table, found) {
      if (exchange.isUpgrade || !(settings.enabled || found)) return found
      if (found?.flywheel === 'route') return found
      const route = table.leniently(exchange.host, exchange.path)
      if (route?.flywheel === 'route') return route
      // Whose path it is says which verbs it has, to pages of other services as well.
      if (route && !found) return undefined
      const site = siteOfPage(exchange, table)
      return site ? wholeSite(site) : found
    },

    begin(exchange) {
      onRequest?.(exchange)
      if (exchange.method === 'OPTIONS') {
        exchange.answer(204, preflightHeaders(settings.cors))
        return true
      }
      const tracer = newTracer()
      keep(exchange, tracer)
      exchange.addHeader(TRACER_HEADER, tracer)
      return false
    },

    unmatched(exchange) {
      if (!settings.enabled || exchange.flywheel !== undefined) return
      onRequest?.(exchange)
      keep(exchange, undefined)
    },
  }
}

/** Without any: tables have no such routes then. */
export const noFlywheelRules: FlywheelRules = {
  routeOf: (_exchange, _table, found) => found,
  begin: () => false,
  unmatched() {},
}

/** Whether the time for all attempts is over. */
export function isOutOfPatience({ flywheel }: Exchange): boolean {
  return flywheel !== undefined && patienceLeft(flywheel) === 0
}

/**
 * The site of the service whose page asks for something beside it: `/logo.png` on a page below `/shop/`. Whose host the
 * Referer names is not asked, as proxies before us change ours: it only picks a service the visitor could ask anyway.
 */
function siteOfPage({ path, method, headers }: Exchange, table: RoutingTable): Route | undefined {
  // The start page was the router's own, from wherever somebody came.
  if (path === '/' && (method === 'GET' || method === 'HEAD')) return undefined
  const referer = headers.get('referer')
  if (referer === undefined || !URL.canParse(referer)) return undefined
  const { pathname, protocol } = new URL(referer)
  if (protocol !== 'http:' && protocol !== 'https:') return undefined
  const [, first = ''] = pathname.split('/', 2)
  const service = decoded(first)
  return service ? table.site(service) : undefined
}

function decoded(segment: string): string | undefined {
  try {
    const text = decodeURIComponent(segment)
    return text.includes('/') ? undefined : text
  } catch {
    return undefined
  }
}

function readCors(given: FlywheelSettings['cors']): Cors {
  const lines = Object.entries(given ?? {})
  if (lines.length === 0) return { given, lines, replaced: TRACER_ALONE, ownLines: corsHeaders(given) }
  const replaced = new Set([TRACER_HEADER, ...lines.map(([name]) => name.toLowerCase())])
  return { given, lines, replaced, ownLines: NOTHING }
}

const TRACER_ALONE: ReadonlySet<string> = new Set([TRACER_HEADER])
const NOTHING = Object.freeze({})

/** 25 bits in five characters. */
function base36(value: number): string {
  return value.toString(36).padStart(5, '0')
}
