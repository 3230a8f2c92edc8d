/**
 * The log: events with fields, one JSON line each. Secrets are redacted here and nowhere else.
 *
 * @module
 */
import pino, { type DestinationStream, type Logger } from 'pino'
import { createLineWriter } from './destination.ts'
import { createLineFile } from './line-file.ts'

export type Log = Pick<Logger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'isLevelEnabled'> & {
  child(fields: Record<string, unknown>): Log
  /**
   * Writes finished lines, each with its line feed, to where the others go, whatever the level. False when they
   * were not taken: the destination is closed, or stands still with megabytes unwritten.
   */
  raw(text: string): boolean
  /** The same for bytes in UTF-8, whose memory may be used again. */
  rawBytes(bytes: Buffer): boolean
  /** Calls `run` before the log is flushed: for whoever keeps lines back. Returns how to end that. */
  onFlush(run: () => void): () => void
  /** Writes what was kept back, and what the destination holds, before it returns: for the end of a process. */
  flushSync(): void
}

/**
 * Fields that are never written, at the top and inside `headers`. Named one by one: a wildcard would cost every
 * line of the log a walk over all its fields.
 */
const SECRET = ['authorization', 'cookie', 'set-cookie', 'token', 'privateKey', 'password']
const REDACTED = SECRET.flatMap((field) => [`["${field}"]`, `headers["${field}"]`])

/** Changes what is written from now on; children that were made before keep their level. */
export function setLogLevel(log: Log, level: string): void {
  ;(log as unknown as Logger).level = level
}

/**
 * Makes the log. `level` is one of pino's; `silent` writes nothing. A destination that is no stream is given one
 * line a call.
 */
export function createLog(level: string, destination: DestinationStream = createLineFile(1)): Log {
  const logger: Logger = pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
    },
    destination,
  )
  const writer = createLineWriter(destination)
  const keepers = new Set<() => void>()
  const more: Pick<Log, 'raw' | 'rawBytes' | 'onFlush' | 'flushSync'> = {
    raw: writer.write,
    rawBytes: (bytes) => writer.writeBytes(bytes),
    onFlush(run) {
      keepers.add(run)
      return () => void keepers.delete(run)
    },
    flushSync() {
      for (const run of keepers) run()
      writer.flushSync()
    },
  }
  // Children have their parent as prototype, so they have these as well; pino's types can't know.
  return Object.assign(logger, more) as unknown as Log
}
