/**
 * From what a provider says about somebody to an identity of ours. Pure.
 *
 * What was not set is not believed: a value of the roles claim is a role only where the operator mapped it.
 *
 * @module
 */
import { RESERVED_CLAIMS } from '@hydra-gateway/protocol'
import type { Identity } from '../port.ts'
import type { OidcProviderSettings } from './settings.ts'

/** As the provider said them: JSON. */
export type Claims = Readonly<Record<string, unknown>>

type Mapping = Pick<
  OidcProviderSettings,
  'usernameClaim' | 'rolesClaim' | 'roles' | 'defaultRoles' | 'claims'
>

export interface Namesakes {
  /** Whether a user name is somebody else's here. */
  isTaken(username: string): boolean
}

/** Longer names are no names. */
const MAX_NAME = 256
/** As OpenID Connect Core 2 limits `sub`. */
const MAX_SUBJECT = 255
const MAX_SESSION = 512
/** Values of the roles claim that are looked at. */
const MAX_ROLES = 1000

/** The identity, or undefined when the provider doesn't say who it is in a way that can be kept. */
export function identityOf(
  provider: string,
  mapping: Mapping,
  said: Claims,
  { isTaken }: Namesakes,
): Identity | undefined {
  const subject = nameIn(said.sub, MAX_SUBJECT)
  if (subject === undefined || subject !== said.sub) return undefined
  const wanted = usernameOf(mapping, said) ?? subject
  const username = [wanted, `${wanted}@${provider}`, `${subject}@${provider}`].find((name) => !isTaken(name))
  const session = nameIn(said.sid, MAX_SESSION)
  return {
    provider,
    subject,
    username: username ?? `${provider}:${subject}`,
    userId: null,
    roles: rolesOf(mapping, said),
    claims: Object.fromEntries(copied(mapping, said)),
    ...(session === undefined || session !== said.sid ? {} : { providerSession: session }),
  }
}

/** Whether everything that is set can be had from these; otherwise the provider has to be asked for more. */
export function sayEnough({ usernameClaim, rolesClaim, claims }: Mapping, said: Claims): boolean {
  const wanted = [usernameClaim ?? 'preferred_username', ...(rolesClaim ? [rolesClaim] : []), ...claims]
  return wanted.every((name) => claimAt(said, name) !== undefined)
}

function usernameOf({ usernameClaim }: Mapping, said: Claims): string | undefined {
  const { preferred_username, email, email_verified } = said
  if (usernameClaim !== undefined) {
    // Whoever chose the address as name trusts the provider with it, but not where it says itself that it doesn't know.
    const chosen =
      usernameClaim === 'email' && isDoubtful(said)
        ? undefined
        : nameIn(claimAt(said, usernameClaim), MAX_NAME)
    if (chosen !== undefined) return chosen
  }
  const isVerified = email_verified === true || email_verified === 'true'
  return nameIn(preferred_username, MAX_NAME) ?? (isVerified ? nameIn(email, MAX_NAME) : undefined)
}

/** Whether the provider says itself that it doesn't know whose address it is. */
function isDoubtful({ email_verified }: Claims): boolean {
  return email_verified === false || email_verified === 'false'
}

function rolesOf({ rolesClaim, roles, defaultRoles = [] }: Mapping, said: Claims): readonly string[] {
  const has = new Set(defaultRoles)
  const value = rolesClaim === undefined ? undefined : claimAt(said, rolesClaim)
  for (const one of (Array.isArray(value) ? value : [value]).slice(0, MAX_ROLES)) {
    if (roles && typeof one === 'string' && Object.hasOwn(roles, one)) has.add(roles[one]!)
  }
  return [...has]
}

function* copied({ claims }: Mapping, said: Claims): Iterable<readonly [string, unknown]> {
  for (const name of claims) {
    // Anybody's address: it goes on only beside the word that it is not proved.
    if (name === 'email' && isDoubtful(said) && !claims.includes('email_verified')) continue
    const value = RESERVED_CLAIMS.has(name) ? undefined : claimAt(said, name)
    if (value !== undefined && value !== null) yield [name, value]
  }
}

/** A claim by its name, which may hold dots (`https://example.com/roles`), else by a path into one. */
function claimAt(said: Claims, name: string): unknown {
  if (Object.hasOwn(said, name)) return said[name]
  let value: unknown = said
  for (const step of name.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Claims)[step]
  }
  return value
}

/** Text one can be called by: in one form of Unicode, no controls, not endless. */
function nameIn(value: unknown, most: number): string | undefined {
  if (typeof value !== 'string') return undefined
  const name = value.normalize('NFC').trim()
  return name !== '' && name.length <= most && !/\p{C}/u.test(name) ? name : undefined
}
