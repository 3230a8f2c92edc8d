/**
 * Role mappings: what a role of the gateway is called in a service (`identity.roles`, `HYDRA_ROLES`).
 *
 * @module
 */
import { perService } from './per-service.ts'
import { matchesService } from './service-patterns.ts'

/** What a role becomes, and where. */
export interface RoleMapping {
  readonly mappedTo: string
  /** Service patterns. */
  readonly service: string
}

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
  return perService((service) => {
    const entries = mappings.filter(({ isFor }) => isFor(service))
    // Of names that objects know (`__proto__`) an entry is made like of any other.
    return Object.freeze(Object.fromEntries(entries.map(({ role, mappedTo }) => [role, mappedTo])))
  })
}
