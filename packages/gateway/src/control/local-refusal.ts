/**
 * Problems as answers of doors that have no fetch-style handler.
 *
 * @module
 */
import { CODES, type ErrorCode, toProblem } from '../errors.ts'
import { PROBLEM_HEADERS } from '../pages/local-problem.ts'
import type { Exchange } from '../proxy/exchange.ts'

/** Answers with the problem document of a code. */
export function answerProblem(
  exchange: Exchange,
  code: ErrorCode,
  detail: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(toProblem({ code, detail, errors: undefined }, exchange.id))
  exchange.answer(CODES[code][0], { ...PROBLEM_HEADERS, ...headers }, body)
}

/** True for GET and HEAD; anything else is answered with 405. */
export function isLook(exchange: Exchange): boolean {
  const { method } = exchange
  if (method === 'GET' || method === 'HEAD') return true
  answerProblem(exchange, 'HYDRA_METHOD_NOT_ALLOWED', undefined, { allow: 'GET, HEAD' })
  return false
}
