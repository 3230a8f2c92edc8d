/**
 * Marks of live fragments in pages of a service, the same the gateway makes: their key is derived from the private key
 * both have, for this alone (`protocol/live.ts`).
 *
 * @module
 */
import { createHmac, hkdfSync } from 'node:crypto'
import { FRAGMENT_MARK_LABEL, formatFragmentMark } from '@hydra-gateway/protocol'

/** Bytes of the proof that are written. */
const PROOF_BYTES = 16

/** Makes marks with a private key of the gateway. */
export function createMarks(
  privateKey: string,
): (service: string, ref: string, occurrence: number) => string {
  const key = Buffer.from(hkdfSync('sha256', privateKey, '', FRAGMENT_MARK_LABEL, 32))
  const prove = (text: string): string =>
    createHmac('sha256', key).update(text).digest().subarray(0, PROOF_BYTES).toString('base64url')
  return (service, ref, occurrence) => formatFragmentMark({ service, ref, occurrence }, prove)
}
