/**
 * The seams of identity: who somebody is, how the data plane finds out, how sessions begin, go on and end. Types only.
 *
 * ```
 * identity     somebody as one provider knows them              made by a provider (`local-users`, `oidc/`)
 * session      a sign-in, sealed in a cookie only we can read   `sessions`
 * token        a JWT made of the session, an hour long          `tokens`; the shared one, or one for one service
 * caller       what a token that holds says                     read by the guard, for each request
 * ```
 *
 * Nothing of a session is kept here: any node can renew it, and a restart loses none. What ends one before its time is
 * a revocation, of which every node holds the short list.
 *
 * @module
 */
import type { webcrypto } from 'node:crypto'
import type { KeysAnswer } from '@hydra-gateway/protocol'
import type { Exchange } from '../proxy/exchange.ts'
import type { Access, Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Revocation } from '../store/identity/port.ts'

// ---- who somebody is --------------------------------------------------------------------------------------

/** Somebody as one provider knows them. JSON-safe: it is sealed into cookies and written into links. */
export interface Identity {
  /** `local`, or the name of a provider of the configuration. */
  readonly provider: string
  /** What the provider calls them for ever; of local users their name. */
  readonly subject: string
  readonly username: string
  readonly userId: number | null
  /** At the gateway, after the provider's claims were mapped to roles; before they are mapped for a service. */
  readonly roles: readonly string[]
  /** Further facts, by names of claims; none of the protocol's own. */
  readonly claims: Readonly<Record<string, unknown>>
  /**
   * The provider's own session (`sid` of its ID token), for its back-channel logout. In a session that was read from a
   * token it may be `psid:` and what `providerSessionHash` made of it.
   */
  readonly providerSession?: string
}

/** `provider:subject`: who an identity is, in tokens (`sub`), links and revocations. */
export type IdentityKey = string

/** Who a request comes from: what its token says. One frozen object per token. */
export interface Caller {
  /** As it came. */
  readonly token: string
  /** Key that signed it. */
  readonly kid: string
  readonly jti: string
  readonly sid: string
  /** Epoch ms, as all times here. The session began then; part of `sid`. */
  readonly startedAt: number
  readonly expiresAt: number
  /** The session ends then if it is not renewed. */
  readonly sessionEndsAt: number
  /** From then on the browser should renew. */
  readonly renewAt: number
  /** The only service that may take the token; absent in the shared one. */
  readonly audience?: string | undefined
  /** Who they signed in as, first, and those linked with it. Never empty. */
  readonly identities: readonly Identity[]
  /** Providers of `identities`. */
  readonly providers: readonly string[]
  /** Under these keys a revocation ends it: `session:…`, `user:…`, `provider-session:…`. */
  readonly revocableAs: readonly string[]
}

// ---- what the data plane asks -----------------------------------------------------------------------------

/**
 * Why a request may not go on. `login`: somebody has to sign in. `provider`: somebody has, but none of the providers
 * asked for knows them yet. `forbidden`: they may not. `renew`: the token is old and the session may be renewed on the
 * way (navigations only).
 */
export type Refusal = 'login' | 'provider' | 'forbidden' | 'renew'

/** Decides whether a request may go to a route. */
export interface RouteGuard {
  /**
   * Finds out who calls (`exchange.caller`, `exchange.isLoginFaulty`) and whether they may. `undefined`: go on. A
   * promise only for a token that was not seen lately.
   */
  check(exchange: Exchange, route: Route): Refusal | undefined | Promise<Refusal | undefined>
  /**
   * Finds out who calls (`exchange.caller`) for what the gateway serves itself: no route is judged and no session renewed;
   * whose session was revoked is nobody. A promise only for a token that was not seen lately.
   */
  identify(exchange: Exchange): void | Promise<void>
  /**
   * After `identify`: whether the browser has a session that can be renewed, though nobody was found. Gives the
   * `Set-Cookie` value that counts how often it was told so; nobody is told for ever.
   */
  renewal(exchange: Exchange): string | undefined
  /** Whether a caller may have something of a service that is not asked for by a path: a fragment, a message. */
  admits(caller: Caller | undefined, service: string, access: Access): Refusal | undefined
}

/** Whom a route is for in the end, for people who look at the list of routes. */
export interface RouteDemand {
  readonly access: Access
  /** An operator's rule says so, whatever the service does. */
  readonly isByRule: boolean
  /** Paths among those of the route for which other rules count; the first that fits does. */
  readonly exceptions: readonly (Access & { readonly path: string })[]
}

export type RouteDemands = (route: Pick<Route, 'service' | 'pattern' | keyof Access>) => RouteDemand

