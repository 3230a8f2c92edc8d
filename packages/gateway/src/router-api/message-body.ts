/**
 * Reads the message of a request: bounded, valid UTF-8, and checked.
 *
 * @module
 */
import { parseUmf, type UmfMessage } from '@hydra-gateway/protocol/umf'
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { readBytes } from '../request-body.ts'
import type { RouterApiSettings } from './settings.ts'

/**
 * The message in the body of a request.
 *
 * @throws UmfError for what is no message; HydraError HYDRA_TOO_LARGE, HYDRA_REQUEST_TIMEOUT, HYDRA_BAD_REQUEST
 */
export async function readMessage(
  exchange: Exchange,
  settings: Pick<RouterApiSettings, 'maxBytes' | 'bodyTimeoutMs' | 'headerBounds'>,
  { clock, newId }: { readonly clock: Clock; readonly newId: () => string },
): Promise<UmfMessage> {
  const { maxBytes, bodyTimeoutMs, headerBounds } = settings
  const tooLarge = `a message may have ${maxBytes} bytes (messages.maxBytes)`
  if (Number(exchange.headers.get('content-length') ?? 0) > maxBytes)
    throw new HydraError('HYDRA_TOO_LARGE', tooLarge)
  const limits = { maxBytes, timeoutMs: bodyTimeoutMs }
  const bytes = await readBytes(exchange.toRequest(), limits, { name: 'message', tooLarge }, clock)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new HydraError('HYDRA_BAD_REQUEST', 'the message is not valid UTF-8', { cause })
  }
  return parseUmf(text, { now: clock.now, newId, headerBounds })
}
