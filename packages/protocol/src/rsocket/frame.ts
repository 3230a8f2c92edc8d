/**
 * Frames of RSocket 1.0, between bytes and plain objects. A frame here has no length prefix: a WebSocket message
 * is one frame, and `frame-reader.ts` cuts a TCP stream into them.
 *
 * Left out because neither end of a channel uses them: resumption positions, leases, extensions, and joining
 * fragmented payloads (a frame may have 16 MiB, more than any registration).
 *
 * @module
 */
import { RSocketError } from './error.ts'
import { ERROR_CODES, MAX_FRAME_BYTES } from './words.ts'

/** Bytes that belong to a request, an answer or an item of a stream. */
export interface Payload {
  readonly metadata: Buffer | undefined
  readonly data: Buffer
}

export interface SetupFrame extends Payload {
  readonly type: 'setup'
  readonly majorVersion: number
  readonly keepAliveMs: number
  readonly lifetimeMs: number
  readonly metadataMime: string
  readonly dataMime: string
  /** The client wants to resume this session later. */
  readonly resume: boolean
  /** The client honours leases. */
  readonly lease: boolean
}

/** Frames about the connection as a whole: stream 0. */
export type ConnectionFrame =
  | SetupFrame
  | { readonly type: 'keepalive'; readonly respond: boolean; readonly data: Buffer }
  | { readonly type: 'resume' }
  /** Allowed to be ignored: a metadata push, a lease, an extension marked so. */
  | { readonly type: 'ignored' }

/** Frames that ask for something and wait for it. */
export type RequestFrame =
  | ({ readonly type: 'request-response'; readonly follows: boolean } & Payload)
  | ({ readonly type: 'request-stream'; readonly demand: number; readonly follows: boolean } & Payload)

/** Frames of one stream, and errors of either kind. */
export type StreamFrame =
  | RequestFrame
  | ({ readonly type: 'fire-and-forget'; readonly follows: boolean } & Payload)
  | { readonly type: 'request-channel' }
  | { readonly type: 'request-n'; readonly demand: number }
  | { readonly type: 'cancel' }
  | ({
      readonly type: 'payload'
      readonly follows: boolean
      readonly complete: boolean
      readonly next: boolean
    } & Payload)
  | { readonly type: 'error'; readonly code: number; readonly text: string }

export type Frame = (ConnectionFrame | StreamFrame) & { readonly streamId: number }
/** Frames we ever send. */
export type OutgoingFrame = Exclude<Frame, { type: 'ignored' | 'resume' | 'request-channel' }>

const TYPES = {
  SETUP: 0x01,
  LEASE: 0x02,
  KEEPALIVE: 0x03,
  REQUEST_RESPONSE: 0x04,
  REQUEST_FNF: 0x05,
  REQUEST_STREAM: 0x06,
  REQUEST_CHANNEL: 0x07,
  REQUEST_N: 0x08,
  CANCEL: 0x09,
  PAYLOAD: 0x0a,
  ERROR: 0x0b,
  METADATA_PUSH: 0x0c,
  RESUME: 0x0d,
  RESUME_OK: 0x0e,
} as const

const FLAG = {
  ignore: 0x200,
  metadata: 0x100,
  follows: 0x80,
  respond: 0x80,
  resume: 0x80,
  complete: 0x40,
  lease: 0x40,
  next: 0x20,
}
const HEADER_BYTES = 6
const NO_BYTES = Buffer.alloc(0)
/** The largest demand a frame can express; RSocket takes it as "without end". */
export const UNLIMITED = 0x7fff_ffff

function malformed(what: string): RSocketError {
  return new RSocketError(ERROR_CODES.CONNECTION_ERROR, `malformed frame: ${what}`)
}

/** Reads forward through a frame and never past its end. */
class Cursor {
  readonly bytes: Buffer
  at = HEADER_BYTES

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw malformed('it ends too early')
    const taken = this.bytes.subarray(this.at, this.at + length)
    this.at += length
    return taken
  }

  uint(length: 1 | 2 | 3 | 4): number {
    return this.take(length).readUIntBE(0, length)
  }

  /** A 31-bit number; the highest bit is reserved. */
  uint31(): number {
    return this.uint(4) & 0x7fff_ffff
  }

  payload(flags: number): Payload {
    const metadata = flags & FLAG.metadata ? this.take(this.uint(3)) : undefined
    return { metadata, data: this.take(this.bytes.length - this.at) }
  }
}

/**
 * Reads one frame. Data and metadata are views of `bytes`.
 *
 * @throws RSocketError (CONNECTION_ERROR) when it breaks the format or has a type that can't be ignored
 */
