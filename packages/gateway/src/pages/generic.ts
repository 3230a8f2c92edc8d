/**
 * The page of every error that has none of its own. Its words are for visitors; operators find theirs under
 * `/_hydra/errors/<code>`.
 *
 * @module
 */
import { CODES, type ErrorCode } from '../errors.ts'
import { creature } from './creature.ts'
import { html, shortened } from './html.ts'
import { type ErrorFacts, type Page, renderPage, supportFacts, waysOn, words } from './layout.ts'

/** Codes with a page of their own. */
export type OwnPage =
  | 'HYDRA_FORBIDDEN'
  | 'HYDRA_LOGIN_REQUIRED'
  | 'HYDRA_NO_ROUTE'
  | 'HYDRA_NO_INSTANCE'
  | 'HYDRA_UPSTREAM_BROKEN'
  | 'HYDRA_UPSTREAM_TIMEOUT'
export type GenericCode = Exclude<ErrorCode, OwnPage>

interface Words {
  readonly title: string
  readonly happened: string
  /** The detail stands in its place: it says what happened, where several things may have. */
  readonly isOneOfMany?: boolean
  /** What we did, and what the visitor can do. */
  readonly next: string
  /** Text of the button that opens the same address again; absent where that would only fail again. */
  readonly again?: string
}

