/**
 * What can be said of a token before its signature is checked: whether it has the one form ours have.
 *
 * A token is refused for its form before any of it is believed: nothing in it chooses the algorithm, brings a key, or
 * says where to get one. The header has `alg`, `typ` and `kid`, each once, and nothing else.
 *
 * @module
 */
import type { TokenFault } from './port.ts'

const FORM = /^([\w-]+)\.[\w-]+\.([\w-]+)$/
const KID = /^[\w-]{1,64}$/
/** Ours has 64 characters. */
const MOST_HEADER = 256
const MEMBERS = new Set(['alg', 'typ', 'kid'])

/** What every token says of itself. */
export function tokenHeader(kid: string) {
  return { alg: 'RS256', typ: 'JWT', kid } as const
}

/** The key a token names, or what is wrong with its form. */
export function readTokenHeader(token: string): { readonly kid: string } | TokenFault {
  const [, header, signature] = FORM.exec(token) ?? []
  if (header === undefined || header.length > MOST_HEADER) return 'malformed'
  // One signature, one text: otherwise a token could be written in several ways.
  if (Buffer.from(signature!, 'base64url').toString('base64url') !== signature) return 'malformed'
  const said = parse(Buffer.from(header, 'base64url').toString())
  if (!said) return 'malformed'
  if (said.alg !== 'RS256') return 'algorithm'
  if (said.typ !== 'JWT' || Object.keys(said).some((name) => !MEMBERS.has(name))) return 'malformed'
  return typeof said.kid === 'string' && KID.test(said.kid) ? { kid: said.kid } : 'unknown-key'
}

/** An object that is written the way we write: no member twice, no space. */
function parse(text: string): Record<string, unknown> | undefined {
  try {
    const said: unknown = JSON.parse(text)
    if (typeof said !== 'object' || said === null || Array.isArray(said)) return undefined
    return JSON.stringify(said) === text ? (said as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
