/**
 * The answer of the service over HTTP, byte by byte as it left, or as hydra-router writes it anew.
 *
 * @module
 */
import type { Reader } from '../../support/clients/http.ts'
import { ANSWER } from '../job.ts'

const BODY = Buffer.from(ANSWER)

export function createJsonReader(): Reader {
  let rest: Buffer | undefined
  return {
    read(chunk) {
      const bytes = rest ? Buffer.concat([rest, chunk]) : chunk
      rest = undefined
      const end = bytes.indexOf('\r\n\r\n')
      const whole = end + 4 + BODY.length
      if (end < 0 || bytes.length < whole) {
        rest = Buffer.from(bytes)
        return false
      }
      if (!bytes.toString('latin1', 0, 12).endsWith(' 200'))
        throw new Error(`answered ${bytes.toString('latin1', 0, end)}`)
      if (bytes.length > whole || !bytes.subarray(end + 4).equals(BODY))
        throw new Error('answered with another body')
      return true
    },
  }
}
