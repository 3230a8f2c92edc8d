/**
 * The log: events with fields, one JSON line each. Secrets are redacted here and nowhere else.
 *
 * @module
 */
import pino, { type DestinationStream, type Logger } from 'pino'

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  child(fields: Record<string, unknown>): Log
}

/**
 * Fields that are never written, at the top and inside `headers`. Named one by one: a wildcard would cost every
 * line of the access log a walk over all its fields.
 */
const SECRET = ['authorization', 'cookie', 'set-cookie', 'token', 'privateKey', 'password']
const REDACTED = SECRET.flatMap((field) => [`["${field}"]`, `headers["${field}"]`])

/** Makes the log. `level` is one of pino's; `silent` writes nothing. */
export function createLog(level: string, destination?: DestinationStream): Log {
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 1, sync: false }),
  )
}
