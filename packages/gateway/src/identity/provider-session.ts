/**
 * The session somebody has at a provider, as it stands in tokens (`psid`) and revocations: a hash, so that nobody reads
 * the provider's own name of it there.
 *
 * @module
 */
import { createHash } from 'node:crypto'

/** Enough that two sessions of a site never meet, and little in a token. */
const LENGTH = 16

/** SHA-256 of `provider:sid`, base64url, its first 16 characters. */
export function providerSessionHash(provider: string, sid: string): string {
  return createHash('sha256').update(`${provider}:${sid}`).digest('base64url').slice(0, LENGTH)
}