export function decodeFrame(bytes: Buffer): Frame {
  if (bytes.length < HEADER_BYTES) throw malformed('it has no header')
  const streamId = bytes.readUInt32BE(0)
  if (streamId > 0x7fff_ffff) throw malformed('stream id out of range')
  const typeAndFlags = bytes.readUInt16BE(4)
  const type = typeAndFlags >>> 10
  const flags = typeAndFlags & 0x3ff
  const cursor = new Cursor(bytes)
  const follows = (flags & FLAG.follows) !== 0
  switch (type) {
    case TYPES.SETUP:
      return { streamId, type: 'setup', ...decodeSetup(cursor, flags) }
    case TYPES.KEEPALIVE: {
      cursor.take(8)
      return {
        streamId,
        type: 'keepalive',
        respond: (flags & FLAG.respond) !== 0,
        data: cursor.payload(0).data,
      }
    }
    case TYPES.REQUEST_RESPONSE:
      return { streamId, type: 'request-response', follows, ...cursor.payload(flags) }
    case TYPES.REQUEST_FNF:
      return { streamId, type: 'fire-and-forget', follows, ...cursor.payload(flags) }
    case TYPES.REQUEST_STREAM:
      return { streamId, type: 'request-stream', demand: demand(cursor), follows, ...cursor.payload(flags) }
    case TYPES.REQUEST_CHANNEL:
      return { streamId, type: 'request-channel' }
    case TYPES.REQUEST_N:
      return { streamId, type: 'request-n', demand: demand(cursor) }
    case TYPES.CANCEL:
      return { streamId, type: 'cancel' }
    case TYPES.PAYLOAD: {
      const complete = (flags & FLAG.complete) !== 0
      return {
        streamId,
        type: 'payload',
        follows,
        complete,
        next: (flags & FLAG.next) !== 0,
        ...cursor.payload(flags),
      }
    }
    case TYPES.ERROR:
      return { streamId, type: 'error', code: cursor.uint(4), text: cursor.payload(0).data.toString('utf8') }
    case TYPES.RESUME:
    case TYPES.RESUME_OK:
      return { streamId, type: 'resume' }
    case TYPES.LEASE:
    case TYPES.METADATA_PUSH:
      return { streamId, type: 'ignored' }
    default:
      if (flags & FLAG.ignore) return { streamId, type: 'ignored' }
      throw malformed(`unknown type ${type}`)
  }
}

function demand(cursor: Cursor): number {
  const given = cursor.uint31()
  if (given === 0) throw malformed('a demand of nothing')
  return given
}

function decodeSetup(cursor: Cursor, flags: number): Omit<SetupFrame, 'type'> {
  const majorVersion = cursor.uint(2)
  cursor.take(2)
  const keepAliveMs = cursor.uint31()
  const lifetimeMs = cursor.uint31()
  const resume = (flags & FLAG.resume) !== 0
  if (resume) cursor.take(cursor.uint(2))
  const metadataMime = cursor.take(cursor.uint(1)).toString('latin1')
  const dataMime = cursor.take(cursor.uint(1)).toString('latin1')
  const lease = (flags & FLAG.lease) !== 0
  return {
    majorVersion,
    keepAliveMs,
    lifetimeMs,
    resume,
    lease,
    metadataMime,
    dataMime,
    ...cursor.payload(flags),
  }
}

/**
 * Writes one frame.
 *
 * @throws RSocketError (INVALID) when it is larger than RSocket can carry
 */
export function encodeFrame(frame: OutgoingFrame): Buffer {
  switch (frame.type) {
    case 'setup':
      return encodeSetup(frame)
    case 'keepalive':
      return assemble(0, TYPES.KEEPALIVE, frame.respond ? FLAG.respond : 0, [Buffer.alloc(8), frame.data])
    case 'request-response':
      return assemble(frame.streamId, TYPES.REQUEST_RESPONSE, payloadFlags(frame), payloadParts(frame))
    case 'fire-and-forget':
      return assemble(frame.streamId, TYPES.REQUEST_FNF, payloadFlags(frame), payloadParts(frame))
    case 'request-stream':
      return assemble(frame.streamId, TYPES.REQUEST_STREAM, payloadFlags(frame), [
        uint(4, frame.demand),
        ...payloadParts(frame),
      ])
    case 'request-n':
      return assemble(frame.streamId, TYPES.REQUEST_N, 0, [uint(4, frame.demand)])
    case 'cancel':
      return assemble(frame.streamId, TYPES.CANCEL, 0, [])
    case 'payload': {
      const flags = payloadFlags(frame) | (frame.complete ? FLAG.complete : 0) | (frame.next ? FLAG.next : 0)
      return assemble(frame.streamId, TYPES.PAYLOAD, flags, payloadParts(frame))
    }
    case 'error':
      return assemble(frame.streamId, TYPES.ERROR, 0, [uint(4, frame.code), Buffer.from(frame.text)])
  }
}

function encodeSetup(frame: SetupFrame & { streamId: number }): Buffer {
  const metadataMime = Buffer.from(frame.metadataMime, 'latin1')
  const dataMime = Buffer.from(frame.dataMime, 'latin1')
  return assemble(0, TYPES.SETUP, payloadFlags({ ...frame, follows: false }), [
    uint(2, frame.majorVersion),
    uint(2, 0),
    uint(4, frame.keepAliveMs),
    uint(4, frame.lifetimeMs),
    uint(1, metadataMime.length),
    metadataMime,
    uint(1, dataMime.length),
    dataMime,
    ...payloadParts(frame),
  ])
}

function payloadFlags({ metadata, follows }: Payload & { follows: boolean }): number {
  return (metadata ? FLAG.metadata : 0) | (follows ? FLAG.follows : 0)
}

function payloadParts({ metadata, data }: Payload): Buffer[] {
  return metadata ? [uint(3, metadata.length), metadata, data] : [data]
}

function uint(length: 1 | 2 | 3 | 4, value: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeUIntBE(value, 0, length)
  return bytes
}

function assemble(streamId: number, type: number, flags: number, parts: Buffer[]): Buffer {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32BE(streamId, 0)
  header.writeUInt16BE((type << 10) | flags, 4)
  const sizeBytes = parts.reduce((sum, part) => sum + part.length, HEADER_BYTES)
  if (sizeBytes > MAX_FRAME_BYTES) {
    throw new RSocketError(
      ERROR_CODES.INVALID,
      `a frame may have ${MAX_FRAME_BYTES} bytes, not ${sizeBytes}`,
      'HYDRA_TOO_LARGE',
    )
  }
  return Buffer.concat([header, ...parts], sizeBytes)
}

/** A payload without anything in it, as the end of a stream has. */
export const EMPTY: Payload = Object.freeze({ metadata: undefined, data: NO_BYTES })
