/**
 * Names what went wrong with an instance, from the errors of its sockets. Pure.
 *
 * @module
 */
import type { ForwardFailure } from './exchange.ts'

type Failure = Omit<ForwardFailure, 'bodyConsumed'>

/** Errors that say nobody is there; the word is for log and metrics. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ETIMEDOUT: 'unreachable',
  ENOTFOUND: 'unresolved',
  EAI_AGAIN: 'unresolved',
  EINVAL: 'unreachable',
}

/** This machine has no more files, or no more ports. */
const OUR_LIMITS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS'])

/** A failure before the connection stood: nothing was sent, whatever the method. */
export function connectFailure(cause: unknown): Failure {
  const code = codeOf(cause)
  const word = UNREACHABLE[code]
  if (word) return { code: 'HYDRA_UPSTREAM_BROKEN', reason: word, refused: true, nothingSent: true, cause }
  // Certificates and our own limits say nothing about whether the instance is alive.
  const reason = OUR_LIMITS.has(code) ? 'no-sockets' : 'handshake'
  return { code: 'HYDRA_UPSTREAM_BROKEN', reason, refused: false, nothingSent: true, cause }
}

/** A failure on a connection that stood: the service may have read the request. */
export function streamFailure(cause: unknown, isStale: boolean): Failure {
  const reason = isStale ? 'stale' : 'reset'
  return { code: 'HYDRA_UPSTREAM_BROKEN', reason, refused: false, nothingSent: false, cause }
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | undefined)?.code
  // A name with several addresses fails with all their errors in one.
  if (typeof code !== 'string' && cause instanceof AggregateError) return codeOf(cause.errors[0])
  return typeof code === 'string' ? code : ''
}
