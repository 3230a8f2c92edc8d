/**
 * The page at `/logout`: signing out changes something, so it takes a button.
 *
 * @module
 */
import { creature } from './creature.ts'
import { html } from './html.ts'
import { inlineStyle } from './inline.ts'
import { type Page, renderPage } from './layout.ts'

const SHEET = inlineStyle('login.css')

export interface LogoutFacts {
  readonly siteTitle: string
  readonly exchange: string
  /** Another page sent the form: it was not taken. */
  readonly isForeign: boolean
  /** Other sites the sign-out leads to. */
  readonly leadsTo: readonly string[]
}

export function logoutPage({ siteTitle, exchange, isForeign, leadsTo }: LogoutFacts): Page {
  const happened = isForeign
    ? 'Another site asked for that, so nothing was done.'
    : 'Everything that is open with this sign-in ends, in all tabs.'
  const main = html`<div class="words">
<h1>Sign out?</h1>
<p class="lead">${happened}</p>
<div class="actions"><form method="post" action="/logout"><button class="button">Sign out</button></form><a class="button quiet" href="/">Stay signed in</a></div>
</div>
${creature('watching')}`
  return renderPage({
    siteTitle,
    title: `Sign out · ${siteTitle}`,
    main,
    footer: html`<span>Exchange <samp>${exchange}</samp></span>`,
    look: 'login',
    styles: [SHEET],
    formAction: ["'self'", ...leadsTo],
  })
}
