/**
 * Renewals on the way: a browser that asks for a page with an old token, or none, is sent through `/_hydra/session` and
 * back.
 *
 * Should it come back with nothing better (nodes that don't share their keys, a browser that keeps no cookie), it would
 * go round for ever. A cookie that lives for seconds counts the rounds, and after a few it is taken for what it is.
 *
 * @module
 */
import { cookieValues } from '../proxy/cookies.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { isNavigation, leavesPage } from '../proxy/navigation.ts'
import { cookieLine } from './cookie-line.ts'

const ROUNDS_COOKIE = 'HYDRA-RENEWING'
/** Several pages that are opened at once may each be sent round before the first is back. */
const MOST_ROUNDS = 5
const ROUND_SECONDS = 10

type Asked = Pick<Exchange, 'method' | 'headers' | 'isUpgrade' | 'secure'>

/** Whether a browser has something to renew, and may be sent to do so. `cookies`: all its lines. */
export function mayRenew(exchange: Asked, cookies: readonly string[], renewName: string): boolean {
  if (exchange.method !== 'GET' || exchange.isUpgrade) return false
  return hasToRenew(cookies, renewName) && isNavigation(exchange) && leavesPage(exchange)
}

/** Whether a browser has something to renew, and was not told so several times just now. */
export function hasToRenew(cookies: readonly string[], renewName: string): boolean {
  return cookieValues(cookies, renewName).length > 0 && roundsOf(cookies) < MOST_ROUNDS
}

/** The `Set-Cookie` value that counts one more round. */
export function nextRound(exchange: Asked): string {
  const next = roundsOf(exchange.headers.all('cookie')) + 1
  const options = { path: '/', maxAgeSeconds: ROUND_SECONDS, isSecure: exchange.secure }
  return cookieLine(ROUNDS_COOKIE, String(next), options)
}

function roundsOf(cookies: readonly string[]): number {
  // Another host of the domain may have put one beside ours that never grows.
  const counts = cookieValues(cookies, ROUNDS_COOKIE)
  return Math.max(0, ...counts.map((count) => (/^\d$/.test(count) ? Number(count) : MOST_ROUNDS)))
}
