/**
 * What is set for each OpenID Connect provider, checked already (`config/`).
 *
 * @module
 */

export interface OidcProviderSettings {
  /** As the provider writes it in its tokens. http only on loopback, or with `allowInsecure`. */
  readonly issuer: string
  readonly clientId: string
  /** Absent: a public client, which PKCE alone protects. */
  readonly clientSecret?: string | undefined
  /** On the login page. @default the name, its first letter upper case */
  readonly label?: string | undefined
  /** `openid` is always asked for. */
  readonly scopes: readonly string[]
  /** @default preferred_username, or email if it is verified, or sub */
  readonly usernameClaim?: string | undefined
  /** Name of a claim, or a path into one: `realm_access.roles`. */
  readonly rolesClaim?: string | undefined
  /** Value of that claim to role at the gateway. Values that don't stand here give no role. */
  readonly roles?: Readonly<Record<string, string>> | undefined
  /** Roles of everybody who comes from there. */
  readonly defaultRoles?: readonly string[] | undefined
  /** Claims that are copied into the identity, and so into tokens. */
  readonly claims: readonly string[]
  /** Whether signing out here signs out there. */
  readonly logout: boolean
  /** For one call there. @default 5000 */
  readonly timeoutMs?: number | undefined
  /** Takes http that is not on loopback: for networks that are trusted whole. @default false */
  readonly allowInsecure?: boolean | undefined
}

/** By name: lower-case letters, digits, dash; never `local`. */
export type OidcSettings = Readonly<Record<string, OidcProviderSettings>>
