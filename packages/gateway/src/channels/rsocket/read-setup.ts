/**
 * Reads what a service says when it opens a line, in the order that tells strangers least: keys, manners, registration.
 *
 * @module
 */
import {
  ERROR_CODES,
  KEEP_ALIVE_MS,
  LIFETIME_MS,
  ROUTES,
  type RSocketError,
  type Setup,
} from '@hydra-gateway/protocol/rsocket'
import { HydraError } from '../../errors.ts'
import { hasForbiddenKey } from '../json-body.ts'
import { parseRegistration, type ReadRegistration } from '../parse-registration.ts'

export interface SetupRules {
  readonly keys: { accepts(publicKey: string, privateKey: string): boolean }
  readonly settings: { readonly maxRegistrationBytes: number; readonly maxRoutes: number }
  /** Counts and logs that somebody was refused. Returns what he is told. */
  readonly refusal: (reason: string, code: number, problem: string, message: string) => RSocketError
}

const { INVALID_SETUP, REJECTED_SETUP } = ERROR_CODES

/** @throws RSocketError */
export function readSetup(setup: Setup, { keys, settings, refusal }: SetupRules): ReadRegistration {
  const { credentials } = setup
  if (!credentials || !keys.accepts(credentials.publicKey, credentials.privateKey)) {
    throw refusal(
      'wrong-keys',
      REJECTED_SETUP,
      'HYDRA_UNAUTHORIZED',
      credentials ? 'the keys are wrong' : 'SETUP carries no keys',
    )
  }
  const { keepAliveMs, lifetimeMs } = setup
  // `medusa.md` 7.2: otherwise a silent death would be noticed later than promised.
  if (keepAliveMs < 1 || keepAliveMs > KEEP_ALIVE_MS || lifetimeMs < 1 || lifetimeMs > LIFETIME_MS) {
    throw refusal(
      'keep-alive',
      REJECTED_SETUP,
      'HYDRA_BAD_REQUEST',
      `keepAlive may be ${KEEP_ALIVE_MS} ms and lifetime ${LIFETIME_MS} ms at most`,
    )
  }
  if (setup.route !== ROUTES.setup) {
    throw refusal(
      'unknown-setup',
      INVALID_SETUP,
      'HYDRA_BAD_REQUEST',
      `the route of SETUP must be ${ROUTES.setup}`,
    )
  }
  if (setup.sizeBytes > settings.maxRegistrationBytes) {
    throw refusal(
      'data-too-large',
      INVALID_SETUP,
      'HYDRA_TOO_LARGE',
      `a registration may have ${settings.maxRegistrationBytes} bytes`,
    )
  }
  try {
    return readBean(setup.readData(), settings.maxRoutes)
  } catch (error) {
    throw refusal('bad-registration', INVALID_SETUP, 'HYDRA_BAD_REGISTRATION', (error as Error).message)
  }
}

/** @throws HydraError HYDRA_BAD_REGISTRATION, HYDRA_TOO_LARGE */
export function readBean(data: unknown, maxRoutes: number): ReadRegistration {
  if (hasForbiddenKey(data)) {
    throw new HydraError('HYDRA_BAD_REGISTRATION', 'the keys __proto__ and constructor can not be used')
  }
  return parseRegistration(data, maxRoutes)
}
