/**
 * Follows the frames of a WebSocket (RFC 6455, 5.2) without touching them: knows where one ends and the next may
 * begin, so that a frame of our own can be put between two. Payloads are skipped, never read or unmasked.
 *
 * @module
 */
import { randomBytes } from 'node:crypto'

const CONTINUATION = 0x0
const BINARY = 0x2
const CLOSE = 0x8
const PONG = 0xa
/** Most bytes of the reason of a Close frame: a control frame bears 125, the code takes two (RFC 6455, 5.5). */
const REASON_BYTES = 123

/** What the next byte is. */
const FIRST = 0
const SECOND = 1
const LENGTH = 2
const PAYLOAD = 3

/** One direction of one WebSocket. */
export class FrameFollower {
  /** What comes here is not WebSocket: boundaries can't be told any more. */
  isBroken = false
  /** A whole Close frame has passed; whoever sent it may send nothing more (RFC 6455, 5.5.1). */
  hasClosed = false
  readonly #isMasked: boolean
  #next = FIRST
  #opcode = 0
  /** Length as far as it was read. */
  #length = 0
  #lengthBytesLeft = 0
  /** Bytes of the masking key and the payload that are still to come. */
  #payloadLeft = 0

  /** `isMasked`: these are frames of a client, which masks them; a server does not (RFC 6455, 5.1). */
  constructor(isMasked: boolean) {
    this.#isMasked = isMasked
  }

  /** True where a frame may be put in. */
  get isAtBoundary(): boolean {
    return this.#next === FIRST && !this.isBroken
  }

  /** Follows all of bytes[at, end). */
  feed(bytes: Uint8Array, at: number, end: number): void {
    for (let from = at; from < end && !this.isBroken; ) from = this.#follow(bytes, from, end)
  }

  /**
   * Follows bytes[at, end) as far as the first boundary and returns its position, which is `at` when one is there.
   * -1: there is none, and all was followed.
   */
  nextBoundary(bytes: Uint8Array, at: number, end: number): number {
    if (this.isAtBoundary) return at
    const position = this.isBroken ? end : this.#follow(bytes, at, end)
    return this.isAtBoundary ? position : -1
  }

  /** Follows to the end of one frame, or as far as the bytes go; returns how far that was. */
  #follow(bytes: Uint8Array, from: number, end: number): number {
    let at = from
    while (at < end) {
      if (this.#next === PAYLOAD) {
        const skipped = Math.min(this.#payloadLeft, end - at)
        at += skipped
        this.#payloadLeft -= skipped
        if (this.#payloadLeft > 0) return at
        this.#endFrame()
        return at
      }
      const byte = bytes[at++]!
      if (this.#next === FIRST) this.#first(byte)
      else if (this.#next === SECOND) this.#second(byte)
      else {
        this.#length = this.#length * 256 + byte
        if (--this.#lengthBytesLeft === 0) this.#beginPayload()
      }
      if (this.#next === FIRST || this.isBroken) return at
    }
    return at
  }

  #first(byte: number): void {
    this.#opcode = byte & 0x0f
    this.#next = SECOND
    // No extension defines the others, so that they are the surest sign of another protocol.
    const isKnown = this.#opcode <= BINARY || (this.#opcode >= CLOSE && this.#opcode <= PONG)
    if (!isKnown) this.isBroken = true
  }

  #second(byte: number): void {
    if (byte >= 0x80 !== this.#isMasked) {
      this.isBroken = true
      return
    }
    const length = byte & 0x7f
    this.#length = length < 126 ? length : 0
    this.#lengthBytesLeft = length < 126 ? 0 : length === 126 ? 2 : 8
    if (this.#lengthBytesLeft === 0) this.#beginPayload()
    else this.#next = LENGTH
  }

  #beginPayload(): void {
    if (this.#length > Number.MAX_SAFE_INTEGER - 4) {
      this.isBroken = true
      return
    }
    this.#payloadLeft = this.#length + (this.#isMasked ? 4 : 0)
    if (this.#payloadLeft === 0) this.#endFrame()
    else this.#next = PAYLOAD
  }

  #endFrame(): void {
    this.#next = FIRST
    if (this.#opcode === CLOSE) this.hasClosed = true
    this.#opcode = CONTINUATION
  }
}

/** A Close frame; `reason` is cut, between two characters, where it is too long. `masked`: as a client sends it. */
export function closeFrame(code: number, reason: string, masked: boolean): Buffer {
  let text = Buffer.from(reason)
  if (text.length > REASON_BYTES) {
    let end = REASON_BYTES
    while ((text[end]! & 0xc0) === 0x80) end--
    text = text.subarray(0, end)
  }
  const payloadAt = masked ? 6 : 2
  const frame = Buffer.alloc(payloadAt + 2 + text.length)
  frame[0] = 0x80 | CLOSE
  frame[1] = (masked ? 0x80 : 0) | (2 + text.length)
  frame.writeUInt16BE(code, payloadAt)
  text.copy(frame, payloadAt + 2)
  if (masked) {
    const key = randomBytes(4)
    key.copy(frame, 2)
    for (let i = payloadAt; i < frame.length; i++) frame[i]! ^= key[(i - payloadAt) & 3]!
  }
  return frame
}
