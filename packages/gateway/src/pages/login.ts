/**
 * The login page: for somebody new, for somebody who is signed in already, and for somebody a service knows by another
 * login. One document, no script; the creature looks away while a password is typed.
 *
 * @module
 */
import { creature } from './creature.ts'
import { html, type Markup, shortened } from './html.ts'
import { type Inlined, inlineRules, inlineStyle } from './inline.ts'
import { type Page, renderPage } from './layout.ts'
import {
  type LoginHidden,
  type LoginNotice,
  type LoginProvider,
  loginForm,
  noticeNote,
  noticeWords,
  providerList,
  signedInActions,
} from './login-parts.ts'

const SHEET = inlineStyle('login.css')

export interface LoginFacts {
  readonly siteTitle: string
  readonly exchange: string
  readonly hidden: LoginHidden
  /** What was typed before; never a password. */
  readonly username: string
  /** Whether user name and password are a way in, for what is asked. */
  readonly hasForm: boolean
  readonly providers: readonly LoginProvider[]
  readonly notice: LoginNotice | undefined
  /** User name of who is signed in already. */
  readonly signedInAs: string | undefined
  /** Present when a service knows people by other logins: its title, and what these are called. */
  readonly link: { readonly title: string; readonly knownBy: readonly string[] } | undefined
  /** Other sites a sign-out leads to. */
  readonly leadsTo?: readonly string[]
}

/** The login page. The status is the caller's. */
export function loginPage(facts: LoginFacts): Page {
  const { siteTitle, exchange, notice, signedInAs, link, leadsTo = [] } = facts
  const { title, lead, ways } = wordsOf(facts)
  const main = html`<div class="words">
<h1>${title}</h1>
${lead}
${notice && !isTitle(notice) && noticeNote(notice)}
${ways}
</div>
${creature('watching')}`
  const pause: Inlined[] =
    notice?.kind === 'throttled' ? [pauseRules(Math.max(1, Math.ceil(notice.waitMs / 1000)))] : []
  return renderPage({
    siteTitle,
    title: `${signedInAs !== undefined && !link ? 'Signed in' : 'Sign in'} · ${siteTitle}`,
    main,
    footer: html`${facts.hasForm && html`<span>Your password goes to this site only, never to the services behind it.</span>`}<span>Exchange <samp>${exchange}</samp></span>`,
    look: 'login',
    styles: [SHEET, ...pause],
    formAction: ["'self'", ...leadsTo],
  })
}

/** Swaps the two buttons when the pause is over, without a script: only this answer knows when that is. */
function pauseRules(seconds: number): Inlined {
  return inlineRules(
    `.turns .send{animation:free 1ms ${seconds}s both}.turns .held{animation:over 1ms ${seconds}s both}`,
  )
}

interface Words {
  readonly title: string
  readonly lead: Markup
  readonly ways: Markup
}

function wordsOf(facts: LoginFacts): Words {
  const { signedInAs, link, hidden, notice } = facts
  const target = html`<code>${shortened(hidden.ref ?? '/')}</code>`
  if (link) {
    const known = link.knownBy.length > 0 ? link.knownBy.join(' or ') : 'a login that is not set up here'
    const title = `${link.title} knows you by ${known}`
    const who = signedInAs !== undefined && shortened(signedInAs, 40)
    if (link.knownBy.length === 0) {
      const lead =
        who !== false && html`<p>You are signed in as ${who}, which is good for the rest of the site.</p>`
      return { title, lead: html`${lead}`, ways: html`<p>The people who run this site can change that.</p>` }
    }
    const ways = waysIn(facts, who === false ? 'Sign in' : 'Sign in as well', true)
    if (who === false)
      return { title, lead: html`<p>Sign in with it once. Afterwards you continue at ${target}.</p>`, ways }
    const lead = html`<p>You are signed in as ${who}. Sign in there once as well: both belong together from then on, and one sign-in opens everything. Afterwards you continue at ${target}.</p>`
    return { title, lead, ways }
  }
  if (signedInAs !== undefined) {
    const lead = html`<p>You can go on, sign out, or sign in as somebody else, which ends this sign-in.</p>`
    return { title: `You are signed in as ${shortened(signedInAs, 40)}`, lead, ways: waysOn(facts) }
  }
  const ways = waysIn(facts, 'Sign in', true)
  if (notice && isTitle(notice)) {
    const [title, rest] = noticeWords(notice)
    return { title, lead: html`<p role="status">${rest}</p>`, ways }
  }
  const again = hidden.ref !== undefined && html` Afterwards you continue at ${target}.`
  const title = hidden.ref === undefined ? 'Sign in' : 'Sign in to go on'
  return { title, lead: html`<p>One sign-in for the whole site.${again}</p>`, ways }
}

/** What happened is what the page is about. */
function isTitle({ kind }: LoginNotice): boolean {
  return kind === 'signed-out'
}

/** Form and providers, as many of both as there are. */
function waysIn(facts: LoginFacts, button: string, isFirst: boolean): Markup {
  const { hidden, username, notice, hasForm, providers } = facts
  const form = hasForm && loginForm({ hidden, username, notice, button, isFirst })
  const or = hasForm && providers.length > 0 && html`<p class="or">or continue with</p>`
  const list = providers.length > 0 && providerList(providers)
  if (!form && !list)
    return html`<p>No way to sign in is set up here. The people who run this site can change that.</p>`
  const allDown = !hasForm && providers.every(({ href }) => href === undefined)
  const away =
    allDown && html`<p>None of them answers at this moment. We keep asking; please try again soon.</p>`
  return html`${form}${or}${list}${away}`
}

/** For somebody who is signed in: nothing happens by itself, or two pages could send each other a visitor for ever. */
function waysOn(facts: LoginFacts): Markup {
  const { hidden, notice } = facts
  // What went wrong went wrong in that form.
  const isOpen = notice !== undefined && notice.kind !== 'signed-out'
  return html`${signedInActions(hidden)}
<details class="other"${isOpen && html` open`}><summary>Sign in as somebody else</summary><div>
${waysIn(facts, 'Sign in', false)}
</div></details>`
}
