/**
 * Why there is no connection, in words a service can act on.
 *
 * @module
 */
import { ERROR_CODES, type RSocketError } from '@hydra-gateway/protocol/rsocket'

/**
 * `wrong-keys`, `not-allowed` (this address, or the address it gave) and `bad-registration` want a person;
 * `not-reachable` (a stopping or full gateway included) and `lost` pass when the gateway is back; `timeout` and
 * `refused` are about one request, or a gateway that speaks something else.
 */
export type ConnectionErrorKind =
  | 'wrong-keys'
  | 'not-allowed'
  | 'bad-registration'
  | 'not-reachable'
  | 'lost'
  | 'timeout'
  | 'refused'

export class ConnectionError extends Error {
  readonly kind: ConnectionErrorKind
  /** The gateway's own code, such as HYDRA_BAD_REGISTRATION, where it gave one. */
  readonly problem: string | undefined
  /** Address of the gateway that answered, when one did. */
  readonly address: string | undefined

  constructor(
    kind: ConnectionErrorKind,
    message: string,
    { cause, problem, address }: { cause?: unknown; problem?: string; address?: string | undefined } = {},
  ) {
    super(message, { cause })
    this.name = 'ConnectionError'
    this.kind = kind
    this.problem = problem
    this.address = address
  }
}

const BY_PROBLEM: Readonly<Record<string, ConnectionErrorKind>> = {
  HYDRA_UNAUTHORIZED: 'wrong-keys',
  HYDRA_FORBIDDEN_ADDRESS: 'not-allowed',
  HYDRA_BAD_REGISTRATION: 'bad-registration',
  HYDRA_TOO_LARGE: 'bad-registration',
  HYDRA_STOPPING: 'not-reachable',
  HYDRA_OVERLOADED: 'not-reachable',
}

const BY_CODE: Readonly<Record<number, ConnectionErrorKind>> = {
  [ERROR_CODES.REJECTED_SETUP]: 'wrong-keys',
  [ERROR_CODES.INVALID_SETUP]: 'bad-registration',
}

/** Translates what the channel said. `otherwise` is the kind when it said nothing more precise. */
export function toConnectionError(
  error: RSocketError,
  otherwise: ConnectionErrorKind,
  address?: string,
): ConnectionError {
  const { problem, code } = error
  const kind = problem === undefined ? BY_CODE[code] : BY_PROBLEM[problem]
  return new ConnectionError(kind ?? otherwise, error.message, {
    cause: error,
    address,
    ...(problem === undefined ? {} : { problem }),
  })
}

/** What a service can do about wrong keys; any other fault stays as it is. `from` is where the keys were found. */
export function explainKeys(fault: unknown, from: string): unknown {
  if (!(fault instanceof ConnectionError) || fault.kind !== 'wrong-keys') return fault
  const { kind, problem, address } = fault
  return new ConnectionError(
    kind,
    `the gateway does not know these keys (from ${from}); see its own with: hydra config --show-keys`,
    { cause: fault, address, ...(problem === undefined ? {} : { problem }) },
  )
}
