/**
 * Whom a route is for in the end: its own word, or that of the operator's rules, for people who look at the list of
 * routes. Requests are judged path by path (`access-rules.ts`).
 *
 * @module
 */
import { coversPattern, overlapsPattern, parsePattern } from '@hydra-gateway/protocol'
import { normalAccess } from '../routing/access.ts'
import type { Access } from '../routing/route.ts'
import type { AccessRule } from './access-rules.ts'
import type { RouteDemands } from './port.ts'
import { matchesService } from './service-patterns.ts'

/** @throws ServicePatternError, PatternError */
export function createRouteDemands(rules: readonly AccessRule[]): RouteDemands {
  const compiled = rules
    .map(({ service, path, auth, roles, providers }) => ({
      isFor: service === undefined ? () => true : matchesService(service),
      path,
      patterns: path === undefined ? undefined : parsePattern(path).patterns,
      access: normalAccess({ auth, roles, providers }),
    }))
    // The last that fits counts: it is looked at first.
    .reverse()

  return (route) => {
    const exceptions: (Access & { path: string })[] = []
    for (const { isFor, path, patterns, access } of compiled) {
      if (!isFor(route.service)) continue
      if (
        path === undefined ||
        patterns === undefined ||
        patterns.some((one) => coversPattern(one, route.pattern))
      )
        return { access, isByRule: true, exceptions }
      if (patterns.some((one) => overlapsPattern(one, route.pattern))) exceptions.push({ path, ...access })
    }
    const { auth, roles, providers } = route
    return { access: normalAccess({ auth, roles, providers }), isByRule: false, exceptions }
  }
}
