/**
 * In place of identity while nobody can sign in: what is for some is for none, however its path is written.
 *
 * @module
 */
import type { Answers } from '../proxy/answers.ts'
import { closedIdentity, type ProxyIdentity } from '../proxy/proxy.ts'
import { otherRoute, type RouteOf } from './other-route.ts'

export function createClosedIdentity({
  answers,
  routeOf,
}: {
  readonly answers: Pick<Answers, 'problem'>
  readonly routeOf: RouteOf
}): ProxyIdentity {
  const closed = closedIdentity(answers)
  return {
    ...closed,
    guard: {
      check(exchange, route) {
        const refusal = closed.guard.check(exchange, route)
        if (refusal !== undefined) return refusal
        const other = otherRoute(exchange, route, routeOf)
        return other && closed.guard.check(exchange, other.route)
      },
    },
  }
}
