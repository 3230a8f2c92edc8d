/**
 * 404: no service offers this path. A path that a service offered and lost gets the 503 page, never this one.
 * The suggestion and the links come from what is open now, so none of them is dead.
 *
 * @module
 */
import { creature } from './creature.ts'
import { html, shortened } from './html.ts'
import { type ErrorFacts, type Page, renderPage, supportFacts } from './layout.ts'

/** Links shown under "Open right now". */
const MOST_LINKS = 12

export function notFoundPage(facts: ErrorFacts & { readonly nearest: string | undefined }): Page {
  const { siteTitle, path, nearest, openPages } = facts
  const links = openPages.slice(0, MOST_LINKS)
  const main = html`<div class="words">
<h1>There is nothing at this address</h1>
<p class="lead">No service here offers <code>${shortened(path)}</code>. The link may be mistyped, or older than this site.</p>
<p>We looked in every service that is up and every one we remember. Your request was not passed on to anyone.</p>
${
  nearest !== undefined
    ? html`<p class="actions"><a class="button" href="${nearest}">Did you mean ${shortened(nearest)}?</a></p>`
    : links.length === 0 &&
      path !== '/' &&
      html`<p class="actions"><a class="button" href="/">Go to the first page</a></p>`
}
${
  links.length > 0 &&
  html`<nav class="open-now" aria-labelledby="open"><h2 id="open">Open right now</h2>
<ul class="links">${links.map((link) => html`<li><a href="${link.path}">${shortened(link.label)}</a></li>`)}</ul></nav>`
}
</div>
${creature('searching')}`
  return renderPage({
    siteTitle,
    title: 'There is nothing at this address',
    main,
    footer: supportFacts(facts),
  })
}
