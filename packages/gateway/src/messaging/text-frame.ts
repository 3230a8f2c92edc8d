/**
 * Text as a whole frame of a WebSocket, as servers send it (RFC 6455, 5.2): in one piece, unmasked.
 *
 * @module
 */

const FINAL_TEXT = 0x81
const [SHORT, MEDIUM] = [125, 65_535]
/** What stands before the length where it does not fit into a byte. */
const [IN_TWO_BYTES, IN_EIGHT_BYTES] = [126, 127]

/** The bytes of the frame, head and all; half of a pair becomes U+FFFD. */
export function textFrame(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const from = length <= SHORT ? 2 : length <= MEDIUM ? 4 : 10
  const frame = Buffer.allocUnsafe(from + length)
  frame[0] = FINAL_TEXT
  if (from === 2) frame[1] = length
  else if (from === 4) {
    frame[1] = IN_TWO_BYTES
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = IN_EIGHT_BYTES
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, from)
  return frame
}