/** What services are told of a caller. */
export interface ServiceTokens {
  /**
   * Decides what an instance is told (`exchange.loginCookie`, `exchange.loginHeader`): called for every request that has
   * a caller, and for every instance it is tried at. A promise only when a token has to be signed, or the instance is just
   * taking another key.
   */
  prepare(exchange: Exchange, instance: Instance): void | Promise<void>
  /**
   * The token for an instance, or for a service (its fragments, its messages); undefined when it is told nothing.
   * `accepted`: providers one of which must know the person, when what is asked for names some. A caller whose token has
   * expired (an open socket) is told of with a new one, for as long as the session lasts.
   */
  tokenFor(
    caller: Caller,
    instance: Pick<Instance, 'service' | 'channel' | 'login' | 'keyId'>,
    accepted?: readonly string[],
  ): string | undefined | Promise<string | undefined>
}

/** Answers in place of a service when somebody may not go on, and when a service itself asks for a sign-in. */
export interface SignInAnswers {
  refuse(exchange: Exchange, route: Route, refusal: Refusal): void
}

// ---- tokens and keys --------------------------------------------------------------------------------------

/** Why a token does not hold: a constant word for logs and metrics. */
export type TokenFault =
  | 'oversize'
  | 'malformed'
  | 'algorithm'
  | 'unknown-key'
  | 'forged'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'future'
  | 'claims'

export interface Tokens {
  /**
   * Signs a token of a session. `audience`: for this service only. `kid`: with this key instead of the active one.
   * `as`: who the person is in it, and first among the identities. `until`: it ends then at the latest. It never outlives
   * the session, nor the key.
   *
   * @throws HydraError HYDRA_LOGIN_FAILED when it gets too large for a cookie; the detail says what is large
   */
  sign(session: Session, options?: SignOptions): Promise<SignedToken>
  /**
   * Who a token belongs to, or why it is none. At once when it was verified lately. `audience`: the service it must be
   * for; absent: it must be the shared one.
   */
  verify(token: string, audience?: string): Caller | TokenFault | Promise<Caller | TokenFault>
  /** The session a caller's token was made of, as far as the token tells. */
  sessionOf(caller: Caller): Session
}

export interface SignOptions {
  readonly audience?: string
  readonly kid?: string
  readonly as?: Identity
  readonly until?: number
}

export interface SignedToken {
  readonly token: string
  readonly jti: string
  readonly expiresAt: number
  readonly renewAt: number
}

/** The keys that sign tokens: one signs, all verify. */
export interface KeyRing {
  /** Id of the key that signs. */
  readonly activeKid: string
  /** Base64 SPKI of the active one, as Medusa's applications take it. */
  readonly publicKey: string
  has(kid: string): boolean
  /** A `CryptoKey` to sign with. */
  signingKey(kid?: string): { readonly kid: string; readonly key: webcrypto.CryptoKey }
  verifyingKey(kid: string): webcrypto.CryptoKey | undefined
  /** Public keys whose tokens may still be valid, the active one first. */
  answer(): KeysAnswer
  /** Every key, for operators. */
  list(): readonly RingKey[]
  /**
   * Makes a new key and signs with it from now on; the others verify until their last token has expired.
   *
   * @throws HydraError HYDRA_CONFLICT when the keys stand in the configuration, or too many of them verify still
   */
  rotate(): Promise<RingKey>
  /** Reads what other nodes or processes wrote. */
  look(): Promise<void>
  /** All keys of this node, as a ring is stored, for other processes of it; undefined where the configuration says them. */
  sealed(): Promise<string | undefined>
  onChange(listener: () => void): () => void
  /** What an operator should know about them. */
  readonly warnings: readonly string[]
}

export interface RingKey {
  readonly kid: string
  readonly state: 'active' | 'retired'
  readonly createdAt: number
  /** Until when its tokens may be valid; of retired ones. */
  readonly until?: number
}

// ---- sessions ---------------------------------------------------------------------------------------------

/** A sign-in. Sealed into the cookie of `/_hydra/session`, and kept nowhere else. */
export interface Session {
  /** `<startedAt, base 36>-<22 characters, random>`: a new one at each sign-in. */
  readonly sid: string
  readonly startedAt: number
  /** When it was renewed last. */
  readonly seenAt: number
  /** It ends then, however often it is renewed. */
  readonly endsAt: number
  readonly identities: readonly Identity[]
}

/** A session with everything a browser has to be given for it. */
export interface OpenedSession {
  readonly session: Session
  readonly token: SignedToken
  /** `Set-Cookie` values. */
  readonly cookies: readonly string[]
}

