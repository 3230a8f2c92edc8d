/**
 * Failures that travel over a channel.
 *
 * RSocket gives an error a number and a text. The text of ours begins with the gateway's own error code
 * (`HYDRA_UNAUTHORIZED: …`) where there is one, so that a client can tell apart what RSocket's few numbers
 * can't, and a person reading a log still sees a sentence.
 *
 * @module
 */
import { ERROR_CODES } from './words.ts'

const WITH_PROBLEM = /^(HYDRA_[A-Z_]+): /

/** A failure at either end of a channel. `problem` is the gateway's code for it, where it has one. */
export class RSocketError extends Error {
  /** One of `ERROR_CODES`, or another number the peer sent. */
  readonly code: number
  readonly problem: string | undefined

  constructor(code: number, message: string, problem?: string) {
    super(message)
    this.name = 'RSocketError'
    this.code = code
    this.problem = problem
  }
}

/** A message may quote what the peer sent, which may be long. */
const MOST_CHARACTERS = 1000

/** The text an ERROR frame carries. */
export function formatErrorText({ problem, message }: RSocketError): string {
  const text = problem === undefined ? message : `${problem}: ${message}`
  return text.slice(0, MOST_CHARACTERS)
}

/** The error an ERROR frame describes. */
export function parseErrorText(code: number, text: string): RSocketError {
  const problem = WITH_PROBLEM.exec(text)
  return problem
    ? new RSocketError(code, text.slice(problem[0].length), problem[1])
    : new RSocketError(code, text)
}

/** What a peer says that doesn't serve a route. */
export function unknownRoute(route: string): RSocketError {
  return new RSocketError(
    ERROR_CODES.APPLICATION_ERROR,
    `there is no route ${JSON.stringify(route.slice(0, 80))}`,
  )
}

/** Ours, and what Spring's messages begin with. */
const UNKNOWN_ROUTE = /^(?:there is no route |No handler for destination )/

/** Whether a peer doesn't serve the route it was asked for, in the way it was asked: as a stream, or for one answer. */
export function isUnknownRoute({ code, problem, message }: RSocketError): boolean {
  return code === ERROR_CODES.APPLICATION_ERROR && problem === undefined && UNKNOWN_ROUTE.test(message)
}

/** Anything a handler threw, as an error that may be shown to the peer; undefined when it is a bug of ours. */
export function toRSocketError(thrown: unknown): RSocketError | undefined {
  if (thrown instanceof RSocketError) return thrown
  if (!(thrown instanceof Error)) return undefined
  const code: unknown = 'code' in thrown ? thrown.code : undefined
  if (typeof code !== 'string' || !code.startsWith('HYDRA_')) return undefined
  return new RSocketError(ERROR_CODES.APPLICATION_ERROR, thrown.message, code)
}
