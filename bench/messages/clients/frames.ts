/**
 * As much of WebSockets as thousands of light clients need: short text frames out, text frames in.
 *
 * @module
 */
const PING = 0x9
const CLOSE = 0x8
const MASKED = 0x80
const SHORT = 125

/** A frame of a client. Its mask is zero, so that the payload stays as it is. */
export function clientFrame(payload: Buffer, opcode = 0x1): Buffer {
  const isShort = payload.length <= SHORT
  const frame = Buffer.alloc((isShort ? 6 : 8) + payload.length)
  frame[0] = 0x80 | opcode
  if (isShort) frame[1] = MASKED | payload.length
  else {
    frame[1] = MASKED | 126
    frame.writeUInt16BE(payload.length, 2)
  }
  payload.copy(frame, frame.length - payload.length)
  return frame
}

export interface FrameReader {
  /** Reads what arrived. */
  read(bytes: Buffer): void
}

export interface FrameEvents {
  /** The bytes are of use until this returns. */
  onText(text: Buffer): void
  /** To be written: an answer to a ping. */
  write(frame: Buffer): void
}

/** Reads the answer to an upgrade and the frames that follow. Throws when it was refused, or the peer says goodbye. */
export function createFrameReader({ onText, write }: FrameEvents): FrameReader {
  let rest: Buffer | undefined
  let isOpen = false

  /** Where the next frame begins; -1 when this one is not whole. */
  const frame = (bytes: Buffer, at: number): number => {
    if (bytes.length < at + 2) return -1
    const opcode = bytes[at]! & 0x0f
    let length = bytes[at + 1]! & 0x7f
    let from = at + 2
    if (length === 126) {
      if (bytes.length < at + 4) return -1
      length = bytes.readUInt16BE(at + 2)
      from = at + 4
    } else if (length === 127) {
      if (bytes.length < at + 10) return -1
      length = Number(bytes.readBigUInt64BE(at + 2))
      from = at + 10
    }
    const end = from + length
    if (bytes.length < end) return -1
    const payload = bytes.subarray(from, end)
    if (opcode === CLOSE) throw new Error(`a socket was closed: ${payload.subarray(2).toString()}`)
    if (opcode === PING) write(clientFrame(payload, 0xa))
    else if (opcode === 0x1) onText(payload)
    return end
  }

  return {
    read(chunk) {
      const bytes = rest ? Buffer.concat([rest, chunk]) : chunk
      rest = undefined
      let at = 0
      if (!isOpen) {
        const end = bytes.indexOf('\r\n\r\n')
        if (end >= 0 && !bytes.toString('latin1', 0, 12).endsWith(' 101'))
          throw new Error(`answered ${bytes.toString('latin1', 0, end)}`)
        if (end >= 0) at = end + 4
        isOpen = end >= 0
      }
      while (isOpen && at < bytes.length) {
        const next = frame(bytes, at)
        if (next < 0) break
        at = next
      }
      // What was read into is used for other sockets.
      if (at < bytes.length) rest = Buffer.from(bytes.subarray(at))
    },
  }
}
