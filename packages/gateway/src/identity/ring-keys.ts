/**
 * The keys of a ring, one by one: made, read from PEM, written into the ring and read from it.
 *
 * RSA of 2048 bits or more, named by the first 16 characters of their RFC 7638 thumbprint, so that a key has the same
 * name wherever it is read.
 *
 * @module
 */
import { createPrivateKey, createPublicKey, type KeyObject, webcrypto } from 'node:crypto'
import type { PublicJwk } from '@hydra-gateway/protocol'
import { calculateJwkThumbprint } from 'jose'
import { z } from 'zod'
import type { RingKey } from './port.ts'

/** A key with everything that is asked of it. */
export interface SigningKey {
  readonly kid: string
  readonly createdAt: number
  /** Until when its tokens may be valid; undefined while it signs, and for keys of the configuration. */
  readonly until: number | undefined
  readonly signing: webcrypto.CryptoKey
  readonly verifying: webcrypto.CryptoKey
  /** Base64 SPKI. */
  readonly publicKey: string
  readonly jwk: PublicJwk
  /** As it stands in the ring. */
  readonly stored: StoredKey
}

const privateJwk = z.object({
  ...{ kty: z.literal('RSA'), n: z.string(), e: z.string(), d: z.string() },
  ...{ p: z.string(), q: z.string(), dp: z.string(), dq: z.string(), qi: z.string() },
})

export const storedKey = z.object({
  createdAt: z.number(),
  until: z.number().optional(),
  key: privateJwk,
})
export type StoredKey = z.output<typeof storedKey>

/** A signing key that can't be used; the message says what to do. At start it is told as those of other keys are. */
export class SigningKeyError extends Error {
  readonly code = 'HYDRA_BAD_KEYS'

  constructor(message: string) {
    super(message)
    this.name = 'SigningKeyError'
  }
}

const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
const BITS = 2048
const KID_LENGTH = 16
const PEM = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

/** Makes a key, beside the event loop. */
export async function makeKey(createdAt: number): Promise<SigningKey> {
  const { privateKey } = await webcrypto.subtle.generateKey(
    { ...ALGORITHM, modulusLength: BITS, publicExponent: new Uint8Array([1, 0, 1]) },
    true,
    ['sign', 'verify'],
  )
  const key = privateJwk.parse(await webcrypto.subtle.exportKey('jwk', privateKey))
  return openKey({ createdAt, key })
}

/** Makes a stored key ready for use. */
export async function openKey(stored: StoredKey): Promise<SigningKey> {
  const { key, createdAt, until } = stored
  const { kty, n, e } = key
  const kid = (await calculateJwkThumbprint({ kty, n, e }, 'sha256')).slice(0, KID_LENGTH)
  const { subtle } = webcrypto
  const [signing, verifying] = await Promise.all([
    subtle.importKey('jwk', key, ALGORITHM, false, ['sign']),
    subtle.importKey('jwk', { kty, n, e }, ALGORITHM, true, ['verify']),
  ])
  const spki = createPublicKey({ key: { kty, n, e }, format: 'jwk' }).export({ type: 'spki', format: 'der' })
  return {
    ...{ kid, createdAt, until, signing, verifying, stored },
    publicKey: spki.toString('base64'),
    jwk: Object.freeze({ kty, kid, alg: 'RS256', use: 'sig', n, e } as const),
  }
}

/** The same key, that only verifies from now on. */
export function retireKey(key: SigningKey, until: number): SigningKey {
  return { ...key, until, stored: { ...key.stored, until } }
}

/** Whether tokens of a key may be valid. */
export function isValidAt({ until }: Pick<SigningKey, 'until'>, now: number): boolean {
  return until === undefined || now < until
}

/** A key for operators, by its place in the ring. */
export function describeKey({ kid, createdAt, until }: SigningKey, place: number): RingKey {
  const state = place === 0 ? 'active' : 'retired'
  return { kid, state, createdAt, ...(until === undefined ? {} : { until }) }
}

/**
 * Reads the keys of PEM texts (PKCS#8), several of which may stand in one.
 *
 * @throws SigningKeyError that says which one can't be used; it never repeats the text
 */
export async function readPems(texts: readonly string[], createdAt: number): Promise<readonly SigningKey[]> {
  const blocks = texts.flatMap((text) => {
    const found = text.match(PEM)
    if (!found)
      throw new SigningKeyError(
        'a signing key is not in PEM form: it begins with “-----BEGIN PRIVATE KEY-----”',
      )
    return found
  })
  const keys = await Promise.all(
    blocks.map((pem, i) =>
      openKey({ createdAt, key: privateJwk.parse(rsaOf(pem, i + 1).export({ format: 'jwk' })) }),
    ),
  )
  return [...new Map(keys.map((key) => [key.kid, key])).values()]
}

function rsaOf(pem: string, place: number): KeyObject {
  const key = readPrivateKey(pem)
  if (!key)
    throw new SigningKeyError(
      `signing key ${place} can't be read: it must be a private key in PKCS#8, without a password`,
    )
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
  if (key.asymmetricKeyType !== 'rsa' || bits < BITS)
    throw new SigningKeyError(`signing key ${place} must be RSA with ${BITS} bits or more`)
  return key
}

/** The cause is left out: it may hold pieces of the key. */
function readPrivateKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem)
  } catch {
    return undefined
  }
}
