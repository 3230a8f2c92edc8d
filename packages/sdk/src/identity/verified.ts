/**
 * Who somebody is, by a token that holds.
 *
 * @module
 */
import { mapRoles, RESERVED_CLAIMS, type TokenClaims } from '@hydra-gateway/protocol'

/** Somebody who is signed in. Further facts, such as `email`, stand beside these under the names of their claims. */
export interface FragmentUser {
  /** What they sign in as. */
  readonly username: string
  /** What they may do in this service, upper case. */
  readonly roles: readonly string[]
  /** What to call them: their `name` where a provider says it, else their user name. */
  readonly name?: string
  /** Their number, where users have one. */
  readonly id?: number | null
  /** `provider:subject`, the same for ever: keep what is theirs under it, never under a name. */
  readonly sub?: string
  readonly [claim: string]: unknown
}

/** The same, by a token of the gateway, which says all of it. */
export interface User extends FragmentUser {
  readonly name: string
  readonly id: number | null
  readonly sub: string
}

/** What a token says. Frozen: requests with the same token share it. */
export interface Verified {
  readonly user: User
  /** In this service: mapped, upper case. */
  readonly roles: readonly string[]
  /** The token's own words; `roles` are those at the gateway. */
  readonly claims: TokenClaims
  /** Who knows them: `local`, or the name of a provider. */
  readonly provider: string
  readonly sub: string
  readonly token: string
  /** Epoch ms. */
  readonly expiresAt: number
}

const whole = new WeakMap<object, Verified>()

/** Puts together what a service is told of the claims of a token that holds. */
export function describe(
  claims: TokenClaims,
  token: string,
  roleMappings: Readonly<Record<string, string>>,
): Verified {
  const { sub, username } = claims
  const roles = mapRoles(claims.roles, roleMappings)
  const facts = Object.entries(claims).filter(([name]) => !RESERVED_CLAIMS.has(name) && name !== '__proto__')
  const named = typeof claims.name === 'string' && claims.name !== '' ? claims.name : username
  const user: User = { ...Object.fromEntries(facts), username, name: named, id: claims.userId, sub, roles }
  const colon = sub.indexOf(':')
  const verified = frozen<Verified>({
    user,
    roles,
    claims,
    provider: colon > 0 ? sub.slice(0, colon) : sub,
    sub,
    token,
    expiresAt: claims.exp * 1000,
  })
  whole.set(verified.user, verified)
  return verified
}

/** Providers a user proved to be known by; none for somebody an app identified in its own way. */
export function providersOf(user: FragmentUser): readonly string[] {
  return whole.get(user)?.claims.idp ?? []
}

/** Claims are JSON, so there is an end to it. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) frozen(inner)
  return Object.freeze(value)
}
