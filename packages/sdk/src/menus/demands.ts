/**
 * Whether something is for a visitor, by what they are signed in as: menu items and links, here as at the gateway. Pure.
 *
 * Strict where it can't be known: then it is for nobody.
 *
 * @module
 */
import { hasRole, type MenuDemand, mapRoles, type Standing } from '@hydra-gateway/protocol'
import type { Verified } from '../identity/verified.ts'

/** What a visitor is seen as; undefined stands for one who is not signed in. */
export type Visitor = Pick<Verified, 'claims' | 'provider'>

/** What roles of the gateway are called in a service; undefined for one that is not known. */
export type MappingsOf = (service: string) => Readonly<Record<string, string>> | undefined

/** Whether all demands are met; there are none where something is for everybody. */
export function standing(
  demands: readonly MenuDemand[] | undefined,
  visitor: Visitor | undefined,
  mappingsOf: MappingsOf,
): Standing {
  const closed = demands?.filter(isClosed) ?? []
  if (closed.length === 0) return 'yes'
  if (!visitor) return 'sign-in'
  return closed.every((demand) => meets(demand, visitor, mappingsOf)) ? 'yes' : 'no'
}

function isClosed({ auth, roles, providers }: MenuDemand): boolean {
  // A word of a later version is no reason to open something.
  return (auth !== undefined && auth !== 'optional') || roles !== undefined || isFilled(providers)
}

function meets({ service, roles, providers }: MenuDemand, visitor: Visitor, mappingsOf: MappingsOf): boolean {
  const { claims, provider } = visitor
  if (isFilled(providers) && !claims.idp.some((known) => providers.includes(known))) return false
  if (!isFilled(roles)) return true
  // Roles are what the first provider says. What another one says of the same person is known to the gateway alone.
  if (isFilled(providers) && !providers.includes(provider)) return false
  const mappings = mappingsOf(service)
  return mappings !== undefined && hasRole(mapRoles(claims.roles, mappings), roles)
}

function isFilled(names: readonly string[] | undefined): names is readonly string[] {
  return names !== undefined && names.length > 0
}

/** The same for all visitors who are seen as the same. */
export function audienceOf(visitor: Visitor | undefined): string {
  if (!visitor) return ''
  const { claims, provider } = visitor
  return JSON.stringify([provider, [...claims.idp].sort(), [...claims.roles].sort()])
}
