/**
 * Which providers a service takes people from: what the login page offers to somebody who needs another login there.
 *
 * @module
 */
import type { Route } from '../routing/route.ts'
import type { AccessRule } from './access-rules.ts'
import { matchesService } from './service-patterns.ts'

export interface AcceptedProvidersDeps {
  /** The table as it is now; a change makes another object. */
  readonly table: () => { routes(): Iterable<Pick<Route, 'service' | 'providers'>> }
  readonly rules: readonly AccessRule[]
}

/** Providers that some route of a service, or a rule about it, asks for; undefined: any, or no such service. */
export function createAcceptedProviders({
  table,
  rules,
}: AcceptedProvidersDeps): (service: string) => readonly string[] | undefined {
  const named = rules.flatMap(({ service, providers }) =>
    providers ? [{ isFor: service === undefined ? () => true : matchesService(service), providers }] : [],
  )
  // Read once per table: pages that ask are rare, but whoever likes may ask for them often.
  const known = new WeakMap<object, ReadonlyMap<string, ReadonlySet<string>>>()

  const declared = (): ReadonlyMap<string, ReadonlySet<string>> => {
    const now = table()
    let found = known.get(now)
    if (!found) {
      found = byService(now.routes())
      known.set(now, found)
    }
    return found
  }

  return (service) => {
    const said = declared().get(service)
    // A name nobody has stands in an address somebody made up: its words don't belong on the login page.
    if (said === undefined) return undefined
    const providers = new Set(said)
    for (const rule of named) if (rule.isFor(service)) for (const one of rule.providers) providers.add(one)
    return providers.size > 0 ? [...providers] : undefined
  }
}

/** Every service with routes, and the providers these ask for. */
function byService(
  routes: Iterable<Pick<Route, 'service' | 'providers'>>,
): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>()
  for (const { service, providers } of routes) {
    const those = found.get(service) ?? new Set()
    for (const one of providers ?? []) those.add(one)
    found.set(service, those)
  }
  return found
}
