/**
 * What a visitor gets when no service answers: a page for people, a problem document for machines, the fallback
 * of the route where there is one (design D11).
 *
 * Decides and writes; it never asks a service and never waits.
 *
 * @module
 */
import { PROBLEM_HEADER } from '@hydra-gateway/protocol'
import { CODES, type ErrorCode, HydraError, toProblem } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import { errorPage } from '../pages/error-page.ts'
import type { OpenPage } from '../pages/layout.ts'
import { livingFallback } from '../pages/living-fallback.ts'
import { PROBLEM_HEADERS } from '../pages/local-problem.ts'
import { nearestPath } from '../pages/nearest.ts'
import { prefersHtml } from '../pages/negotiate.ts'
import { type Fallback, parseFallback } from '../routing/fallback.ts'
import type { Route } from '../routing/route.ts'
import type { Service } from '../routing/upstream.ts'
import type { Exchange, HeaderLines } from './exchange.ts'
import { flywheelBody } from './flywheel-answers.ts'
import { linesOfFlat } from './lines-of.ts'
import { createRecent } from './recent.ts'

export interface AnswersParts {
  readonly settings: {
    /** Brand text on the pages. */
    readonly siteTitle: string
    /** When whoever gets a 503 may ask again. @default 5 */
    readonly retryAfterSeconds?: number
    /** Time over which pages that wait for a service open it again when it has returned. @default 1000 */
    readonly spreadMs?: number
  }
  serviceOf(name: string): Service | undefined
  /** True when something answers GET at a path of this site now. */
  isServing(path: string): boolean
  /** What a visitor can open now, in the order of the menus: nothing that is not for them. */
  openPages(caller: Caller): readonly OpenPage[]
  /** The open path a mistyped one probably meant: one that is for this visitor. @default the nearest of `openPages` */
  nearest?(path: string, caller: Caller): string | undefined
  /** Called before an answer leaves: the last moment for `addHeader`. @default nobody is */
  readonly onHead?: ((exchange: Exchange, status: number, headers: HeaderLines) => void) | undefined
  readonly clock: Pick<Clock, 'now'>
  readonly log: Pick<Log, 'debug' | 'error'>
  readonly metrics: Pick<Metrics, 'refused'>
}

export interface Answers {
  /** Answers with a code. `headers` go with it: `allow` of a 405, `www-authenticate` of a 401. */
  problem(
    exchange: Exchange,
    code: ErrorCode,
    detail?: string,
    headers?: Readonly<Record<string, string>>,
  ): void
  /** Nobody serves this route now: its fallback, its service's, or 503. */
  unavailable(exchange: Exchange, route: Route): void
  /** The page is there, but a fragment it can't be shown without is not: as `unavailable` or `problem`, of its service. */
  incomplete(exchange: Exchange, route: Route, code: ErrorCode, missing: MissingFragment): void
  /** The page of a refusal before there was an exchange, or none. Names of headers in any case. */
  unreadablePage(
    code: ErrorCode,
    detail: string | undefined,
    exchangeId: string,
  ): { readonly headers: Headers; readonly html: string } | undefined
  /** Answers an error that was thrown; one nobody foresaw is logged whole and shown as its exchange id. */
  failure(exchange: Exchange, error: unknown): void
}

/** A fragment without which there is no page. */
export interface MissingFragment {
  readonly service: string
  readonly ref: string
  /** A constant word. */
  readonly reason: string
}

type Caller = Exchange['caller']
type Headers = Readonly<Record<string, string>>

/** Fallbacks that are kept ready. */
const MOST_FALLBACKS = 64

const HTML_FALLBACK_HEADERS: Headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  vary: 'accept',
}

