/**
 * Answers in place of a service: to the login and back for who opens a page, a plain no for everybody else.
 *
 * A redirect is for navigations alone. What asks in the background would follow it without anybody seeing, and take the
 * login page for data.
 *
 * @module
 */
import { PROBLEM_HEADER } from '@hydra-gateway/protocol'
import { CODES, type ErrorCode, HydraError, toProblem } from '../errors.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { PROBLEM_HEADERS } from '../pages/local-problem.ts'
import type { Answers } from '../proxy/answers.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { linesOfFlat } from '../proxy/lines-of.ts'
import { isNavigation } from '../proxy/navigation.ts'
import { loginAddress, loginChallenge, renewalAddress } from './login-address.ts'
import type { LoginHead } from './login-head.ts'
import type { SignInAnswers } from './port.ts'
import { nextRound } from './renewals.ts'

export interface SignInAnswersDeps {
  readonly answers: Pick<Answers, 'problem'>
  readonly settings: {
    /** Realm of the challenge. */
    readonly siteTitle: string
  }
  /** Called before an answer leaves. `answers` does the same for its own. */
  readonly onHead?: LoginHead | undefined
  readonly log: Pick<Log, 'debug'>
  readonly metrics: Pick<Metrics, 'refused'>
}

/** What decides between them: none may be kept for somebody else. */
const HEADERS = { 'cache-control': 'no-store', vary: 'Cookie, Accept, Sec-Fetch-Mode, Sec-Fetch-Dest' }

const DETAILS = {
  login: undefined,
  provider:
    'The account you are signed in with is not one that is asked for here: sign in with another as well.',
  forbidden: undefined,
} as const

export function createSignInAnswers(deps: SignInAnswersDeps): SignInAnswers {
  const { answers, settings, onHead, log, metrics } = deps
  const challenge = loginChallenge(settings.siteTitle)

  function refuse(exchange: Exchange, code: ErrorCode, detail: string | undefined): void {
    const headers = code === 'HYDRA_LOGIN_REQUIRED' ? { ...HEADERS, 'www-authenticate': challenge } : HEADERS
    // A script that asks for HTML is no person: it gets what scripts can read.
    if (isNavigation(exchange)) answers.problem(exchange, code, detail, headers)
    else {
      const body = JSON.stringify(toProblem(new HydraError(code, detail), exchange.id))
      send(exchange, CODES[code][0], { ...PROBLEM_HEADERS, [PROBLEM_HEADER]: code, ...headers }, body)
    }
  }

  function send(
    exchange: Exchange,
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string,
  ): void {
    if (exchange.answered) {
      exchange.abort()
      return
    }
    onHead?.(exchange, status, linesOfFlat(Object.entries(headers).flat()))
    exchange.answer(status, headers, body)
  }

  return {
    refuse(exchange, route, refusal) {
      if (refusal === 'renew') {
        const location = renewalAddress(exchange) ?? loginAddress(undefined)
        const headers = { location, 'set-cookie': nextRound(exchange) }
        send(exchange, 303, { ...headers, ...HEADERS }, '')
        return
      }
      metrics.refused(exchange.isUpgrade ? 'upgrade' : 'request', refusal)
      log.debug({ exchange: exchange.id, service: route.service, reason: refusal }, 'caller refused')
      if (refusal === 'forbidden') refuse(exchange, 'HYDRA_FORBIDDEN', DETAILS.forbidden)
      else if (opensPage(exchange)) {
        const location = loginAddress(exchange, refusal === 'provider' ? route.service : undefined)
        send(exchange, 303, { [PROBLEM_HEADER]: 'HYDRA_LOGIN_REQUIRED', location, ...HEADERS }, '')
      } else refuse(exchange, 'HYDRA_LOGIN_REQUIRED', DETAILS[refusal])
    },
  }
}

/** What the browser shows next, and can be asked for once more. */
export function opensPage(exchange: Pick<Exchange, 'method' | 'headers' | 'isUpgrade'>): boolean {
  return (exchange.method === 'GET' || exchange.method === 'HEAD') && isNavigation(exchange)
}
