/**
 * Composite metadata: which route a frame is for, and in SETUP which keys the peer has.
 *
 * An entry is a media type (a well-known id, or its name) and bytes. Types we don't know are skipped.
 *
 * @module
 */
import { RSocketError } from './error.ts'
import { AUTHENTICATION_MIME, ERROR_CODES, ROUTING_MIME } from './words.ts'

/** The two shared strings that let a service in. */
export interface Credentials {
  readonly publicKey: string
  readonly privateKey: string
}

export interface Metadata {
  readonly route: string | undefined
  readonly credentials: Credentials | undefined
}

const WELL_KNOWN = 0x80
const ROUTING_ID = 0x7e
const AUTHENTICATION_ID = 0x7c
const SIMPLE_ID = 0x00

function malformed(what: string): RSocketError {
  return new RSocketError(ERROR_CODES.INVALID, `malformed metadata: ${what}`)
}

/** Writes the metadata of a request, or with `credentials` that of SETUP: simple authentication, public key as user. */
export function encodeMetadata(route: string, credentials?: Credentials): Buffer {
  const name = Buffer.from(route)
  if (name.length > 0xff) throw malformed('a route may have 255 bytes')
  const entries = [entry(ROUTING_ID, Buffer.concat([Buffer.from([name.length]), name]))]
  if (credentials) {
    const user = Buffer.from(credentials.publicKey)
    if (user.length > 0xffff) throw malformed('the public key is too long')
    const head = Buffer.from([WELL_KNOWN | SIMPLE_ID, user.length >> 8, user.length & 0xff])
    entries.push(entry(AUTHENTICATION_ID, Buffer.concat([head, user, Buffer.from(credentials.privateKey)])))
  }
  return Buffer.concat(entries)
}

function entry(id: number, content: Buffer): Buffer {
  const head = Buffer.from([
    WELL_KNOWN | id,
    content.length >> 16,
    (content.length >> 8) & 0xff,
    content.length & 0xff,
  ])
  return Buffer.concat([head, content])
}

/**
 * Reads the metadata of a frame; nothing at all is a frame without a route.
 *
 * @throws RSocketError (INVALID) when it breaks the format
 */
export function decodeMetadata(bytes: Buffer | undefined): Metadata {
  let route: string | undefined
  let credentials: Credentials | undefined
  let rest = bytes ?? Buffer.alloc(0)
  const take = (length: number): Buffer => {
    if (length > rest.length) throw malformed('it ends too early')
    const taken = rest.subarray(0, length)
    rest = rest.subarray(length)
    return taken
  }
  while (rest.length > 0) {
    const type = take(1).readUInt8()
    const mime = type & WELL_KNOWN ? type & ~WELL_KNOWN : take(type + 1).toString('latin1')
    const content = take(take(3).readUIntBE(0, 3))
    if (mime === ROUTING_ID || mime === ROUTING_MIME) route ??= decodeRoute(content)
    if (mime === AUTHENTICATION_ID || mime === AUTHENTICATION_MIME) credentials ??= decodeCredentials(content)
  }
  return { route, credentials }
}

/** The first tag; further ones have no meaning here. */
function decodeRoute(content: Buffer): string | undefined {
  if (content.length === 0) return undefined
  const length = content.readUInt8()
  if (content.length < 1 + length) throw malformed('a route ends too early')
  return content.toString('utf8', 1, 1 + length)
}

/** Simple authentication; other kinds count as none. */
function decodeCredentials(content: Buffer): Credentials | undefined {
  let at: number
  if (content.length === 0) throw malformed('empty authentication')
  const type = content.readUInt8()
  if (type & WELL_KNOWN) {
    if ((type & ~WELL_KNOWN) !== SIMPLE_ID) return undefined
    at = 1
  } else {
    at = 2 + type
    if (content.toString('latin1', 1, at) !== 'simple') return undefined
  }
  if (content.length < at + 2) throw malformed('authentication ends too early')
  const end = at + 2 + content.readUInt16BE(at)
  if (content.length < end) throw malformed('authentication ends too early')
  return { publicKey: content.toString('utf8', at + 2, end), privateKey: content.toString('utf8', end) }
}
