/**
 * A gateway's keys and tokens, made by hand for tests.
 *
 * @module
 */
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

export interface Signer {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: object
  /** A token as the gateway makes them, but for what is said here; undefined leaves a claim out. */
  sign(claims?: JWTPayload, header?: Record<string, unknown>): Promise<string>
}

export async function createSigner(kid: string): Promise<Signer> {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' }
  return {
    kid,
    privateKey,
    publicKey,
    jwk,
    sign: (claims = {}, header = {}) => {
      const all = { ...usualClaims(), ...claims }
      const given = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
      return new SignJWT(given)
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid, ...header })
        .sign(privateKey)
    },
  }
}

export function usualClaims() {
  const now = Math.floor(Date.now() / 1000)
  return {
    iss: 'hydra',
    exp: now + 3600,
    iat: now - 5,
    jti: 'j1',
    sid: 'm1abc-0123456789012345678901',
    sub: 'local:mira',
    username: 'mira',
    userId: 7,
    roles: ['admin', 'staff'],
    idp: ['local'],
    session_exp: now + 28_800,
    email: 'mira@example.org',
  }
}

/** Answer of `hydra.keys`. */
export function answerOf(...signers: readonly Signer[]): object {
  return { publicKey: signers[0]?.kid ?? null, keys: signers.map(({ jwk }) => jwk) }
}
