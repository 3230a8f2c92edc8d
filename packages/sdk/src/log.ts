/**
 * Where the SDK writes: `console` by default; pino, Fastify's `app.log` and the like fit as they are.
 *
 * @module
 */

export interface Log {
  info(message: string): void
  warn(message: string): void
  error(message: string): void
}

/** Writes nothing: `log: false`. */
export const silentLog: Log = { info() {}, warn() {}, error() {} }

const consoleLog: Log = {
  info: (message) => console.info(message),
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
}

/** The log an option stands for. Every message begins with `hydra:` so that it is found among the app's own. */
export function logOf(option: Log | false | undefined): Log {
  if (option === false) return silentLog
  const log = option ?? consoleLog
  return {
    info: (message) => log.info(`hydra: ${message}`),
    warn: (message) => log.warn(`hydra: ${message}`),
    error: (message) => log.error(`hydra: ${message}`),
  }
}
