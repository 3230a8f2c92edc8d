/**
 * Sealed data: what the gateway gives away or keeps elsewhere, and only a gateway with the same private key can read.
 *
 * A seal is a compact JWE (RFC 7516): `dir`, A256GCM, the key derived from a private key for one purpose, so that what
 * was sealed for one never opens for another. `kid` says which of the private keys it was, and nothing about it.
 *
 * @module
 */
import { createHash, hkdfSync, webcrypto } from 'node:crypto'
// By their own names: where nobody signs in, the rest of it is not needed.
import { decodeProtectedHeader } from 'jose/decode/protected_header'
import { compactDecrypt } from 'jose/jwe/compact/decrypt'
import { CompactEncrypt } from 'jose/jwe/compact/encrypt'

export interface Sealer {
  /** `data` is JSON. */
  seal(data: unknown): Promise<string>
  /** What was sealed; undefined for anything that none of our keys sealed for this purpose. Never throws. */
  open(text: string): Promise<unknown>
  /** Whether the key that seals now sealed it: otherwise it is lost once the old key is. Looks at the text only. */
  isCurrent(text: string): boolean
}

/** The longest thing that is sealed is a key ring. */
const MOST_LENGTH = 131_072
const FORM = /^[\w-]+\.\.[\w-]+\.[\w-]+\.[\w-]+$/

/** Makes a sealer for one purpose. The first key seals, all open, so that keys can be changed while both are valid. */
export function createSealer(privateKeys: readonly string[], purpose: string): Sealer {
  const keys = new Map(privateKeys.map((key) => keyOf(key, purpose)))
  const [first] = keys
  if (!first) throw new Error('what is sealed needs a private key')
  const [firstKid, firstKey] = first
  const header = { alg: 'dir', enc: 'A256GCM', kid: firstKid }

  return {
    async seal(data) {
      const text = new TextEncoder().encode(JSON.stringify(data))
      return new CompactEncrypt(text).setProtectedHeader(header).encrypt(await firstKey())
    },
    async open(text) {
      const key = keys.get(kidOf(text) ?? '')
      if (!key) return undefined
      try {
        const { plaintext } = await compactDecrypt(text, await key(), {
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
        })
        return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext))
      } catch {
        return undefined
      }
    },
    isCurrent: (text) => kidOf(text) === firstKid,
  }
}

/** A key for one purpose, imported when it is needed first, and a name for it that tells nothing of it. */
function keyOf(privateKey: string, purpose: string): [kid: string, () => Promise<webcrypto.CryptoKey>] {
  const bytes = Buffer.from(hkdfSync('sha256', privateKey, '', `hydra-gateway seal ${purpose}`, 32))
  const name = Buffer.from(hkdfSync('sha256', privateKey, '', `hydra-gateway seal name ${purpose}`, 32))
  let key: Promise<webcrypto.CryptoKey> | undefined
  return [
    createHash('sha256').update(name).digest('base64url').slice(0, 8),
    () => {
      key ??= webcrypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt'])
      return key
    },
  ]
}

function kidOf(text: string): string | undefined {
  if (text.length > MOST_LENGTH || !FORM.test(text)) return undefined
  try {
    const { kid } = decodeProtectedHeader(text)
    return typeof kid === 'string' ? kid : undefined
  } catch {
    return undefined
  }
}
