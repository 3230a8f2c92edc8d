/**
 * Whom something is for: a whole service, a route, a socket, a fragment. Pure.
 *
 * @module
 */
import { type Auth, hasRole, LOCAL_PROVIDER } from '@hydra-gateway/protocol'
import { type FragmentUser, providersOf } from './verified.ts'

/** Whom something is for. The gateway lets nobody else through, and shows them its sign-in. */
export interface AccessOptions {
  /** `required`: only for who is signed in. @default optional, or required where `roles` or `providers` are given */
  readonly auth?: Auth
  /** One of these is needed, as roles are called in this service. */
  readonly roles?: readonly string[]
  /** One of these must know the person; `local` is user name and password at the gateway. */
  readonly providers?: readonly string[]
}

export const ACCESS_NAMES = ['auth', 'roles', 'providers'] as const

/** What is wrong with it, one sentence each. */
export function accessFaults({ auth, roles, providers }: AccessOptions): string[] {
  const faults: string[] = []
  if (auth !== undefined && auth !== 'optional' && auth !== 'required')
    faults.push("auth must be 'optional' or 'required'")
  if (roles !== undefined && !isNames(roles))
    faults.push(`roles must be a list such as ['${typeof roles === 'string' ? roles : 'ADMIN'}']`)
  if (providers !== undefined && !isNames(providers))
    faults.push(
      `providers must be a list such as ['${typeof providers === 'string' ? providers : LOCAL_PROVIDER}']`,
    )
  if (auth === 'optional' && (roles ?? providers) !== undefined)
    faults.push(
      `auth: 'optional' and ${roles ? 'roles' : 'providers'} don't go together: nobody has any before they signed in`,
    )
  return faults
}

/** What is said of it, for a declaration: nothing that is absent. */
export function accessOf({ auth, roles, providers }: AccessOptions): {
  auth?: Auth
  roles?: string[]
  providers?: string[]
} {
  return {
    ...(auth && { auth }),
    ...(roles && { roles: [...roles] }),
    ...(providers && { providers: [...providers] }),
  }
}

/**
 * Whom a part of a service is for, as the gateway puts it together: its own words, and those of the service where it has
 * none. `auth: 'optional'` of its own undoes all that was said for the service.
 */
export function withUsual(own: AccessOptions, usual: AccessOptions): AccessOptions {
  if (own.auth === 'optional') return {}
  const auth = own.auth ?? usual.auth
  const roles = own.roles ?? usual.roles
  const providers = own.providers ?? usual.providers
  return { ...(auth && { auth }), ...(roles && { roles }), ...(providers && { providers }) }
}

export function isForEverybody({ auth, roles, providers }: AccessOptions): boolean {
  return auth !== 'required' && roles === undefined && providers === undefined
}

/** Why somebody may not have it; undefined when they may. */
export function refusalOf(
  access: AccessOptions,
  user: FragmentUser | undefined,
): 'login' | 'provider' | 'forbidden' | undefined {
  if (isForEverybody(access)) return undefined
  if (!user) return 'login'
  const { roles, providers } = access
  if (providers && !providersOf(user).some((provider) => providers.includes(provider))) return 'provider'
  const own = user.roles.map((role) => role.toUpperCase())
  return roles && !hasRole(own, roles) ? 'forbidden' : undefined
}

/** For people: `signed in`, `ADMIN or EDITOR`, `ADMIN, by corp`; empty for everybody. */
export function described(access: AccessOptions): string {
  if (isForEverybody(access)) return ''
  const { roles, providers } = access
  const who = roles ? roles.join(' or ') : 'signed in'
  return providers ? `${who}, by ${providers.join(' or ')}` : who
}

function isNames(value: unknown): boolean {
  return (
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string' && one !== '')
  )
}
