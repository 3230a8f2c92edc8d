/**
 * What every page of ours has in common: brand, ground line, headers, and the facts for support below the line.
 *
 * @module
 */
import { CODES, type ErrorCode } from '../errors.ts'
import { DRAWINGS } from './creature.ts'
import { html, type Markup, type Piece, textOf } from './html.ts'
import { ICON, type Inlined, type PolicyParts, policy, STYLE } from './inline.ts'

/** A whole page, ready to be answered. The status is the caller's. */
export interface Page {
  readonly html: string
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
}

export interface PageParts extends PolicyParts {
  /** Brand text beside the mark. */
  readonly siteTitle: string
  readonly title: string
  readonly main: Markup
  readonly footer: Markup
  /** Class of the body beside `ground`. */
  readonly look?: string
  /** More for the head, and more attributes for the body. */
  readonly head?: Markup
  readonly data?: Markup
  readonly script?: Inlined
}

/** Name of the product where the operator gave none. */
export const DEFAULT_SITE_TITLE = 'Hydra gateway'

/** Puts a page together. */
export function renderPage(parts: PageParts): Page {
  const { siteTitle, title, main, footer, look, head, data, script, styles = [] } = parts
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="${ICON}" type="image/svg+xml">
${head}${STYLE.markup}${styles.map(({ markup }) => markup)}
</head>
<body class="ground${look && ` ${look}`}"${data}>
<header><a class="brand" href="/"><svg aria-hidden="true"><use href="#mark"/></svg>${siteTitle}</a></header>
<main>
${main}
</main>
<footer>${footer}</footer>
${DRAWINGS}
${script?.markup}
</body>
</html>
`
  return { html: textOf(page), headers: pageHeaders(parts) }
}

function pageHeaders(parts: PolicyParts): Record<string, string> {
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-language': 'en',
    'cache-control': 'no-store',
    'content-security-policy': policy(parts),
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
  }
}

/** A page of this site that is open now, under the name visitors know. */
export interface OpenPage {
  readonly path: string
  readonly label: string
}

/** What every error page is told. */
export interface ErrorFacts {
  readonly siteTitle: string
  readonly code: ErrorCode
  readonly exchange: string
  readonly method: string
  /** Path as it was asked for, without the query. */
  readonly path: string
  /** What visitors call the service; absent when the request never got as far as one. */
  readonly service: string | undefined
  /** It makes a part of the page only, without which the page can't be shown. */
  readonly isPart?: boolean
  readonly openPages: readonly OpenPage[]
}

/** Status, code and exchange id, for whoever is asked for help. */
export function supportFacts({ code, exchange }: ErrorFacts): Markup {
  return html`<span>${CODES[code][0]}</span><a class="soft" href="/_hydra/errors/${code}">${code}</a><span>Exchange <samp>${exchange}</samp></span>`
}

/** Methods after which the same address may be opened again without doing anything twice. */
export function isRepeatable({ method }: Pick<ErrorFacts, 'method'>): boolean {
  return method === 'GET' || method === 'HEAD'
}

/**
 * Buttons: the first is the one in ink. `again` opens this address anew and is offered only where that can't
 * repeat what the visitor did; the other leads to an open page elsewhere, or home. `first` stands before both.
 */
export function waysOn(
  facts: ErrorFacts,
  again: string | undefined,
  first?: { readonly href: string; readonly text: string },
): Markup {
  const elsewhere = facts.openPages.find(({ path }) => path !== facts.path)
  const links = [
    ...(first ? [first] : []),
    ...(again !== undefined && isRepeatable(facts) ? [{ href: '', text: again }] : []),
    ...(elsewhere ? [{ href: elsewhere.path, text: `Go to ${elsewhere.label}` }] : homeLink(facts)),
  ]
  if (links.length === 0) return html``
  const buttons = links.map(
    ({ href, text }, index) => html`<a class="button${index > 0 && ' quiet'}" href="${href}">${text}</a> `,
  )
  return html`<p class="actions">${buttons}</p>`
}

function homeLink({ path }: ErrorFacts): { href: string; text: string }[] {
  return path === '/' ? [] : [{ href: '/', text: 'Go to the first page' }]
}

/** The three parts of every error, in their order: what happened, what we are doing, what you can do. */
export function words(title: Piece, happened: Piece, doing: Piece, rest: Markup): Markup {
  return html`<div class="words">
<h1>${title}</h1>
<p class="lead">${happened}</p>
<p>${doing}</p>
${rest}
</div>`
}