/** Makes the answers of one gateway. After the head of an answer has left, all of them end the connection instead. */
export function createAnswers(parts: AnswersParts): Answers {
  const { settings, serviceOf, isServing, clock, log, metrics } = parts
  const retryAfterSeconds = settings.retryAfterSeconds ?? 5
  const retryAfter = { 'retry-after': String(retryAfterSeconds) }
  const nearest = parts.nearest ?? nearestOpenPage

  const fallbacks = createRecent<string>(MOST_FALLBACKS)

  /** A fallback that turns back; made once while it is asked for. */
  function living(html: string): string {
    const known = fallbacks.get(html)
    if (known !== undefined) return known
    const made = livingFallback(html)
    fallbacks.add(html, made)
    return made
  }

  function problem(exchange: Exchange, code: ErrorCode, detail?: string, headers?: Headers): void {
    answerError(exchange, new HydraError(code, detail), { headers })
  }

  function incomplete(exchange: Exchange, route: Route, code: ErrorCode, missing: MissingFragment): void {
    if (code === 'HYDRA_NO_INSTANCE' && fallBack(exchange, route, { turnsBack: false })) return
    const { service, ref, reason } = missing
    const detail = `The page can't be shown without the fragment ${ref} of ${service}, which is not there (${reason}).`
    answerError(exchange, new HydraError(code, detail), { missing })
  }

  function unavailable(exchange: Exchange, route: Route): void {
    exchange.route ??= route
    if (!fallBack(exchange, route, { turnsBack: true }))
      answerError(exchange, new HydraError('HYDRA_NO_INSTANCE'))
  }

  /**
   * Answers with the fallback, where there is one for this visitor. It turns back when the route is served again, which
   * it is all the time where only a part of the page is missing.
   */
  function fallBack(exchange: Exchange, route: Route, { turnsBack }: { turnsBack: boolean }): boolean {
    const text = route.fallback ?? serviceOf(route.service)?.fallback
    const fallback = text !== undefined && mayFallBack(exchange) ? parseFallback(text) : undefined
    if (fallback?.kind === 'html') {
      const headers = { ...HTML_FALLBACK_HEADERS, ...retryAfter }
      send(exchange, 503, 'HYDRA_NO_INSTANCE', headers, turnsBack ? living(fallback.html) : fallback.html)
    } else if (fallback && leadsSomewhere(exchange, fallback)) {
      send(exchange, 302, 'HYDRA_NO_INSTANCE', {
        location: fallback.location,
        'cache-control': 'no-store',
        vary: 'accept',
        ...retryAfter,
      })
    } else return false
    return true
  }

  function failure(exchange: Exchange, error: unknown): void {
    if (error instanceof HydraError && error.code !== 'HYDRA_INTERNAL') {
      // Whoever calls `problem` has counted why; what was thrown is counted here.
      if (CODES[error.code][0] < 500) metrics.refused(exchange.isUpgrade ? 'upgrade' : 'request', error.code)
      log.debug({ exchange: exchange.id, code: error.code, err: error }, 'exchange refused')
      answerError(exchange, error)
    } else {
      log.error({ exchange: exchange.id, method: exchange.method, err: error }, 'exchange failed')
      // Its words were written for the log.
      answerError(exchange, new HydraError('HYDRA_INTERNAL'))
    }
  }

  /** Services write their menu items themselves: only what stays on this site becomes a link. */
  function openPages(caller: Caller): readonly OpenPage[] {
    return parts.openPages(caller).filter(({ path }) => parseFallback(path)?.kind === 'path')
  }

  function nearestOpenPage(path: string, caller: Caller): string | undefined {
    const open = openPages(caller).map((page) => page.path)
    return nearestPath(path, open, isServing)
  }

  /** Never to a route that is down, and never to where the visitor already is. */
  function leadsSomewhere(exchange: Exchange, fallback: Exclude<Fallback, { kind: 'html' }>): boolean {
    const here = fallback.kind === 'path' || fallback.authority === exchange.authority.toLowerCase()
    return !here || (fallback.path !== exchange.path && isServing(fallback.path))
  }

  function answerError(
    exchange: Exchange,
    error: HydraError,
    { headers, missing }: { readonly headers?: Headers | undefined; readonly missing?: MissingFragment } = {},
  ): void {
    const [status] = CODES[error.code]
    const { flywheel } = exchange
    const more = {
      vary: 'accept',
      ...(status === 503 ? retryAfter : {}),
      ...flywheel?.ownLines,
      ...headers,
    }
    // Whoever challenges says that there is a way to sign in.
    const maySignIn = headers?.['www-authenticate'] !== undefined
    const page = wantsPage(exchange) ? pageOf(exchange, error, { missing, maySignIn }) : undefined
    const { code } = error
    if (page) send(exchange, status, code, { ...page.headers, ...more }, page.html)
    else if (flywheel) {
      const body = flywheelBody(exchange, flywheel, error)
      send(exchange, status, code, { ...PROBLEM_HEADERS, 'content-type': 'application/json', ...more }, body)
    } else {
      const body = JSON.stringify(toProblem(error, exchange.id))
      send(exchange, status, code, { ...PROBLEM_HEADERS, ...more }, body)
    }
  }

  function pageOf(
    exchange: Pick<Exchange, 'id' | 'method' | 'path' | 'route' | 'caller'>,
    { code, detail }: HydraError,
    {
      missing,
      maySignIn = false,
    }: { readonly missing?: MissingFragment | undefined; readonly maySignIn?: boolean } = {},
  ): ReturnType<typeof errorPage> | undefined {
    try {
      const name = missing?.service ?? exchange.route?.service
      const service = name === undefined ? undefined : serviceOf(name)
      return errorPage({
        siteTitle: settings.siteTitle,
        retryAfterSeconds,
        ...(settings.spreadMs !== undefined && { spreadMs: settings.spreadMs }),
        code,
        detail,
        exchange: exchange.id,
        method: exchange.method,
        path: exchange.path,
        service: service?.title ?? missing?.service,
        isPart: missing !== undefined,
        downSince: service?.downSince,
        timeoutMs: missing ? undefined : exchange.route?.timeoutMs,
        now: clock.now(),
        openPages: openPages(exchange.caller),
        nearest: code === 'HYDRA_NO_ROUTE' ? nearest(exchange.path, exchange.caller) : undefined,
        person: exchange.caller?.identities[0]?.username,
        signIn: maySignIn || exchange.caller !== undefined ? loginFor(exchange) : undefined,
      })
    } catch (error) {
      // A page is a courtesy: the problem document says the same, and its status is what counts.
      log.error({ exchange: exchange.id, code, err: error }, 'error page failed')
      return undefined
    }
  }

  /**
   * One place writes, so that an answer that has begun is cut, and seen as cut, whatever was to be said. Each says by a
   * header that it is none of a service's, and why.
   */
  function send(exchange: Exchange, status: number, code: ErrorCode, more: Headers, body?: string): void {
    if (exchange.answered) {
      exchange.abort()
      return
    }
    const headers = { [PROBLEM_HEADER]: code, ...more }
    parts.onHead?.(exchange, status, linesOfFlat(Object.entries(headers).flat()))
    exchange.answer(status, headers, body)
  }

  function unreadablePage(code: ErrorCode, detail: string | undefined, exchangeId: string) {
    const nowhere = { id: exchangeId, method: 'GET', path: '/', route: undefined, caller: undefined }
    return pageOf(nowhere, new HydraError(code, detail))
  }

  return { problem, unavailable, incomplete, unreadablePage, failure }
}

function wantsPage(exchange: Exchange): boolean {
  return !exchange.isUpgrade && prefersHtml(exchange.headers.all('accept').join(','))
}

/** The login page, which leads back to what was asked for where that may be asked for again. */
function loginFor({ method, path }: Pick<Exchange, 'method' | 'path'>): string {
  const mayComeBack = (method === 'GET' || method === 'HEAD') && !path.startsWith('//')
  return mayComeBack ? `/login?ref=${encodeURIComponent(path)}` : '/login'
}

function mayFallBack(exchange: Exchange): boolean {
  return (exchange.method === 'GET' || exchange.method === 'HEAD') && wantsPage(exchange)
}
