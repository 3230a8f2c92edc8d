/**
 * A visit: what was found out about the visitor of a page with fragments, while it is served.
 *
 * @module
 */
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Exchange } from './exchange.ts'
import { isNavigation, leavesPage } from './navigation.ts'
import type { VisitorContexts } from './visitor-context.ts'
import type { VisitorTokens } from './visitor-context-token.ts'
import type { VisitorCookie } from './visitor-cookie.ts'
import { NO_PINS, openedPins, type Pin } from './visitor-pins.ts'

export interface Visit {
  /** The instance it was found out for. */
  readonly instance: Instance
  readonly id: string
  /** Those of the cookie, with what was drawn for the page. */
  readonly pins: readonly Pin[]
  readonly isXray: boolean
  /** Pins the cookie has no room for. */
  readonly dropped: number
  /** The page is this visitor's alone, whatever its service says. */
  readonly isPrivate: boolean
}

export interface Visits {
  /**
   * Finds out about the visitor of a page; nothing for nobody. What was found out for the same instance is kept.
   * `isTold`: a service keeps something by the visitor's id, so that a new visitor gets one even when nothing is drawn.
   */
  of(
    exchange: Exchange,
    route: Route,
    instance: Instance,
    about: { readonly isTold: boolean; readonly isPrivate: boolean },
  ): Visit | undefined
  /** The context for the service of a visit, signed. */
  textOf(exchange: Exchange, visit: Visit): string
}

export interface VisitsDeps {
  readonly tokens: Pick<VisitorTokens, 'write'>
  readonly contexts: Pick<VisitorContexts, 'isPinning' | 'pinned'>
  readonly cookieOf: (exchange: Exchange) => VisitorCookie | undefined
  readonly isXray: (exchange: Exchange) => boolean
  readonly newVisitor: () => string
}

export function createVisits({ tokens, contexts, cookieOf, isXray, newVisitor }: VisitsDeps): Visits {
  /** The last context made of a cookie: most visitors come back with it, to the same service. */
  const written = new WeakMap<VisitorCookie, { readonly key: string; readonly text: string }>()

  return {
    of(exchange, route, instance, { isTold, isPrivate }) {
      const known = exchange.visit
      if (known?.instance === instance) return isPrivate && !known.isPrivate ? { ...known, isPrivate } : known
      const cookie = cookieOf(exchange)
      const navigates = isNavigation(exchange)
      if (!cookie && !(navigates && (isTold || exchange.visitor !== undefined || contexts.isPinning)))
        return undefined
      exchange.visitor ??= cookie?.visitor ?? newVisitor()
      const id = exchange.visitor
      let pins = cookie?.pins ?? NO_PINS
      let dropped = 0
      if (navigates) {
        if (pins.length > 0 || contexts.isPinning) {
          const drawn = contexts.pinned({ id, pins, own: instance }, leavesPage(exchange))
          pins = drawn.pins
          dropped = drawn.dropped
        }
        pins = openedPins(pins, route, instance, exchange.isDrawn)
      }
      return { instance, id, pins, isXray: isXray(exchange), dropped, isPrivate }
    },
    textOf(exchange, { instance: { service }, id: visitor, pins, isXray }) {
      const cookie = cookieOf(exchange)
      if (cookie?.pins !== pins) return tokens.write(service, { visitor, pins, isXray })
      const key = `${isXray ? 'x' : ''}:${service}`
      const last = written.get(cookie)
      if (last?.key === key) return last.text
      const text = tokens.write(service, { visitor, pins, isXray })
      written.set(cookie, { key, text })
      return text
    },
  }
}
