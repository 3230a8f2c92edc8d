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
    info: (message) => log.info(`hydra: ${withoutEscapes(message)}`),
    warn: (message) => log.warn(`hydra: ${withoutEscapes(message)}`),
    error: (message) => log.error(`hydra: ${withoutEscapes(message)}`),
  }
}

/** What would move the cursor of a terminal, or colour what others say. */
const ESCAPES = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g
const CONTROLS = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g
const LONGEST_NAME = 256

function withoutEscapes(message: string): string {
  return message.replace(ESCAPES, escaped)
}

/** A name that may come from anybody, to stand in a message: it stays in its line. */
export function nameForLog(name: string): string {
  const short = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name
  return short.replace(CONTROLS, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