export interface Sessions {
  /**
   * Begins a session for somebody who has just proved who they are. One that the browser had before is ended. Identities
   * linked with theirs come with it.
   *
   * @throws HydraError HYDRA_FORBIDDEN when somebody is disabled, HYDRA_LOGIN_FAILED when the cookies get too large
   */
  begin(exchange: Exchange, identity: Identity): Promise<OpenedSession>
  /** Adds an identity that was proved just now to the session of the browser, links both for ever, and renews. */
  link(exchange: Exchange, session: Session, identity: Identity): Promise<OpenedSession>
  /** The session of the browser, when it still lasts: by its refresh cookie, so only below `/_hydra/session`, or by its token. */
  current(exchange: Exchange): Promise<Session | undefined>
  /** A new token for the session in the refresh cookie; several requests at once get the same. */
  renew(exchange: Exchange): Promise<OpenedSession | undefined>
  /** Ends the session of the browser. The cookies take everything of it away, whether there was one or not. */
  end(
    exchange: Exchange,
  ): Promise<{ readonly session: Session | undefined; readonly cookies: readonly string[] }>
}

// ---- providers --------------------------------------------------------------------------------------------

/** Why a user name and a password don't open. Visitors are told the same for all but `throttled`. */
export type LocalFault = 'wrong' | 'disabled' | 'expired' | 'locked' | 'credentials-expired'

/** User names and passwords. */
export interface LocalUsers {
  /** Takes the same time whoever it is. `isFirst`: its turn comes before those of all others. */
  authenticate(
    username: string,
    password: string,
    options?: { readonly isFirst?: boolean },
  ): Promise<Identity | LocalFault>
  /** The person as they are now, for a renewal; undefined when they may not go on. */
  current(subject: string): Promise<Identity | undefined>
  /** Whether a name is somebody's here, or would be taken for theirs: case counts for nothing. */
  has(username: string): boolean
  readonly isEmpty: boolean
}

/** A provider as the login page shows it. */
export interface ProviderInfo {
  readonly name: string
  readonly label: string
  /** `/_hydra/login/<name>`; `?ref=` and `?link=1` are added by whoever links to it. */
  readonly path: string
  readonly state: 'available' | 'down'
}

/** Other systems that know people: OpenID Connect. */
export interface Providers {
  /** In the order of the configuration. */
  list(): readonly ProviderInfo[]
  /**
   * Answers `/_hydra/login/<name>`, its `/callback`, and `POST /_hydra/logout/<name>` (back-channel); undefined for any
   * other path.
   */
  handle(request: Request, exchange: Exchange): Promise<Response | undefined>
  /** Where the browser goes to be signed out there too (RP-initiated logout), and then comes back to us. */
  logoutUrl(session: Session): string | undefined
  /** Who they are now, for a renewal: as they came, unless the provider is gone from the configuration. */
  current(identity: Identity): Identity | undefined
}

// ---- ends -------------------------------------------------------------------------------------------------

export interface Revocations {
  /** Asked for each request with a caller: reads memory. */
  isRevoked(who: Pick<Caller, 'revocableAs' | 'startedAt'>): boolean
  /**
   * Ends sessions, here at once; resolves when it is written for other nodes. When it can't be, it resolves as well, and is
   * written as soon as the store answers again.
   */
  revoke(kind: Revocation['kind'], key: string, reason: string): Promise<Revocation>
  /** Those that still matter. */
  list(): readonly Revocation[]
  /** Called with everything new, also from other nodes. */
  onRevoked(listener: (fresh: readonly Revocation[]) => void): () => void
  /** Reads what other nodes or processes wrote. */
  look(): Promise<void>
}

// ---- what services are told -------------------------------------------------------------------------------

/** What channels tell services about identity. */
export interface IdentityFacts {
  readonly isOn: boolean
  /** Names of who may know people, `local` among them; absent where nobody can sign in. */
  readonly providers?: readonly string[]
  /** Base64 SPKI of the key that signs; null while nobody can sign in. */
  publicKey(): string | null
  /** Its id, for instances that can hold only one. */
  keyId(): string | undefined
  keysAnswer(): KeysAnswer
  /** Role at the gateway to role in this service. The same object each time, for as long as the configuration is. */
  roleMappings(service: string): Readonly<Record<string, string>>
  /**
   * For registrations of instances that hold an older key: callers of theirs are held back while they take the new one.
   * Resolves when it may be answered; what it resolves to is called with the answer on its way, and the key's id, or
   * without one when nothing came of it.
   */
  turnKey?(instanceIds: readonly string[]): Promise<(keyId?: string) => void>
  /** The keys changed: services have to be told. */
  onKeys(listener: () => void): () => void
}
