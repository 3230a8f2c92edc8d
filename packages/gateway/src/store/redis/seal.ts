/**
 * Seals what this store writes, so that others who may write to the same Redis can put no words into its mouth.
 *
 * A seal is an HMAC by a key made from the private key, and stands before the text.
 *
 * @module
 */
import { createHmac, createSecretKey, hkdfSync, type KeyObject, timingSafeEqual } from 'node:crypto'

export interface Sealer {
  seal(text: string): string
  /** The text, or undefined when none of our keys sealed it. */
  open(sealed: string): string | undefined
}

/** Length of a seal: 32 bytes in base64url. */
const SEAL = 43

/** Seals with the first private key, and believes all. What is sealed for one purpose is nothing for another. */
export function createSealer(privateKeys: readonly string[], purpose: string): Sealer {
  const keys = privateKeys.map((secret) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', `hydra-gateway ${purpose} v1`, 32))),
  )
  const [first] = keys
  if (!first) throw new Error('Nothing can be sealed without a private key.')
  return {
    seal: (text) => `${sealOf(first, text)}${text}`,
    open(sealed) {
      const text = sealed.slice(SEAL)
      const given = Buffer.from(sealed.slice(0, SEAL))
      // Each is compared whole, whatever the others said.
      let isOurs = false
      for (const key of keys) {
        const wanted = Buffer.from(sealOf(key, text))
        if (wanted.length === given.length && timingSafeEqual(wanted, given)) isOurs = true
      }
      return isOurs ? text : undefined
    },
  }
}

function sealOf(key: KeyObject, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}
