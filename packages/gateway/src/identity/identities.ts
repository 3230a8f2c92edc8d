/**
 * What is the same of an identity wherever it stands, in tokens, sealed sessions and links: its form, its key, and under
 * which keys a revocation ends what belongs to it.
 *
 * @module
 */
import { z } from 'zod'
import type { Identity, IdentityKey } from './port.ts'

/** Of another form are those an older or newer gateway wrote. */
export const identitySchema: z.ZodType<Identity> = z.object({
  provider: z.string().min(1),
  subject: z.string().min(1),
  username: z.string(),
  userId: z.number().nullable(),
  roles: z.array(z.string()),
  claims: z.record(z.string(), z.unknown()),
  providerSession: z.string().exactOptional(),
})

/** `provider:subject`. */
export function identityKey({ provider, subject }: Pick<Identity, 'provider' | 'subject'>): IdentityKey {
  return `${provider}:${subject}`
}

/**
 * The keys under which a revocation ends a session: its own, those of everybody it is about, and those of their sessions
 * at providers, given as hashes.
 */
export function revocableKeys(
  sid: string,
  identities: readonly Pick<Identity, 'provider' | 'subject' | 'username'>[],
  providerSessions: readonly string[],
): readonly string[] {
  return [
    ...new Set([
      `session:${sid}`,
      ...identities.flatMap((one) => [`user:${identityKey(one)}`, `user:${one.username}`]),
      ...providerSessions.map((hash) => `provider-session:${hash}`),
    ]),
  ]
}
