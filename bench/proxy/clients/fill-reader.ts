/**
 * Answers of the loads: their bodies consist of one byte, and say how long they are.
 *
 * @module
 */
import type { Reader } from '../../support/clients/http.ts'
import { FILL } from '../request.ts'

const HEAD_END = Buffer.from('\r\n\r\n')

/** Counts what arrives, and looks at its ends. */
export function createFillReader(): Reader {
  let head: Buffer | undefined
  /** Bytes of the body still to come, -1 while the head is not whole. */
  let missing = -1
  return {
    read(chunk) {
      let bytes = chunk
      if (missing < 0) {
        if (head) bytes = Buffer.concat([head, chunk])
        const end = bytes.indexOf(HEAD_END)
        if (end < 0) {
          head = Buffer.from(bytes)
          return false
        }
        head = undefined
        const text = bytes.toString('latin1', 0, end)
        const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
        if (!text.startsWith('HTTP/1.1 200') || length === undefined) throw new Error(`answered ${text}`)
        missing = Number(length)
        bytes = bytes.subarray(end + HEAD_END.length)
      }
      if (bytes.length === 0) return false
      missing -= bytes.length
      if (missing < 0 || bytes[0] !== FILL || bytes[bytes.length - 1] !== FILL) {
        throw new Error('answered with another body')
      }
      if (missing > 0) return false
      missing = -1
      return true
    },
  }
}
