/**
 * The pieces of the login page: form, providers, notes. A template of the operator's own may place them elsewhere.
 *
 * @module
 */
import { shape } from './creature.ts'
import { html, type Markup, shortened } from './html.ts'

/** What happened, above the form. */
export type LoginNotice =
  | { readonly kind: 'wrong'; readonly triesLeft: number }
  | { readonly kind: 'throttled'; readonly waitMs: number; readonly now: number }
  | { readonly kind: 'signed-out' | 'expired' | 'busy' | 'failed' }

export interface LoginProvider {
  readonly label: string
  /** Absent while it can't be reached. */
  readonly href: string | undefined
}

/** What stands in the form beside name and password. */
export interface LoginHidden {
  readonly csrf: string
  readonly ref: string | undefined
  /** Service for which another login is added. */
  readonly service: string | undefined
}

/** `4 minutes`: rounded up, so that nobody comes too early. */
export function spoken(ms: number): string {
  const seconds = Math.max(1, Math.ceil(ms / 1000))
  if (seconds < 120) return seconds === 1 ? '1 second' : `${seconds} seconds`
  return `${Math.ceil(seconds / 60)} minutes`
}

/** In the zone of the server, and saying so. */
function clockTime(at: number): Markup {
  const iso = new Date(Math.ceil(at / 1000) * 1000).toISOString()
  return html`<time class="num" datetime="${iso}">${iso.slice(11, 19)} UTC</time>`
}

/** A note's sentence, in bold, and what follows from it. */
export function noticeWords(notice: LoginNotice): readonly [title: string, rest: string] {
  switch (notice.kind) {
    case 'wrong': {
      const { triesLeft } = notice
      const pause =
        triesLeft === 0
          ? 'Before the next try there is a short pause.'
          : `After ${triesLeft} more ${triesLeft === 1 ? 'try' : 'tries'} we pause for a moment.`
      return ['That user name and password don’t belong together', `Check both and try again. ${pause}`]
    }
    case 'throttled':
      return [
        'A short pause',
        `There were many tries. You can try again in ${spoken(notice.waitMs)}. Your account is not locked, and other pages work.`,
      ]
    case 'signed-out':
      return ['You are signed out', 'What was open with this sign-in has ended, here and in other tabs.']
    case 'expired':
      return [
        'Please sign in once more',
        'This form was open for a long time, or your browser keeps no cookies for this site. Nothing was tried.',
      ]
    case 'busy':
      return [
        'Many people sign in at this moment',
        'Your password was not looked at yet. Please try again in a few seconds.',
      ]
    case 'failed':
      return ['The sign-in could not be finished', 'Nobody was signed in. Please begin again.']
  }
}

const SHAPES = {
  wrong: 'down',
  throttled: 'degraded',
  'signed-out': 'available',
  expired: 'degraded',
  busy: 'degraded',
  failed: 'degraded',
} as const

export function noticeNote(notice: LoginNotice): Markup {
  const [title, rest] = noticeWords(notice)
  const state = SHAPES[notice.kind]
  // An alert is for what the visitor just did; the shape takes the state's colour, the text does not.
  return html`<div class="note ${state}" id="login-note" role="${notice.kind === 'signed-out' ? 'status' : 'alert'}"><svg class="${state}" aria-hidden="true"><use href="#s-${state}"/></svg><strong>${title}</strong><span>${rest}</span></div>`
}

/** The hidden fields of a form that signs in. */
export function hiddenFields({ csrf, ref, service }: LoginHidden): Markup {
  const field = (name: string, value: string | undefined) =>
    value !== undefined && html`<input type="hidden" name="${name}" value="${value}">`
  return html`${field('_csrf', csrf)}${field('ref', ref)}${field('for', service)}`
}

export interface FormFacts {
  readonly hidden: LoginHidden
  readonly username: string
  readonly notice: LoginNotice | undefined
  readonly button: string
  /** Whether it takes the focus when the page opens. */
  readonly isFirst: boolean
}

/** User name, password and button. While there is a pause the button says when it is over. */
export function loginForm({ hidden, username, notice, button, isFirst }: FormFacts): Markup {
  const isWrong = notice?.kind === 'wrong'
  const isHeld = notice?.kind === 'throttled'
  const wrong = isWrong && html` aria-invalid="true" aria-describedby="login-note"`
  const focus = (is: boolean) => is && isFirst && !isHeld && html` autofocus`
  const send = html`<button class="button send">${button}</button>`
  const held =
    isHeld &&
    html`<button class="button held" disabled><span>${button}, possible again at ${clockTime(notice.now + notice.waitMs)}</span></button>`
  return html`<form method="post" action="/login">
${hiddenFields(hidden)}
<div class="field"><label for="user">User name</label><input id="user" name="username" value="${username}" autocomplete="username" autocapitalize="none" spellcheck="false" required${wrong}${focus(username === '')}></div>
<div class="field"><label for="pass">Password</label><input id="pass" name="password" type="password" autocomplete="current-password" required${wrong}${focus(username !== '')}></div>
${held ? html`<div class="turns">${held}${send}</div>` : send}
</form>`
}

/** For somebody who is signed in: on to where they wanted to go, or out. */
export function signedInActions({ ref }: LoginHidden): Markup {
  return html`<div class="actions"><a class="button" href="${ref ?? '/'}">Continue</a><form method="post" action="/logout"><button class="button quiet">Sign out</button></form></div>`
}

/** A button for each provider, in the order of the configuration. One that can't be reached keeps its place and says so. */
export function providerList(providers: readonly LoginProvider[]): Markup {
  const items = providers.map(({ label, href }) => {
    const name = shortened(label, 60)
    const initial = html`<b aria-hidden="true">${[...name.trim()][0]?.toUpperCase() ?? '?'}</b>`
    return href === undefined
      ? html`<li><a class="button quiet" role="link" aria-disabled="true">${initial}${name}<small class="state down">${shape('down')}down</small></a></li>`
      : html`<li><a class="button quiet" href="${href}">${initial}${name}</a></li>`
  })
  return html`<ul class="providers">
${items}
</ul>`
}
