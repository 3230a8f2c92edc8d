/**
 * Reads a form that a stranger posted: bounded in size and time.
 *
 * @module
 */
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'

/** What a body may cost: bytes, and milliseconds until it is there whole. */
export interface FormLimits {
  readonly maxBytes: number
  readonly timeoutMs: number
}

/**
 * The fields of a form.
 *
 * @throws HydraError HYDRA_BAD_REQUEST, HYDRA_TOO_LARGE, HYDRA_REQUEST_TIMEOUT
 */
export async function readForm(
  request: Request,
  limits: FormLimits,
  clock: Pick<Clock, 'after'>,
): Promise<URLSearchParams> {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    throw new HydraError('HYDRA_BAD_REQUEST', 'send a form, application/x-www-form-urlencoded')
  return new URLSearchParams(await readBounded(request, limits, clock))
}

async function readBounded(
  { body }: Request,
  { maxBytes, timeoutMs }: FormLimits,
  clock: Pick<Clock, 'after'>,
): Promise<string> {
  if (!body) return ''
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
      if (isLate) throw new HydraError('HYDRA_REQUEST_TIMEOUT', 'the form did not arrive in time')
      if (done) return Buffer.concat(chunks).toString('utf8')
      size += value.byteLength
      if (size > maxBytes) throw new HydraError('HYDRA_TOO_LARGE', `a form has at most ${maxBytes} bytes`)
      chunks.push(value)
    }
  } catch (cause) {
    reader.cancel().catch(() => {})
    if (cause instanceof HydraError) throw cause
    throw new HydraError('HYDRA_BAD_REQUEST', 'the form ended before it was whole', { cause })
  } finally {
    stop()
  }
}
