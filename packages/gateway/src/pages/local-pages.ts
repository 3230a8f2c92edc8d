/**
 * Pages that are asked for by their own address, as fetch-style handlers: the welcome page, the explanations of
 * the error codes, the drawings.
 *
 * @module
 */
import { explanationPage } from './explain.ts'
import { asset } from './inline.ts'
import type { Page } from './layout.ts'
import { type WelcomeFacts, welcomePage } from './welcome.ts'

export interface LocalPages {
  /** What `/` shows while no service offers it; carries `hydra-welcome: 1`. */
  welcome(request: Request, facts: Omit<WelcomeFacts, 'siteTitle'>): Response
  /** `/_hydra/errors/` and `/_hydra/errors/<code>`; nothing when no code has that name. */
  errors(request: Request): Response | undefined
  /** `mark.svg` and `mark-16.svg`, for `/_hydra/<name>`; nothing for any other name. */
  asset(name: string): Response | undefined
}

export function createLocalPages({ siteTitle }: { readonly siteTitle: string }): LocalPages {
  return {
    welcome: (request, facts) => respond(request, welcomePage({ ...facts, siteTitle })),
    errors(request) {
      const page = explanationPage(new URL(request.url).pathname, siteTitle)
      return page && respond(request, page)
    },
    asset,
  }
}

function respond({ method }: Request, { html, headers }: Page): Response {
  return new Response(method === 'HEAD' ? null : html, { headers })
}
