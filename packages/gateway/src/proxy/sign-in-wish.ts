/**
 * A service that wants a visitor to sign in says so with its answer: he gets another one, which brings him to the login.
 *
 * @module
 */
import type { ResponseHead } from '../http1/head.ts'
import type { Engine } from './forward.ts'
import { linesOf } from './lines-of.ts'
import { mayAskSignIn } from './service-sign-in.ts'
import { type AnswerSource, keptSetCookies } from './set-cookie.ts'
import type { WireExchange } from './wire-exchange.ts'

/** Where the visitor goes instead of getting this answer; undefined: it goes on as it is. */
export function signInWish(
  { signIn }: Pick<Engine, 'signIn'>,
  exchange: WireExchange,
  head: ResponseHead,
): string | undefined {
  // By the rules of hydra-router visitors get what a service answers, whatever that is.
  if (signIn === undefined || !mayAskSignIn(head.status) || exchange.flywheel !== undefined) return undefined
  return signIn.wishOf(exchange, head.status, linesOf(head))
}

/** Lines of the answer that brings him there: the service's cookies, and nothing else of what it said. */
export function signInLines(location: string, head: ResponseHead, source: AnswerSource): string[] {
  const flat = ['Location', location, 'Cache-Control', 'no-store', 'Vary', 'Cookie, Accept, Sec-Fetch-Mode']
  for (const cookie of keptSetCookies(head, source)) flat.push('Set-Cookie', cookie)
  return flat
}
