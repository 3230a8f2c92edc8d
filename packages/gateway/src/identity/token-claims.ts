/**
 * What a token says: written from a session, read back into identities. Nothing is believed here before the signature
 * was checked.
 *
 * The first identity stands in the claims, for services to read. What they need not know (the other identities, the name
 * of the session at the provider, and who somebody is when a service is told something else) stands sealed in `own`.
 *
 * @module
 */
import { RESERVED_CLAIMS, TOKEN_ISSUER, tokenClaims } from '@hydra-gateway/protocol'
import { z } from 'zod'
import { identityKey, identitySchema } from './identities.ts'
import type { Identity, TokenFault } from './port.ts'
import { hashedSession, sessionHashOf, sessionNameOf } from './provider-session.ts'
import { SESSION_ID } from './session-id.ts'

/** `iat` lies a little in the past: Medusa's verifiers know no leeway. */
export const BACKDATED_S = 5
/** A clock of another node may go ahead that much. */
const MOST_AHEAD_S = 60

const claims = tokenClaims.extend({
  exp: z.int(),
  iat: z.int(),
  sid: z.string().regex(SESSION_ID),
  sub: z.string().regex(/^[^:]+:./s),
  session_exp: z.int(),
  psid: z.array(z.string()).optional(),
  own: z.string().optional(),
})
export type Claims = z.output<typeof claims>

/** What is sealed in `own`. `first` only where the claims tell somebody something else about them. */
const own = z.object({
  first: identitySchema.optional(),
  providerSession: z.string().optional(),
  rest: z.array(identitySchema),
})
type Own = z.output<typeof own>

/** Claims about a person, first those that mean something to the protocol. */
export function personClaims(shown: Identity, all: readonly Identity[]): Record<string, unknown> {
  const psid = all.flatMap((one) => sessionHashOf(one) ?? [])
  return {
    sub: identityKey(shown),
    username: shown.username,
    userId: shown.userId,
    roles: shown.roles,
    idp: [...new Set(all.map(({ provider }) => provider))],
    ...(psid.length > 0 ? { psid } : {}),
    ...freeClaims(shown.claims),
  }
}

/**
 * What `own` has to say, when the claims don't say everything. `identities[0]` is the one that is shown. Only a shared
 * token is ever made a session of again: no other tells the name of the session at the provider.
 */
export function ownOf(shown: Identity, identities: readonly Identity[], isShared: boolean): Own | undefined {
  const [first, ...rest] = identities
  const providerSession = isShared ? sessionNameOf(first!) : undefined
  if (shown === first && rest.length === 0 && providerSession === undefined) return undefined
  return {
    ...(shown === first ? {} : { first: first! }),
    ...(providerSession === undefined ? {} : { providerSession }),
    rest,
  }
}

/** Claims of a token whose signature holds, or what is wrong with them. */
export function readClaims(payload: Uint8Array, nowMs: number): Claims | TokenFault {
  let said: unknown
  try {
    said = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return 'claims'
  }
  if (typeof said !== 'object' || said === null) return 'claims'
  if ((said as Record<string, unknown>).iss !== TOKEN_ISSUER) return 'issuer'
  const { success, data } = claims.safeParse(said)
  if (!success) return 'claims'
  if (nowMs >= data.exp * 1000) return 'expired'
  return data.iat * 1000 > nowMs + MOST_AHEAD_S * 1000 ? 'future' : data
}

/** Everybody a token is about: by `own` when it could be opened, otherwise who the claims show. Deeply frozen. */
export function identitiesOf(claims: Claims, opened: unknown): readonly Identity[] {
  const { success, data } = own.safeParse(opened)
  const shown = shownIn(claims)
  if (!success) return deepFreeze([shown])
  const session = data.providerSession ?? (data.rest.length === 0 ? shown.providerSession : undefined)
  const { providerSession: _, ...said } = shown
  const first = data.first ?? { ...said, ...(session === undefined ? {} : { providerSession: session }) }
  return deepFreeze([first, ...data.rest])
}

/** The part of a token that takes most room, in words. */
export function largestPart(said: Record<string, unknown>): string {
  const sizes = Object.entries(said).map(([name, value]) => ({
    name,
    size: JSON.stringify(value)?.length ?? 0,
  }))
  const { name } = sizes.reduce((most, one) => (one.size > most.size ? one : most))
  if (name === 'own') return 'the identities linked with it'
  return name === 'roles' ? 'the roles' : `the claim “${name}”`
}

/** As far as the claims tell. A provider's session is only known by its hash there. */
function shownIn(claims: Claims): Identity {
  const { sub, username, userId, roles, psid } = claims
  const end = sub.indexOf(':')
  return {
    provider: sub.slice(0, end),
    subject: sub.slice(end + 1),
    ...{ username, userId, roles },
    claims: freeClaims(claims),
    ...(psid?.length === 1 && claims.idp.length === 1 ? { providerSession: hashedSession(psid[0]!) } : {}),
  }
}

/** Facts under their own names; none takes a name of the protocol, or changes what an object is. */
function freeClaims(all: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => !RESERVED_CLAIMS.has(name) && name !== '__proto__'),
  )
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
