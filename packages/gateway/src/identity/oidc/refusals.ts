/**
 * How a sign-in at a provider ends that leads nowhere: counted, logged without what was sent, and answered with a page
 * for people, a problem for machines. Nothing of the address gets on from the page: it may hold a code.
 *
 * @module
 */
import { CODES, type ErrorCode } from '../../errors.ts'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { errorPage } from '../../pages/error-page.ts'
import type { Page } from '../../pages/layout.ts'
import { prefersHtml } from '../../pages/negotiate.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import { type AnswerParts, pageAnswer, problemAnswer } from '../local-answer.ts'
import { LOGIN_PATH } from '../session-cookies.ts'

/** When a provider that is away may be asked for again. */
const RETRY_SECONDS = 5

/** For answers at an address that may hold a code. */
export const NO_REFERRER: Readonly<Record<string, string>> = { 'referrer-policy': 'no-referrer' }

export interface Refusals {
  /** Writes down that something was refused, and why, by a constant word. */
  note(exchange: Exchange, provider: string, reason: string, more?: Readonly<Record<string, unknown>>): void
  /** The answer that says so. */
  answer(exchange: Exchange, code: ErrorCode, detail?: string, more?: AnswerParts): Response
}

export function createRefusals({
  siteTitle,
  clock,
  log,
  metrics,
}: {
  readonly siteTitle: string
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'warn'>
  readonly metrics: Pick<Metrics, 'refused'>
}): Refusals {
  return {
    note(exchange, provider, reason, more) {
      metrics.refused('login', `oidc-${reason}`)
      const { id, client } = exchange
      log.warn({ exchange: id, provider, client, reason, ...more }, 'sign-in refused')
    },
    answer(exchange, code, detail, { cookies = [], headers = {} } = {}) {
      const retry: AnswerParts['headers'] =
        CODES[code][0] === 503 ? { 'retry-after': String(RETRY_SECONDS) } : {}
      const parts = { cookies, headers: { ...NO_REFERRER, ...retry, ...headers } }
      return prefersHtml(exchange.headers.all('accept').join(','))
        ? pageAnswer(exchange, pageOf(exchange, code, detail), { code, ...parts })
        : problemAnswer(exchange, code, detail, parts)
    },
  }

  function pageOf({ id, method, path }: Exchange, code: ErrorCode, detail: string | undefined): Page {
    return errorPage({
      siteTitle,
      code,
      detail,
      exchange: id,
      method,
      path,
      service: undefined,
      isPart: false,
      downSince: undefined,
      timeoutMs: undefined,
      now: clock.now(),
      openPages: [],
      nearest: undefined,
      retryAfterSeconds: RETRY_SECONDS,
      person: undefined,
      signIn: LOGIN_PATH,
    })
  }
}
