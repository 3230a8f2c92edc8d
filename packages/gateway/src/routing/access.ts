/**
 * Access: whom a route or a fragment is for, put together of what was said in several places.
 *
 * What stands together is never weaker than its parts: where two say different things, both hold.
 *
 * @module
 */
import type { Access } from './route.ts'

/** For everybody, and nothing else was said. */
export const FOR_EVERYBODY: Access = Object.freeze({})

/**
 * What holds for one route or fragment of a service: its own words, and those of the service where it has none.
 * `auth: 'optional'` of its own undoes all that was said for the service. A sentence when it contradicts itself.
 */
export function accessOf(own: Access, usual: Access): Access | string {
  const fault = accessFault(own)
  if (fault !== undefined) return fault
  if (own.auth === 'optional') return FOR_EVERYBODY
  return normalAccess({
    auth: own.auth ?? usual.auth,
    roles: own.roles ?? usual.roles,
    providers: own.providers ?? usual.providers,
  })
}

/** Why what was said can't be meant; undefined when it can. */
export function accessFault({ auth, roles, providers }: Access): string | undefined {
  if (auth !== 'optional' || (roles === undefined && providers === undefined)) return undefined
  const both = roles === undefined ? 'providers' : 'roles'
  return `it says auth: 'optional' beside ${both}, which are for people who are signed in; leave one of the two out`
}

/** With `auth: 'required'` wherever roles or providers are asked for, so that one look says whether somebody is needed. */
export function normalAccess({
  auth,
  roles,
  providers,
}: {
  readonly [Key in keyof Access]: Access[Key] | undefined
}): Access {
  const isRequired = auth === 'required' || roles !== undefined || providers !== undefined
  if (!isRequired) return FOR_EVERYBODY
  return Object.freeze({
    auth: 'required',
    ...(roles && { roles }),
    ...(providers && { providers }),
  })
}

/**
 * What fits both: somebody who may have it may have each. Undefined when nobody could: they ask for different roles, or
 * for different providers. Of roles, and of providers, those remain that both name.
 */
export function bothOf(one: Access, other: Access): Access | undefined {
  if (one.auth !== 'required') return other
  if (other.auth !== 'required') return one
  const roles = common(one.roles, other.roles, (role) => role.toUpperCase())
  const providers = common(one.providers, other.providers, (provider) => provider)
  if (roles?.length === 0 || providers?.length === 0) return undefined
  return normalAccess({ auth: 'required', roles, providers })
}

function common(
  some: readonly string[] | undefined,
  others: readonly string[] | undefined,
  keyOf: (name: string) => string,
): readonly string[] | undefined {
  if (some === undefined || others === undefined) return some ?? others
  const known = new Set(others.map(keyOf))
  const left = some.filter((name) => known.has(keyOf(name)))
  return left.length === some.length ? some : left
}
