/**
 * Signed texts: what leaves the gateway and comes back, and must be what it was.
 *
 * @module
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'

/** Characters of a signature: 128 bits in base64url. */
export const MAC_LENGTH = 22

export interface Signer {
  /** HMAC-SHA-256 by the first key, 128 bits. */
  sign(text: string): string
  /** Index of the key that signed it, -1 when none of ours did. */
  signedBy(text: string, mac: string): number
}

/**
 * Makes a signer for one purpose: `label` makes its keys others than those of any other purpose. The first key signs,
 * all verify, so that keys can be changed while both are valid.
 */
export function createSigner(privateKeys: readonly string[], label: string): Signer {
  // What is made of bytes each time costs six times as much.
  const keys = privateKeys.map((key) => createSecretKey(Buffer.from(hkdfSync('sha256', key, '', label, 32))))
  const [first] = keys
  if (!first) throw new Error('what is signed needs a private key')
  return {
    sign: (text) => macOf(first, text),
    signedBy(text, mac) {
      const given = Buffer.from(mac, 'latin1')
      let by = -1
      if (given.length !== MAC_LENGTH) return by
      for (const [i, key] of keys.entries())
        if (timingSafeEqual(given, Buffer.from(macOf(key, text), 'latin1'))) by = i
      return by
    },
  }
}

function macOf(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest().subarray(0, 16).toString('base64url')
}
