/**
 * Reads a form that a stranger posted: bounded in size and time.
 *
 * @module
 */
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import { type BodyLimits, readBytes } from '../request-body.ts'

/**
 * The fields of a form.
 *
 * @throws HydraError HYDRA_BAD_REQUEST, HYDRA_TOO_LARGE, HYDRA_REQUEST_TIMEOUT
 */
export async function readForm(
  request: Request,
  limits: BodyLimits,
  clock: Pick<Clock, 'after'>,
): Promise<URLSearchParams> {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    throw new HydraError('HYDRA_BAD_REQUEST', 'send a form, application/x-www-form-urlencoded')
  const words = { name: 'form', tooLarge: `a form has at most ${limits.maxBytes} bytes` }
  return new URLSearchParams((await readBytes(request, limits, words, clock)).toString('utf8'))
}
