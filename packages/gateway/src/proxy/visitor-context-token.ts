/**
 * The header `hydra-context`: what a service is told of a visitor, and sends back when its page asks for fragments.
 *
 * ```
 * v1.<pseudonym>.<payload>.<mac>     opaque to services, but for the pseudonym and x
 * pseudonym   22 characters, the same for one visitor at one service: a key for what the service keeps of them
 * payload     JSON in base64url: { v: visitor, as in the cookie; p: pins, as there; x: 1 with X-ray, else absent }
 * mac         HMAC-SHA-256 of all before its dot, 128 bits, base64url
 * ```
 *
 * Its keys are for this purpose alone: nobody makes a cookie of it. A service that sends one again later sees what it
 * could see anyway, the fragments of that visitor's version. It says nothing about who is logged in.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { createRecent } from './recent.ts'
import { createSigner } from './signing.ts'
import { formatPins, type Pin, parsePins } from './visitor-pins.ts'

/** What a context says of a visitor. */
export interface VisitorToken {
  readonly visitor: string
  readonly pins: readonly Pin[]
  readonly isXray: boolean
}

export type ContextFault = 'oversize' | 'malformed' | 'forged'

export interface VisitorTokens {
  /** The text for one service. */
  write(service: string, token: VisitorToken): string
  /** What a text says, or none; a faulty one is as none, and `onFault` hears why. */
  read(text: string): VisitorToken | undefined
}

/** A cookie has 1 KB, a third more in base64url; what is beside its pins here has a hundred. */
const MOST_LENGTH = 2048
const FORM = /^(v1\.[\w-]{22}\.([\w-]+))\.([\w-]{22})$/
const VISITOR = /^[\w-]{16}$/
/** Verified texts kept; two generations of it are the most. */
const KEPT = 2048

/** Makes the codec. The first key signs, all verify, so that keys can be changed while both are valid. */
export function createVisitorTokens({
  privateKeys,
  onFault,
}: {
  readonly privateKeys: readonly string[]
  readonly onFault: (fault: ContextFault) => void
}): VisitorTokens {
  const signer = createSigner(privateKeys, 'hydra-gateway visitor context 1')
  const verified = createRecent<VisitorToken>(KEPT)

  const verify = (text: string): VisitorToken | ContextFault => {
    if (text.length > MOST_LENGTH) return 'oversize'
    const [, signed, payload, mac] = FORM.exec(text) ?? []
    if (signed === undefined) return 'malformed'
    if (signer.signedBy(signed, mac!) < 0) return 'forged'
    return readPayload(payload!) ?? 'malformed'
  }

  return {
    write(service, { visitor, pins, isXray }) {
      const said = { v: visitor, p: formatPins(pins), ...(isXray ? { x: 1 } : {}) }
      const payload = Buffer.from(JSON.stringify(said)).toString('base64url')
      const signed = `v1.${pseudonym(visitor, service)}.${payload}`
      return `${signed}.${signer.sign(signed)}`
    },
    read(text) {
      const known = verified.get(text)
      if (known) return known
      const result = verify(text)
      if (typeof result === 'string') {
        onFault(result)
        return undefined
      }
      verified.add(text, result)
      return result
    },
  }
}

/** Only what was signed is read: what it says was written here, by this version or another. */
function readPayload(payload: string): VisitorToken | undefined {
  try {
    const {
      v: visitor,
      p,
      x,
    } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const pins = typeof p === 'string' ? parsePins(p) : undefined
    if (!pins || typeof visitor !== 'string' || !VISITOR.test(visitor)) return undefined
    return Object.freeze({ visitor, pins, isXray: x === 1 })
  } catch {
    return undefined
  }
}

/** No key in it: sessions outlive a change of keys. Visitors' ids are random enough to be found by nobody. */
function pseudonym(visitor: string, service: string): string {
  return createHash('sha256')
    .update(`hydra-gateway visitor\0${service}\0${visitor}`)
    .digest('base64url')
    .slice(0, 22)
}
