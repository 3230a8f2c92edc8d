/**
 * What the router API answers with: the keys of every release, and those of the README beside them (`flywheel.md` 3.7).
 *
 * @module
 */
import { CODES, type ErrorCode } from '../errors.ts'
import type { MessageFault } from '../messaging/port.ts'
import { hydraStatus } from '../proxy/flywheel-answers.ts'

/** The envelope of an answer with this status; `more` stands at its top. */
export function envelope(status: number, result: unknown, more: object = {}): Record<string, unknown> {
  const [message, description] = hydraStatus(status)
  return {
    statusCode: status,
    statusMessage: message,
    statusDescription: description,
    status,
    statusText: status === 200 ? 'Success' : message,
    ...more,
    result,
  }
}

/** A refusal: the envelope, and what problems of this gateway have beside it. */
export function refusal(
  code: ErrorCode,
  reason: string | undefined,
  exchange: string,
  status: number = CODES[code][0],
): Record<string, unknown> {
  return envelope(status, reason === undefined ? {} : { reason }, {
    type: `/_hydra/errors/${code}`,
    title: CODES[code][1],
    ...(reason === undefined ? {} : { detail: reason }),
    code,
    exchange,
  })
}

/** What a message that went nowhere is answered with. */
export const CODE_OF: Readonly<Record<MessageFault, ErrorCode>> = {
  invalid: 'HYDRA_BAD_REQUEST',
  'unknown-service': 'HYDRA_NO_INSTANCE',
  'no-instance': 'HYDRA_NO_INSTANCE',
  'unknown-client': 'HYDRA_NO_ROUTE',
  'not-allowed': 'HYDRA_FORBIDDEN',
  login: 'HYDRA_LOGIN_REQUIRED',
  schema: 'HYDRA_BAD_REQUEST',
  'too-large': 'HYDRA_TOO_LARGE',
  throttled: 'HYDRA_THROTTLED',
  'mail-full': 'HYDRA_OVERLOADED',
  'store-away': 'HYDRA_OVERLOADED',
  timeout: 'HYDRA_UPSTREAM_TIMEOUT',
  // As the originals say it: all were tried, and none was there.
  broken: 'HYDRA_NO_INSTANCE',
}
