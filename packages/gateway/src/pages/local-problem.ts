/**
 * Problems of what the gateway serves itself: as fetch-style responses, and for doors that answer exchanges as they are.
 *
 * @module
 */
import { PROBLEM_TYPE, type Problem } from '@hydra-gateway/protocol'
import { CODES, type ErrorCode, toProblem } from '../errors.ts'
import type { Exchange } from '../proxy/exchange.ts'

export interface ProblemOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Single faults, for a body that was refused. */
  readonly errors?: Problem['errors']
  /** For the answer to a HEAD request, which has no body. @default false */
  readonly withoutBody?: boolean
}

/** Headers of every problem document; a 503 needs its `retry-after` beside them. */
export const PROBLEM_HEADERS: Readonly<Record<string, string>> = {
  'content-type': PROBLEM_TYPE,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
}

/** The problem document of a code, as a response. */
export function problemResponse(
  code: ErrorCode,
  detail: string | undefined,
  exchangeId: string,
  { headers, errors, withoutBody = false }: ProblemOptions = {},
): Response {
  const body = JSON.stringify(toProblem({ code, detail, errors }, exchangeId))
  return new Response(withoutBody ? null : body, {
    status: CODES[code][0],
    headers: { ...PROBLEM_HEADERS, ...headers },
  })
}

/** Answers an exchange with the problem document of a code. */
export function answerProblem(
  exchange: Pick<Exchange, 'id' | 'answer'>,
  code: ErrorCode,
  detail: string | undefined,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = JSON.stringify(toProblem({ code, detail, errors: undefined }, exchange.id))
  exchange.answer(CODES[code][0], { ...PROBLEM_HEADERS, ...headers }, body)
}
