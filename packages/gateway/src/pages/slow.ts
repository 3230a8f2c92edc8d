/**
 * 504: a service did not begin its answer in time. After anything but GET it may still have done what it was
 * asked, and the page says so.
 *
 * @module
 */
import { creature } from './creature.ts'
import { html } from './html.ts'
import {
  type ErrorFacts,
  isRepeatable,
  type Page,
  renderPage,
  supportFacts,
  waysOn,
  words,
} from './layout.ts'

export interface SlowFacts extends ErrorFacts {
  /** How long it had, ms; absent when that is not known. */
  readonly timeoutMs: number | undefined
}

export function slowPage(facts: SlowFacts): Page {
  const service = facts.service ?? 'This page'
  const title = `${service} is taking too long`
  const what = facts.isPart ? 'A part the page can’t be shown without did not come' : 'No answer came'
  const limit = facts.timeoutMs === undefined ? 'in time' : `within ${spoken(facts.timeoutMs)}`
  const doing = isRepeatable(facts)
    ? 'We stopped waiting. It may be busy, and quicker in a moment.'
    : 'We stopped waiting; it may still have finished. Please look before you send it again.'
  const main = html`${words(title, `${what} ${limit}.`, doing, waysOn(facts, 'Try again'))}
${creature('asleep')}`
  return renderPage({ siteTitle: facts.siteTitle, title, main, footer: supportFacts(facts) })
}

function spoken(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${Math.round(ms / 100) / 10} s`
}
