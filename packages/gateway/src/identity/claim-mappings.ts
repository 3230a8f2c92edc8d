/**
 * Claim mappings: how a person is called at a service, when it is another name than here. The counterpart of role
 * mappings for names and claims.
 *
 * An entry that names a provider is about the identities of that provider, and prefers them: a service that knows people
 * by their company account is shown that one, however they signed in.
 *
 * @module
 */
import { RESERVED_CLAIMS } from '@hydra-gateway/protocol'
import { perService } from './per-service.ts'
import type { Identity } from './port.ts'
import { matchesService } from './service-patterns.ts'

export interface ClaimMappingSetting {
  /** Comma list of patterns for the whole name of a service. */
  readonly service: string
  /** Whose identities it is about. @default all */
  readonly provider?: string | undefined
  /** Claim with the user name. */
  readonly username?: string | undefined
  /** New name to claim: the service is told these and no other. `username`, `userId` and `sub` may be taken too. */
  readonly claims?: Readonly<Record<string, string>> | undefined
}

/** What one service is shown of people. */
export interface ClaimMapping {
  /** Providers whose identities it would rather see, the best first. */
  readonly preferred: readonly string[]
  /** Whether somebody is shown otherwise than they are here. */
  changes(identity: Identity): boolean
  /** Somebody as the service is shown them. */
  apply(identity: Identity): Identity
}

/** Names are shown on pages and stand in logs. */
const NAME = /^\P{Cc}{1,256}$/u

/**
 * Reads the mappings; what it returns gives the same object for a service each time. For an identity, the first entry
 * that fits service and provider counts.
 *
 * @throws Error when a claim would take a name that means something to the protocol
 */
export function compileClaimMappings(
  list: readonly ClaimMappingSetting[],
): (service: string) => ClaimMapping | undefined {
  if (list.length === 0) return () => undefined
  const entries = list.map((entry) => ({ ...entry, fits: matchesService(entry.service) }))
  for (const name of entries.flatMap(({ claims = {} }) => Object.keys(claims)))
    if (RESERVED_CLAIMS.has(name) || name === '__proto__')
      throw new Error(`a claim can't be called “${name}”: that name means something to the protocol`)

  return perService((service) => {
    const fitting = entries.filter(({ fits }) => fits(service))
    return fitting.length > 0 ? mappingOf(fitting) : undefined
  })
}

/**
 * Who of a person's identities a service is shown: of those it accepts (all, when it accepts none of them), the one it
 * prefers, otherwise the one they signed in with.
 */
export function chooseIdentity(
  identities: readonly Identity[],
  accepted: readonly string[] | undefined,
  preferred: readonly string[] = [],
): Identity {
  const some = accepted ? identities.filter(({ provider }) => accepted.includes(provider)) : identities
  const candidates = some.length > 0 ? some : identities
  for (const provider of preferred) {
    const found = candidates.find((identity) => identity.provider === provider)
    if (found) return found
  }
  return candidates[0]!
}

function mappingOf(entries: readonly ClaimMappingSetting[]): ClaimMapping {
  const entryOf = ({ provider }: Identity) =>
    entries.find((entry) => entry.provider === undefined || entry.provider === provider)
  return {
    preferred: entries.flatMap(({ provider }) => provider ?? []),
    changes(identity) {
      const entry = entryOf(identity)
      return entry !== undefined && (entry.username !== undefined || entry.claims !== undefined)
    },
    apply(identity) {
      const { username, claims } = entryOf(identity) ?? {}
      return {
        ...identity,
        username: username === undefined ? identity.username : nameOf(identity, username),
        claims: claims === undefined ? identity.claims : pick(identity, claims),
      }
    },
  }
}

/** The name here stays, where the claim is missing or nothing to be called by. */
function nameOf(identity: Identity, claim: string): string {
  const value = isDoubtful(identity, claim) ? undefined : factOf(identity, claim)
  const name = typeof value === 'number' ? String(value) : value
  return typeof name === 'string' && NAME.test(name) ? name : identity.username
}

function pick(identity: Identity, claims: Readonly<Record<string, string>>): Record<string, unknown> {
  const wanted = Object.entries(claims)
  const isToldDoubts = wanted.some(([, claim]) => claim === 'email_verified')
  const picked = wanted
    .filter(([, claim]) => isToldDoubts || !isDoubtful(identity, claim))
    .map(([name, claim]) => [name, factOf(identity, claim)] as const)
  return Object.fromEntries(picked.filter(([, value]) => value !== undefined))
}

/** An address that its provider does not vouch for: it may be anybody's. */
function isDoubtful({ claims: { email_verified } }: Identity, claim: string): boolean {
  return claim === 'email' && (email_verified === false || email_verified === 'false')
}

function factOf({ username, userId, subject, claims }: Identity, claim: string): unknown {
  if (claim === 'username') return username
  if (claim === 'userId') return userId ?? undefined
  if (claim === 'sub') return subject
  return Object.hasOwn(claims, claim) ? claims[claim] : undefined
}
