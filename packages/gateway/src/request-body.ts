/**
 * Reads a whole body that a stranger sent: bounded in size and time. What its bytes mean is for others to say.
 *
 * @module
 */
import { HydraError } from './errors.ts'
import { type Clock, systemClock } from './observe/clock.ts'

/** What a body may cost: bytes, and milliseconds until it is there whole. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/** What the sender is told. */
export interface BodyWords {
  /** `form` in "the form did not arrive in time". */
  readonly name: string
  readonly tooLarge: string
}

/**
 * The bytes of a body.
 *
 * @throws HydraError HYDRA_TOO_LARGE as soon as more than `maxBytes` came, HYDRA_REQUEST_TIMEOUT when it takes longer than
 * `timeoutMs`, HYDRA_BAD_REQUEST when it is cut off
 */
export async function readBytes(
  { body }: Request,
  { maxBytes, timeoutMs }: BodyLimits,
  { name, tooLarge }: BodyWords,
  clock: Pick<Clock, 'after'> = systemClock,
): Promise<Buffer> {
  if (!body) return Buffer.alloc(0)
  const reader = body.getReader()
  const chunks: Uint8Array[] = []
  let size = 0
  let isLate = false
  const stop = clock.after(timeoutMs, () => {
    isLate = true
    reader.cancel().catch(() => {})
  })
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (isLate) throw new HydraError('HYDRA_REQUEST_TIMEOUT', `the ${name} did not arrive in time`)
      if (done) return Buffer.concat(chunks)
      size += value.byteLength
      if (size > maxBytes) throw new HydraError('HYDRA_TOO_LARGE', tooLarge)
      chunks.push(value)
    }
  } catch (cause) {
    reader.cancel().catch(() => {})
    if (cause instanceof HydraError) throw cause
    throw new HydraError('HYDRA_BAD_REQUEST', `the ${name} ended before it was whole`, { cause })
  } finally {
    stop()
  }
}
