/**
 * 502: a service answered with something that is not an answer, or broke off before it began one.
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

export function brokenPage(facts: ErrorFacts): Page {
  const service = facts.service ?? 'This page'
  const title = facts.isPart
    ? `${service} could not do its part of this page`
    : `${service} gave an answer we could not read`
  const happened = facts.isPart
    ? 'The page has a part it can’t be shown without, and that part did not come as it should.'
    : 'The connection broke before the answer was whole, or what came was no answer.'
  // A request that only asks was tried elsewhere where that was possible; anything else went out once.
  const doing = isRepeatable(facts)
    ? 'We noted it for its team, under the number at the foot of this page. It often works the next time.'
    : 'What you sent may have arrived, and we did not send it twice. Please look before you send it again. We noted it for its team, under the number at the foot of this page.'
  const main = html`${words(title, happened, doing, waysOn(facts, 'Try again'))}
${creature('unreadable')}`
  return renderPage({ siteTitle: facts.siteTitle, title, main, footer: supportFacts(facts) })
}
