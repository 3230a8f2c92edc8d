/**
 * Proof that a node has a private key, without saying which: nodes that share none can read neither the cookies nor the
 * records of each other.
 *
 * @module
 */
import { createHmac } from 'node:crypto'

const LABEL = 'hydra-gateway: nodes of one cluster share this key'

/** One proof for each valid private key, the newest first, as one text. */
export function keyProofOf(privateKeys: readonly string[]): string {
  return privateKeys
    .map((key) => createHmac('sha256', key).update(LABEL).digest('base64url').slice(0, PROOF_LENGTH))
    .join('.')
}

/** Whether two nodes have a private key in common. */
export function sharesKey(a: string, b: string): boolean {
  const own = new Set(a.split('.'))
  return b.split('.').some((proof) => own.has(proof))
}

/** Characters of a proof: enough to tell keys apart. */
const PROOF_LENGTH = 22
