/**
 * Answers that browsers may keep, and ask again whether they are still right.
 *
 * @module
 */
import { hash } from 'node:crypto'
import { answerProblem } from '../pages/local-problem.ts'
import type { Exchange } from '../proxy/exchange.ts'

/** The tag of a body: the same body, the same tag, on every node. */
export function etagOf(body: string): string {
  return `"${hash('sha256', body, 'base64url').slice(0, 22)}"`
}

/** True for GET and HEAD; anything else is answered with 405. */
export function allowsLook(exchange: Exchange): boolean {
  const { method } = exchange
  if (method === 'GET' || method === 'HEAD') return true
  answerProblem(exchange, 'HYDRA_METHOD_NOT_ALLOWED', undefined, { allow: 'GET, HEAD' })
  return false
}

/** Answers with a body, or with 304 when the visitor has it. To HEAD without it. */
export function answerCached(
  exchange: Exchange,
  headers: Readonly<Record<string, string>>,
  body: string,
  etag: string = etagOf(body),
): void {
  const all = { etag, 'x-content-type-options': 'nosniff', ...headers }
  if (hasTag(exchange.headers.all('if-none-match').join(), etag)) {
    const { 'content-type': _, ...rest } = all as Record<string, string>
    exchange.answer(304, rest)
  } else exchange.answer(200, all, body)
}

/** RFC 9110, 13.1.2: compared weakly, since compression makes the tag weak. */
function hasTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === '') return false
  return ifNoneMatch.split(',').some((each) => {
    const tag = each.trim()
    return tag === '*' || tag === etag || tag === `W/${etag}`
  })
}
