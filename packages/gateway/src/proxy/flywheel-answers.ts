/**
 * Errors as hydra-router worded them (`flywheel.md` 3.7), for machines: its members beside those of the problem document.
 *
 * @module
 */
import { CODES, type ErrorCode, type HydraError, toProblem } from '../errors.ts'
import type { Exchange } from './exchange.ts'
import type { FlywheelExchange } from './flywheel-exchange.ts'

/** `[statusMessage, statusDescription]`, as `hydra` words them. */
export type HydraStatus = readonly [message: string, description: string]

const STATUSES: Readonly<Record<number, HydraStatus>> = {
  200: ['OK', 'Request succeeded without error'],
  201: ['Created', 'Resource created'],
  202: ['Accepted', 'Request accepted'],
  204: ['No Content', 'Resource has no content'],
  301: ['Moved Permanently', 'Resource has been permanently moved'],
  302: ['Found', 'Resource was found under another URI'],
  304: ['Not Modified', 'Resource has not been modified'],
  400: ['Bad Request', 'Request is invalid, missing parameters?'],
  401: ['Unauthorized', "User isn't authorized to access this resource"],
  402: ['Payment Required', 'This code is reserved for future use.'],
  403: ['Forbidden', 'The server understood the request but refuses to authorize it'],
  404: ['Not Found', 'The requested resource was not found on the server'],
  405: ['Method not allowed', 'The HTTP method used is not allowed'],
  406: [
    'Not Acceptable',
    'The target resource does not have a current representation that would be acceptable to the user agent',
  ],
  409: ['Conflict', 'Request has caused a conflict'],
  413: ['Request Entity Too Large', 'The webserver or proxy believes the request is too large'],
  429: ['Too Many Requests', 'Too many requests issue within a period'],
  500: ['Server Error', 'An error occurred on the server'],
  501: ['Method Not Implemented', "The requested method / resource isn't implemented on the server"],
  502: ['Connection Refused', 'The connection to server was refused'],
  503: [
    'Service Unavailable',
    'The server is currently unable to handle the request due to a temporary overloading or maintenance of the server',
  ],
  // Not among the originals: a service that hung was unavailable to them.
  504: ['Gateway Timeout', 'The service took too long to answer'],
}

/** The words for a status. */
export function hydraStatus(status: number): HydraStatus {
  return STATUSES[status] ?? [String(status), `Unknown statusCode ${status}`]
}

/** Codes that are about a service which gave no answer. */
const OF_A_SERVICE: ReadonlySet<ErrorCode> = new Set([
  'HYDRA_NO_INSTANCE',
  'HYDRA_OVERLOADED',
  'HYDRA_UPSTREAM_BROKEN',
  'HYDRA_UPSTREAM_TIMEOUT',
])

/** The body of an error, as JSON text. */
export function flywheelBody(
  { id, route, attempts }: Pick<Exchange, 'id' | 'route' | 'attempts'>,
  { tracer }: Pick<FlywheelExchange, 'tracer'>,
  error: Pick<HydraError, 'code' | 'detail' | 'errors'>,
): string {
  const [status] = CODES[error.code]
  const [statusMessage, statusDescription] = hydraStatus(status)
  const reason = route && OF_A_SERVICE.has(error.code) ? reasonOf(route.service, attempts) : undefined
  return JSON.stringify({
    statusCode: status,
    statusMessage,
    statusDescription,
    result: reason === undefined ? {} : { reason },
    ...(tracer === undefined ? {} : { tracer }),
    ...toProblem(error, id),
  })
}

/** Why a service gave no answer, in sentences of the original. */
export function reasonOf(service: string, attempts: number): string {
  return attempts === 0 ? `Unavailable ${service} instances` : `An instance of ${service} is unavailable`
}
