/**
 * How a sign-in at a provider ends that leads nowhere: counted, logged without what was sent, and answered with a page
 * for people, a problem for machines. Nothing of the address gets on from the page: it may hold a code.
 *
 * @module
 */
import { PROBLEM_HEADER } from '@hydra-gateway/protocol'
import { CODES, type ErrorCode } from '../../errors.ts'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import type { Metrics } from '../../observe/metrics.ts'
import { errorPage } from '../../pages/error-page.ts'
import { problemResponse } from '../../pages/local-problem.ts'
import { prefersHtml } from '../../pages/negotiate.ts'
import type { Exchange } from '../../proxy/exchange.ts'

/** For what nobody else may keep, and whose address may hold a code. */
export const PRIVATE: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
}

export interface Refusals {
  /** Writes down that something was refused, and why, by a constant word. */
  note(exchange: Exchange, provider: string, reason: string, more?: Readonly<Record<string, unknown>>): void
  /** The answer that says so. */
  answer(
    exchange: Exchange,
    code: ErrorCode,
    detail?: string,
    more?: { readonly cookies?: readonly string[]; readonly headers?: Readonly<Record<string, string>> },
  ): Response
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
      const { id, method, path } = exchange
      const retry = CODES[code][0] === 503 ? { 'retry-after': '5' } : {}
      const all = { ...PRIVATE, vary: 'accept', [PROBLEM_HEADER]: code, ...retry, ...headers }
      const response = prefersHtml(exchange.headers.all('accept').join(','))
        ? pageResponse(code, detail, { id, method, path })
        : problemResponse(code, detail, id)
      for (const [name, value] of Object.entries(all)) response.headers.set(name, value)
      for (const cookie of cookies) response.headers.append('set-cookie', cookie)
      return response
    },
  }

  function pageResponse(
    code: ErrorCode,
    detail: string | undefined,
    { id, method, path }: Pick<Exchange, 'id' | 'method' | 'path'>,
  ): Response {
    const { html, headers } = errorPage({
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
      retryAfterSeconds: 5,
      person: undefined,
      signIn: '/login',
    })
    return new Response(html, { status: CODES[code][0], headers })
  }
}