const WORDS: Readonly<Record<GenericCode, Words>> = {
  HYDRA_BAD_REQUEST: {
    title: 'We could not read that request',
    happened: 'Something in it is not the way browsers write it.',
    next: 'Nothing was passed on to anyone. Going back and trying again may help.',
  },
  HYDRA_BAD_PATH: {
    title: 'This address can be read in more than one way',
    happened: 'It holds characters that could lead to different places.',
    next: 'Nothing was passed on to anyone. Check the link, or begin at the first page.',
  },
  HYDRA_BAD_REGISTRATION: {
    title: 'This registration has faults',
    happened: 'A service tried to join this site with details that can’t be used.',
    next: 'Nothing was changed. The answer without HTML names each fault.',
  },
  HYDRA_UNAUTHORIZED: {
    title: 'This needs the keys of this site',
    happened: 'What is here is for the people who run this site.',
    next: 'Nothing was shown or changed. With the keys, ask again.',
  },
  HYDRA_FORBIDDEN_ORIGIN: {
    title: 'This page is not open to you',
    happened: 'Live connections are not taken from the page that asked for this one.',
    next: 'Nothing was passed on to anyone. Open it from this site itself.',
  },
  HYDRA_FORBIDDEN_ADDRESS: {
    title: 'This page is not open to you',
    happened: 'It is open to some networks only, and yours is not one of them.',
    next: 'Nothing was passed on to anyone. The people who run this site can change that.',
  },
  HYDRA_BAD_LOGIN: {
    title: 'That user name and password don’t belong together',
    happened: 'One of the two is not right.',
    next: 'Nothing was changed. Check both and try again.',
  },
  HYDRA_LOGIN_FAILED: {
    title: 'The sign-in could not be finished',
    happened: 'It was begun too long ago, or in another browser, or it was finished once already.',
    isOneOfMany: true,
    next: 'Nobody was signed in. Begin again at the page you wanted to see.',
  },
  HYDRA_THROTTLED: {
    title: 'A short pause',
    happened: 'There were many tries.',
    next: 'We let you in again in a moment. Other pages work.',
  },
  HYDRA_PROVIDER_DOWN: {
    title: 'That way to sign in is away for a moment',
    happened: 'The system that knows you does not answer.',
    next: 'We look again with every try. Another way to sign in may work.',
    again: 'Try again',
  },
  HYDRA_METHOD_NOT_ALLOWED: {
    title: 'That can’t be done here',
    happened: 'There is something at this address, but not for what was asked of it.',
    next: 'Nothing was passed on to anyone. If a button brought you here, the page with the button may be older than this site.',
  },
  HYDRA_REQUEST_TIMEOUT: {
    title: 'Your request took too long to arrive',
    happened: 'Its end never reached us.',
    next: 'We stopped waiting. A slow or broken connection is the usual reason; try it once more.',
    again: 'Try again',
  },
  HYDRA_CONFLICT: {
    title: 'That does not fit how things are now',
    happened: 'What was asked for stands against something that is there.',
    next: 'Nothing was changed. Look again, then decide.',
  },
  HYDRA_TOO_LARGE: {
    title: 'That was too much at once',
    happened: 'What was sent is larger than this site takes.',
    next: 'We stopped reading it. Send less, or in smaller pieces.',
  },
  HYDRA_TARGET_TOO_LONG: {
    title: 'This address is too long',
    happened: 'It is longer than this site takes.',
    next: 'Nothing was passed on to anyone. Check the link, or begin at the first page.',
  },
  HYDRA_NOT_IMPLEMENTED: {
    title: 'Nobody here understands that',
    happened: 'The request asks for something in a way this site does not know.',
    next: 'Nothing was passed on to anyone. A browser does not ask like that; the program that did needs a change.',
  },
  HYDRA_HTTP_VERSION: {
    title: 'This version of HTTP is not spoken here',
    happened: 'The request was written for another version of HTTP.',
    next: 'Nothing was passed on to anyone. A newer program, or another setting of it, will help.',
  },
  HYDRA_LOOP: {
    title: 'This address leads in a circle',
    happened: 'The request came back to us again and again instead of reaching the application it was for.',
    next: 'We ended it. Trying again will not help until whoever runs this site has changed where it leads.',
  },
  HYDRA_NOT_UPGRADABLE: {
    title: 'Only live connections are served here',
    happened: 'This address is for a page that keeps talking to the site, not for a page of its own.',
    next: 'Nothing was passed on to anyone. Open the page that uses it.',
  },
  HYDRA_HEAD_TOO_LARGE: {
    title: 'That was too much at once',
    happened: 'Your browser sent along more than this site takes, most often too many cookies.',
    next: 'Nothing was passed on to anyone. Remove this site’s cookies and try again.',
    again: 'Try again',
  },
  HYDRA_INTERNAL: {
    title: 'Something went wrong here',
    happened: 'The fault is ours, and nothing you did.',
    next: 'It was written down under the number at the foot of this page; give that number to whoever runs this site.',
    again: 'Try again',
  },
  HYDRA_OVERLOADED: {
    title: 'A short pause',
    happened: 'More is being asked here than can be answered right now.',
    next: 'We turned this request away so that others get through. Try again in a few seconds.',
    again: 'Try again',
  },
  HYDRA_STARTING: {
    title: 'This site is starting',
    happened: 'Not every part of it is known here yet.',
    next: 'This address may be among those to come. Try again in a few seconds.',
    again: 'Try again',
  },
  HYDRA_STOPPING: {
    title: 'This site is restarting',
    happened: 'It takes no new requests right now.',
    next: 'Nothing was passed on to anyone. Try again in a few seconds.',
    again: 'Try again',
  },
}

export function genericPage(
  facts: ErrorFacts & { readonly code: GenericCode; readonly detail: string | undefined },
): Page {
  const { code, detail, siteTitle } = facts
  const { title, happened, isOneOfMany, next, again } = WORDS[code]
  // Beyond 499 the fault is not the visitor's, and its detail is for whoever reads the log.
  const said = CODES[code][0] < 500 ? detail : undefined
  const lead = isOneOfMany && said !== undefined ? sentence(shortened(said, 300)) : happened
  const rest = html`${said !== undefined && !isOneOfMany && html`<p class="soft">${shortened(said, 300)}</p>`}
${waysOn(facts, again)}`
  const main = html`${words(title, lead, next, rest)}
${creature('listening')}`
  return renderPage({ siteTitle, title, main, footer: supportFacts(facts) })
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1).replace(/([^.…!?])$/, '$1.')
