/**
 * JSON with a route, as payloads of frames, and back.
 *
 * @module
 */
import { isJsonTooDeep } from '../json-depth.ts'
import { RSocketError } from './error.ts'
import type { Payload } from './frame.ts'
import { encodeMetadata } from './metadata.ts'
import { ERROR_CODES } from './words.ts'

const { INVALID } = ERROR_CODES

/** Metadata by route: there are few, and each stands in many frames. */
const metadataOf = new Map<string, Buffer>()
const MOST_ROUTES = 100

export function payloadOf(route: string, data: unknown): Payload {
  let metadata = metadataOf.get(route)
  if (metadata === undefined) {
    metadata = encodeMetadata(route)
    if (metadataOf.size < MOST_ROUTES) metadataOf.set(route, metadata)
  }
  return { metadata, data: encode(data) }
}

/** A Uint8Array is JSON already. */
export function encode(data: unknown): Buffer {
  if (data instanceof Uint8Array) return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  return Buffer.from(JSON.stringify(data) ?? 'null')
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** What is smaller has room for few brackets. */
const DEEP_BYTES = 16 * 1024

/** Reads data; nothing at all is no data. @throws RSocketError (INVALID) */
export function parse(data: Buffer): unknown {
  if (data.length === 0) return undefined
  let text: string
  try {
    text = utf8.decode(data)
  } catch {
    throw new RSocketError(INVALID, 'the data is not UTF-8')
  }
  if (data.length > DEEP_BYTES && isJsonTooDeep(text)) {
    throw new RSocketError(INVALID, 'the data is nested too deep')
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new RSocketError(INVALID, 'the data is not JSON')
  }
}
