/**
 * A login page of the operator's own: an HTML file with placeholders.
 *
 * ```
 * {{form}}       the whole form: hidden fields, user name, password, button; nothing where passwords are no way in
 * {{fields}}     only its hidden fields, for a form of the template's own (method="post" action="/login", with inputs
 *                named username and password)
 * {{_csrf}} {{ref}} {{for}}   their values one by one
 * {{providers}}  a list of links, one for each provider
 * {{error}}      one sentence about what went wrong; empty when nothing did
 * {{message}}    one sentence about anything else: signed out, signed in already; or empty
 * {{signedIn}}   a link that leads on and a button that signs out; empty while nobody is signed in
 * {{username}}   what was typed before        {{title}}   title of the site        {{exchange}}   id for support
 * ```
 *
 * Values are escaped for text and for attributes in quotes. A template without a place for `_csrf` is refused at start.
 * Scripts run only from files of this site, forms lead nowhere else, and no other site may frame the page.
 *
 * @module
 */
import { html, type Markup, textOf } from './html.ts'
import type { Page } from './layout.ts'
import type { LoginFacts } from './login.ts'
import { hiddenFields, loginForm, noticeWords, providerList, signedInActions } from './login-parts.ts'

const NAMES = [
  'form',
  'fields',
  '_csrf',
  'ref',
  'for',
  'providers',
  'error',
  'message',
  'signedIn',
  'username',
  'title',
  'exchange',
] as const
type Name = (typeof NAMES)[number]

const PLACEHOLDER = /\{\{\s*([^{}]*?)\s*\}\}/g

/** Renders the login page by a template. */
export type LoginTemplate = (facts: LoginFacts) => Page

/**
 * Reads a template.
 *
 * @throws Error that says what is missing or unknown in it
 */
export function compileLoginTemplate(text: string): LoginTemplate {
  const used = new Set([...text.matchAll(PLACEHOLDER)].map(([, name]) => name as string))
  const unknown = [...used].filter((name) => !(NAMES as readonly string[]).includes(name))
  if (unknown.length > 0)
    throw new Error(
      `the login template has {{${unknown[0]}}}, which stands for nothing; there are ${NAMES.map((name) => `{{${name}}}`).join(', ')}`,
    )
  if (!used.has('form') && !used.has('fields') && !used.has('_csrf'))
    throw new Error(
      'the login template has no place for the hidden field _csrf, so nobody could sign in with it: put {{form}} there, or {{fields}} into its own form',
    )
  return (facts) => {
    const values = valuesOf(facts)
    // In one pass: what somebody typed is never read for placeholders.
    const page = text.replace(PLACEHOLDER, (_, name: Name) => textOf(html`${values[name]}`))
    return { html: page, headers: headersOf(facts) }
  }
}

function valuesOf(facts: LoginFacts): Readonly<Record<Name, Markup | string | undefined>> {
  const { hidden, username, notice, hasForm, providers, siteTitle, exchange, signedInAs, link } = facts
  const words = notice && noticeWords(notice).join('. ')
  const isError = notice !== undefined && notice.kind !== 'signed-out'
  const known = link && `${link.title} knows you by ${link.knownBy.join(' or ')}.`
  const signedIn = signedInAs === undefined ? undefined : `You are signed in as ${signedInAs}.`
  return {
    form: hasForm ? loginForm({ hidden, username, notice, button: 'Sign in', isFirst: true }) : '',
    fields: hiddenFields(hidden),
    _csrf: hidden.csrf,
    ref: hidden.ref,
    for: hidden.service,
    providers: providers.length > 0 ? providerList(providers) : '',
    error: isError ? words : '',
    message: isError ? '' : (words ?? known ?? signedIn ?? ''),
    signedIn: signedInAs === undefined || link ? '' : signedInActions(hidden),
    username,
    title: siteTitle,
    exchange,
  }
}

function headersOf({ leadsTo = [] }: LoginFacts): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "style-src 'self' 'unsafe-inline'",
    "script-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "base-uri 'none'",
    `form-action ${["'self'", ...leadsTo].join(' ')}`,
    "frame-ancestors 'none'",
  ]
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'content-security-policy': policy.join('; '),
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex',
  }
}
