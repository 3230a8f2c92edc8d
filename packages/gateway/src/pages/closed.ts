/**
 * 401 and 403 of pages: who opened it is not signed in, or may not see it.
 *
 * Who opens a page is led to the sign-in at once; this 401 is for what can't be asked for again by itself, such as a
 * form that was sent.
 *
 * @module
 */
import { creature } from './creature.ts'
import { html, shortened } from './html.ts'
import { type ErrorFacts, type Page, renderPage, supportFacts, waysOn, words } from './layout.ts'

export interface ClosedFacts extends ErrorFacts {
  readonly detail: string | undefined
  /** Name of who is signed in. */
  readonly person: string | undefined
  /** Where one signs in; absent while nobody can. */
  readonly signIn: string | undefined
}

const MOST_OF_NAME = 64

export function loginRequiredPage(facts: ClosedFacts): Page {
  const { service, person, signIn } = facts
  // Nobody is asked to do what can't be done.
  if (signIn === undefined) {
    const title =
      service === undefined ? 'This is for people who sign in' : `${service} is for people who sign in`
    const doing = 'We passed nothing on. The people who run this site can change that.'
    return page(
      { ...facts, detail: undefined },
      title,
      'Nobody can sign in at this site yet.',
      doing,
      undefined,
    )
  }
  const title = service === undefined ? 'Sign in to go on' : `Sign in to go on with ${service}`
  const happened =
    person === undefined
      ? 'You are not signed in here.'
      : `You are signed in as ${shortened(person, MOST_OF_NAME)}, and this page asks for another account of yours as well.`
  const doing = 'We passed nothing on, so nothing was changed. Sign in, then come back and do it once more.'
  return page(facts, title, happened, doing, signIn && 'Sign in')
}

export function forbiddenPage(facts: ClosedFacts): Page {
  const { person, signIn } = facts
  const title = 'This page is not open to you'
  const happened =
    person === undefined
      ? 'It is for other people.'
      : `You are signed in as ${shortened(person, MOST_OF_NAME)}, and the page is for other people.`
  const doing = 'We checked the page’s rule and passed nothing on. Ask its owner, or use another account.'
  return page(facts, title, happened, doing, signIn && 'Use another account')
}

function page(
  facts: ClosedFacts,
  title: string,
  happened: string,
  doing: string,
  button: string | undefined,
): Page {
  const { siteTitle, signIn, detail } = facts
  const first = button === undefined || signIn === undefined ? undefined : { href: signIn, text: button }
  const rest = html`${first === undefined && detail !== undefined && html`<p class="soft">${shortened(detail, 300)}</p>`}
${waysOn(facts, undefined, first)}`
  const main = html`${words(title, happened, doing, rest)}
${creature('listening')}`
  return renderPage({ siteTitle, title, main, footer: supportFacts(facts) })
}
