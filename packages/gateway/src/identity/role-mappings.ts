/**
 * Role mappings: what a role of the gateway is called in a service (`identity.roles`, `HYDRA_ROLES`).
 *
 * @module
 */
import { matchesService } from './service-patterns.ts'

/** What a role becomes, and where. */
export interface RoleMapping {
  readonly mappedTo: string
  /** Service patterns. */
  readonly service: string
}

/** Services whose mappings are kept; there are fewer. */
const MOST_SERVICES = 10_000

/**
 * Reads the mappings. For one service the same frozen object comes each time.
 *
 * @throws ServicePatternError
 */
export function compileRoleMappings(
  roles: Readonly<Record<string, RoleMapping>>,
): (service: string) => Readonly<Record<string, string>> {
  const mappings = Object.entries(roles).map(([role, { mappedTo, service }]) => ({
    role,
    mappedTo,
    isFor: matchesService(service),
  }))
  const known = new Map<string, Readonly<Record<string, string>>>()
  return (service) => {
    let mapped = known.get(service)
    if (mapped === undefined) {
      const entries = mappings.filter(({ isFor }) => isFor(service))
      // Of names that objects know (`__proto__`) an entry is made like of any other.
      mapped = Object.freeze(Object.fromEntries(entries.map(({ role, mappedTo }) => [role, mappedTo])))
      if (known.size >= MOST_SERVICES) known.clear()
      known.set(service, mapped)
    }
    return mapped
  }
}
