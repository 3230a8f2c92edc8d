/**
 * Identity: the words gateway and services share about who is signed in.
 *
 * A token is a JWT, RS256 with `kid`, made by the gateway (`docs/reference/protocols/identity.md`). The claims of
 * Medusa's gateway keep their names; what is ours stands beside them.
 *
 * @module
 */
import { z } from 'zod'

/** Cookie with the token; registered services get it unless they ask for something else. */
export const LOGIN_COOKIE = 'HYDRA-SSO'
/** Header with a token for one service alone, for those that ask for it. Never accepted from outside. */
export const TOKEN_HEADER = 'hydra-token'
/** `iss` of every token. */
export const TOKEN_ISSUER = 'hydra'
/** Name of the provider that stands for user name and password at the gateway itself. */
export const LOCAL_PROVIDER = 'local'

/** How a service is told who calls: the shared token in its cookie, one of its own in a header, or not at all. */
export const LOGINS = ['cookie', 'header', 'none'] as const
export type Login = (typeof LOGINS)[number]

/** Whether a route is for everybody. `roles` and `providers` imply `required`. */
export const AUTHS = ['optional', 'required'] as const
export type Auth = (typeof AUTHS)[number]

/** What a token says. Further claims are facts about the person, under their own names. */
export const tokenClaims = z.looseObject({
  iss: z.literal(TOKEN_ISSUER),
  exp: z.number(),
  iat: z.number().optional(),
  aud: z.string().optional().describe('The only service that may take it; absent in the shared one.'),
  jti: z.string(),
  sid: z.string().describe('Session: the same through all renewals.'),
  sub: z.string().describe('`provider:subject`, the same for ever.'),
  username: z.string(),
  userId: z.number().nullable(),
  roles: z.array(z.string()).describe('At the gateway, before they are mapped for a service.'),
  idp: z.array(z.string()).describe('Providers the person proved to be known by.'),
})
export type TokenClaims = z.output<typeof tokenClaims>

/** Claims that mean something to the protocol: facts about a person can't take their names. */
export const RESERVED_CLAIMS: ReadonlySet<string> = new Set([
  ...['iss', 'exp', 'nbf', 'iat', 'aud', 'jti', 'sid', 'sub', 'username', 'userId', 'roles', 'idp'],
  ...['psid', 'own', 'auth_time', 'session_exp'],
])

/** A public key as in a JWKS (RFC 7517). */
export const publicJwk = z.looseObject({
  kty: z.literal('RSA'),
  kid: z.string(),
  alg: z.literal('RS256'),
  use: z.literal('sig'),
  n: z.string(),
  e: z.string(),
})
export type PublicJwk = z.output<typeof publicJwk>

/** Answer of `hydra.keys` and `GET /h/discovery/{publicKey}/keys`. */
export const keysAnswer = z.object({
  publicKey: z
    .string()
    .nullable()
    .describe('Base64 SPKI of the key that signs now; null while nobody can sign in.'),
  keys: z.array(publicJwk).describe('Every key whose tokens may still be valid (RFC 7517).'),
})
export type KeysAnswer = z.output<typeof keysAnswer>

/**
 * Roles of a person in one service: each by its mapping where there is one, upper case, none twice (`medusa.md` 4.1,
 * 4.2; Medusa's clients do the same).
 */
export function mapRoles(
  roles: readonly string[],
  mappings: Readonly<Record<string, string>>,
): readonly string[] {
  const mapped = new Set<string>()
  for (const role of roles) mapped.add((Object.hasOwn(mappings, role) ? mappings[role]! : role).toUpperCase())
  return [...mapped]
}

/** Whether one of the roles asked for is among those of a person. Case does not matter. */
export function hasRole(mapped: readonly string[], wanted: readonly string[]): boolean {
  return wanted.some((role) => mapped.includes(role.toUpperCase()))
}
