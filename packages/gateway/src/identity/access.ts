/**
 * Access: whether somebody may have what was declared to be for some. Pure; asked for pages, fragments and messages
 * alike.
 *
 * The order is what visitors can do about it: sign in, be known by another provider too, have a role.
 *
 * @module
 */
import { hasRole, mapRoles } from '@hydra-gateway/protocol'
import type { Access } from '../routing/route.ts'
import type { Caller, Identity, Refusal } from './port.ts'

/** Whether something is for people who signed in only. */
export function isClosed({ auth, roles, providers }: Access): boolean {
  return auth === 'required' || roles !== undefined || (providers !== undefined && providers.length > 0)
}

/** `mappings`: what roles of the gateway are called in the service that declared this. */
export function refusalOf(
  caller: Caller | undefined,
  access: Access,
  mappings: () => Readonly<Record<string, string>>,
): Refusal | undefined {
  if (!isClosed(access)) return undefined
  if (caller === undefined) return 'login'
  const identity = identityFor(caller, access)
  if (identity === undefined) return 'provider'
  const { roles } = access
  if (roles === undefined || roles.length === 0) return undefined
  return hasRole(mapRoles(identity.roles, mappings()), roles) ? undefined : 'forbidden'
}

/** What somebody's roles are called where this is asked for; undefined when no provider asked for knows them. */
export function rolesOf(
  caller: Caller,
  access: Access,
  mappings: Readonly<Record<string, string>>,
): readonly string[] | undefined {
  const identity = identityFor(caller, access)
  return identity && mapRoles(identity.roles, mappings)
}

/**
 * As whom somebody comes: by the first identity a provider asked for knows. Its roles count, and none of the others':
 * what one provider says of a person is not for another to add to.
 */
function identityFor({ identities }: Caller, { providers }: Access): Identity | undefined {
  if (providers === undefined || providers.length === 0) return identities[0]
  return identities.find(({ provider }) => providers.includes(provider))
}
