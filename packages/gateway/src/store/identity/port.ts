/**
 * Identity store: what must be known of people beside the configuration, on every node and after a restart: local
 * users, linked identities, revocations, the sealed key ring.
 *
 * It is asked when somebody signs in or is signed out, and by a look at its revision twice a second; never for a request.
 *
 * @module
 */

/** A local user. The flags are those of Spring's user record, which Medusa's has. */
export interface UserRecord {
  readonly username: string
  readonly id: number | null
  /** PHC string: argon2id or scrypt. */
  readonly passwordHash: string
  readonly roles: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  readonly enabled: boolean
  readonly accountNonExpired: boolean
  readonly accountNonLocked: boolean
  readonly credentialsNonExpired: boolean
}

export interface UserStore {
  /** User names are compared by case, as they are written (NFC). */
  find(username: string): Promise<UserRecord | undefined>
  /** By name. */
  list(): Promise<readonly UserRecord[]>
  /** `false`: `new` was asked for and there is one, or `known` was and there is none. */
  put(user: UserRecord, mustBe?: 'new' | 'known'): Promise<boolean>
  /** Whether there was one. */
  remove(username: string): Promise<boolean>
}

/** An identity as it is kept in a link: JSON, never looked into. */
export interface LinkedIdentity {
  /** `provider:subject`. */
  readonly key: string
  readonly data: unknown
}

/** Which identities are one person. */
export interface LinkStore {
  /** All of the person with this identity, itself included; empty when it is linked with none. */
  linked(key: string): Promise<readonly LinkedIdentity[]>
  /** Makes one person of all the persons these belong to. What is kept of an identity is replaced. */
  link(identities: readonly LinkedIdentity[]): Promise<void>
  /** Takes one identity out of its person. */
  unlink(key: string): Promise<boolean>
}

/** Ends what began at or before `at`. */
export interface Revocation {
  /** `user`: by `provider:subject`, or by user name. */
  readonly kind: 'session' | 'user' | 'provider-session'
  readonly key: string
  /** Epoch ms. */
  readonly at: number
  /** Nothing it could end lasts longer: it is forgotten then. */
  readonly until: number
  readonly reason: string
}

export interface RevocationsSince {
  readonly cursor: string
  readonly fresh: readonly Revocation[]
  /** These are all there are: what else somebody knows of was lost here. */
  readonly isWhole: boolean
}

export interface RevocationStore {
  /** A later one of the same kind and key replaces the earlier. */
  add(revocation: Revocation): Promise<void>
  /**
   * Those whose `until` is after `now` and that were added after `cursor`: one that an earlier answer gave. All of them
   * without one, and when it is none of this store's, because the store was emptied or fell back to an older copy.
   */
  since(cursor: string | undefined, now: number): Promise<RevocationsSince>
}

/** The keys that sign tokens, sealed: the store can't read them. */
export interface KeyRingStore {
  load(): Promise<{ readonly version: string; readonly sealed: string } | undefined>
  /** Writes when the stored version is still `expected` (undefined: none); otherwise says false and changes nothing. */
  save(sealed: string, expected: string | undefined): Promise<boolean>
}

export interface IdentityStore {
  /** Where it is, for people: a file, or `memory`. */
  readonly place: string
  /** Whether a restart loses nothing. */
  readonly isLasting: boolean
  readonly users: UserStore
  readonly links: LinkStore
  readonly revocations: RevocationStore
  readonly keyRing: KeyRingStore
  /**
   * Another one after every change of any of them, by whoever shares the store, and after the store lost some. Opaque
   * beside equality.
   */
  revision(): Promise<string>
  /** A hint to compare revisions: it may repeat or be lost. Returns the function that ends it. */
  watch(onHint: () => void): () => void
  close(): Promise<void>
}
