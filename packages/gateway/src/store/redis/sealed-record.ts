/**
 * Records as they lie in a Redis that others may share: nobody else can read one, change one, add one, or put one in the
 * place of another. To take one away, or to put back what stood in a place before, remains possible to whoever may write
 * there: that is what ACLs of Redis are for.
 *
 * A record is `1.<key>.<base64url of nonce, AES-256-GCM, tag>`; the key is derived from a private key for one purpose,
 * the place of the record is authenticated with it.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  hkdfSync,
  randomFillSync,
} from 'node:crypto'

export interface RecordSealer {
  seal(place: string, text: string): string
  /** What was sealed for this place; undefined when none of our keys sealed it. Never throws. */
  open(place: string, sealed: string): OpenedRecord | undefined
}

export interface OpenedRecord {
  readonly text: string
  /** Sealed by the key that seals now: otherwise it is lost once the old key is. */
  readonly isCurrent: boolean
}

const FORM = /^1\.([\w-]{6})\.([\w-]{38,})$/
const [NONCE, TAG] = [12, 16]

/** Random bytes are asked for by the thousand: one call costs more than to seal a short text. */
const pool = Buffer.alloc(NONCE * 512)
let used = pool.length

/** Of use until the pool is filled again: whoever keeps it copies it in the same tick. */
function makeNonce(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += NONCE
  return pool.subarray(used - NONCE, used)
}

/** Makes a sealer for one purpose. The first key seals, all open, so that keys can be changed while both are valid. */
export function createRecordSealer(privateKeys: readonly string[], purpose: string): RecordSealer {
  const derive = (key: string, what: string, length: number) =>
    Buffer.from(hkdfSync('sha256', key, '', `hydra-gateway ${what} ${purpose}`, length))
  const keys = new Map(
    privateKeys.map((key) => [
      derive(key, 'record name', 8).toString('base64url').slice(0, 6),
      // What is made of bytes each time costs three times as much.
      createSecretKey(derive(key, 'record', 32)),
    ]),
  )
  const [first] = keys
  if (!first) throw new Error('what is sealed needs a private key')
  const [firstName, firstKey] = first
  return {
    seal(place, text) {
      const nonce = makeNonce()
      const cipher = createCipheriv('aes-256-gcm', firstKey, nonce).setAAD(Buffer.from(place))
      const hidden = cipher.update(text, 'utf8')
      cipher.final()
      const record = Buffer.allocUnsafe(NONCE + hidden.length + TAG)
      nonce.copy(record)
      hidden.copy(record, NONCE)
      cipher.getAuthTag().copy(record, NONCE + hidden.length)
      return `1.${firstName}.${record.toString('base64url')}`
    },
    open(place, sealed) {
      const [, name, data] = FORM.exec(sealed) ?? []
      const key = keys.get(name ?? '')
      if (key === undefined) return undefined
      const bytes = Buffer.from(data!, 'base64url')
      try {
        const opening = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE))
          .setAAD(Buffer.from(place))
          .setAuthTag(bytes.subarray(-TAG))
        const text = Buffer.concat([opening.update(bytes.subarray(NONCE, -TAG)), opening.final()])
        return { text: text.toString('utf8'), isCurrent: name === firstName }
      } catch {
        return undefined
      }
    },
  }
}

/** A name of anything in 22 characters: for fields and keys, which may not hold just any text. */
export function nameOf(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22)
}
