/**
 * Every error the gateway answers with. The code is the contract, the wording is free to improve.
 *
 * Throw `HydraError` where the cause is known and wrap with `{ cause }`. Anything else that reaches an answer
 * is a bug: logged whole, shown as `HYDRA_INTERNAL` with only the exchange id.
 *
 * @module
 */
import type { Problem } from '@hydra-gateway/protocol'

export const CODES = {
  HYDRA_BAD_REQUEST: [400, 'The request could not be understood'],
  HYDRA_BAD_PATH: [400, 'The path can be read in more than one way'],
  HYDRA_BAD_REGISTRATION: [400, 'The registration has faults'],
  HYDRA_LOGIN_FAILED: [400, 'The sign-in could not be finished'],
  HYDRA_UNAUTHORIZED: [401, 'This needs the gateway keys'],
  HYDRA_LOGIN_REQUIRED: [401, 'Sign in to go on'],
  HYDRA_BAD_LOGIN: [401, 'That user name and password don’t belong together'],
  HYDRA_FORBIDDEN: [403, 'This is not open to you'],
  HYDRA_FORBIDDEN_ORIGIN: [403, 'WebSockets may not be opened from this origin'],
  HYDRA_FORBIDDEN_ADDRESS: [403, 'This address may not do that'],
  HYDRA_NO_ROUTE: [404, 'There is nothing at this address'],
  HYDRA_METHOD_NOT_ALLOWED: [405, 'The address exists, the method does not'],
  HYDRA_REQUEST_TIMEOUT: [408, 'The request took too long to arrive'],
  HYDRA_CONFLICT: [409, 'The present state does not allow that'],
  HYDRA_TOO_LARGE: [413, 'That was too much at once'],
  HYDRA_TARGET_TOO_LONG: [414, 'The address is too long'],
  HYDRA_NOT_UPGRADABLE: [426, 'Only WebSockets are served here'],
  HYDRA_THROTTLED: [429, 'A short pause'],
  HYDRA_HEAD_TOO_LARGE: [431, 'The request head is too large'],
  HYDRA_INTERNAL: [500, 'Something went wrong here'],
  HYDRA_NOT_IMPLEMENTED: [501, 'The request asks for something nobody here understands'],
  HYDRA_UPSTREAM_BROKEN: [502, 'The service gave an answer that could not be read'],
  HYDRA_NO_INSTANCE: [503, 'No instance of the service is available'],
  HYDRA_PROVIDER_DOWN: [503, 'The sign-in provider does not answer'],
  HYDRA_OVERLOADED: [503, 'The service is busy'],
  HYDRA_STARTING: [503, 'This gateway does not know all services yet'],
  HYDRA_STOPPING: [503, 'This gateway is stopping'],
  HYDRA_UPSTREAM_TIMEOUT: [504, 'The service took too long to answer'],
  HYDRA_HTTP_VERSION: [505, 'This version of HTTP is not spoken here'],
  HYDRA_LOOP: [508, 'The request came round again and again'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ErrorCode = keyof typeof CODES

/** A failure whose cause is known. `detail` is shown to the caller: no secrets, no addresses of this site. */
export class HydraError extends Error {
  readonly code: ErrorCode
  readonly detail: string | undefined
  /** Single faults, for a body that was refused. */
  readonly errors: Problem['errors']

  constructor(
    code: ErrorCode,
    detail?: string,
    options: { cause?: unknown; errors?: Problem['errors'] } = {},
  ) {
    super(detail ?? CODES[code][1], { cause: options.cause })
    this.name = 'HydraError'
    this.code = code
    this.detail = detail
    this.errors = options.errors
  }
}

/** The problem document of an error. `exchange` is the id that joins it with the log. */
export function toProblem(error: Pick<HydraError, 'code' | 'detail' | 'errors'>, exchange: string): Problem {
  const [status, title] = CODES[error.code]
  return {
    type: `/_hydra/errors/${error.code}`,
    status,
    title,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    code: error.code,
    exchange,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
  }
}
