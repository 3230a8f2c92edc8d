/**
 * Pages that are asked for by their own address, as fetch-style handlers: the welcome page, the explanations of
 * the error codes, the drawings.
 *
 * @module
 */
import { PROBLEM_HEADER } from '@hydra-gateway/protocol'
import type { Exchange } from '../proxy/exchange.ts'
import { explanationPage } from './explain.ts'
import { asset } from './inline.ts'
import type { OpenPage, Page } from './layout.ts'
import { prefersHtml } from './negotiate.ts'
import { notFoundPage } from './not-found.ts'
import { type WelcomeFacts, welcomePage } from './welcome.ts'

export interface LocalPages {
  /** What `/` shows while no service offers it; carries `hydra-welcome: 1`. */
  welcome(request: Request, facts: Omit<WelcomeFacts, 'siteTitle'>): Response
  /** `/_hydra/errors/` and `/_hydra/errors/<code>`; nothing when no code has that name. */
  errors(request: Request): Response | undefined
  /**
   * 404 for people, at a path that is ours and has nothing; nothing for who prefers something else to HTML. `caller`: who
   * asked; without, what is open to everybody is named.
   */
  notFound(request: Request, exchange: string, caller?: Exchange['caller']): Response | undefined
  /** `mark.svg` and `mark-16.svg`, for `/_hydra/<name>`; nothing for any other name. */
  asset(name: string): Response | undefined
}

export interface LocalPagesDeps {
  readonly siteTitle: string
  /** Pages that are open now, for who asks. @default none */
  readonly openPages?: (caller: Exchange['caller']) => readonly OpenPage[]
}

export function createLocalPages({ siteTitle, openPages = () => [] }: LocalPagesDeps): LocalPages {
  return {
    welcome: (request, facts) => respond(request, welcomePage({ ...facts, siteTitle })),
    errors(request) {
      const page = explanationPage(new URL(request.url).pathname, siteTitle)
      return page && respond(request, page)
    },
    notFound(request, exchange, caller) {
      const { method, headers } = request
      if (!prefersHtml(headers.get('accept') ?? undefined)) return undefined
      const code = 'HYDRA_NO_ROUTE'
      const { pathname: path } = new URL(request.url)
      const facts = {
        siteTitle,
        code,
        exchange,
        method,
        path,
        service: undefined,
        openPages: openPages(caller),
      } as const
      const page = notFoundPage({ ...facts, nearest: undefined })
      const more = { [PROBLEM_HEADER]: code, 'cache-control': 'no-store', vary: 'Accept' }
      return respond(request, { ...page, headers: { ...page.headers, ...more } }, 404)
    },
    asset,
  }
}

function respond({ method }: Request, { html, headers }: Page, status = 200): Response {
  return new Response(method === 'HEAD' ? null : html, { status, headers })
}
