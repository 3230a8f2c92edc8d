/**
 * `/_hydra/errors/`: every code, and one page for each. Public, the same on every gateway of one version.
 *
 * @module
 */
import { CODES, type ErrorCode } from '../errors.ts'
import { EXPLANATIONS } from './explanations.ts'
import { html, withCode } from './html.ts'
import { type Page, renderPage } from './layout.ts'

const ROOT = '/_hydra/errors'

/** Page of a path at or below `/_hydra/errors`; nothing when no code has that name. */
export function explanationPage(path: string, siteTitle: string): Page | undefined {
  if (path === ROOT || path === `${ROOT}/`) return indexPage(siteTitle)
  const name = path.slice(ROOT.length + 1)
  return path.startsWith(`${ROOT}/`) && isCode(name) ? codePage(name, siteTitle) : undefined
}

function isCode(name: string): name is ErrorCode {
  return Object.hasOwn(CODES, name)
}

function indexPage(siteTitle: string): Page {
  const codes = (Object.keys(CODES) as ErrorCode[]).map(
    (code) =>
      html`<div><dd class="num">${CODES[code][0]}</dd><dt><a href="${ROOT}/${code}"><code>${code}</code></a></dt><dd>${CODES[code][1]}</dd></div>`,
  )
  const main = html`<div class="words">
<h1>What each error code means</h1>
<p class="lead">The code is the contract and stays; the wording may improve. Machines find it in the member <code>code</code> of an <code>application/problem+json</code> answer.</p>
<dl class="codes">${codes}</dl>
</div>`
  return renderPage({
    siteTitle,
    title: 'Error codes',
    look: 'reading',
    main,
    footer: html`<span>${codes.length} codes</span>`,
  })
}

function codePage(code: ErrorCode, siteTitle: string): Page {
  const [status, title] = CODES[code]
  const { happened, doing, remedies } = EXPLANATIONS[code]
  const main = html`<div class="words">
<p><code>${code}</code> <span class="soft num">${status}</span></p>
<h1>${title}</h1>
<p class="lead">${withCode(happened)}</p>
<h2>What the gateway does</h2>
<p>${withCode(doing)}</p>
<h2>What you can do</h2>
<ul>${remedies.map((remedy) => html`<li>${withCode(remedy)}</li>`)}</ul>
<p class="actions"><a class="button quiet" href="${ROOT}/">All codes</a></p>
</div>`
  return renderPage({
    siteTitle,
    title: `${code}: ${title}`,
    look: 'reading',
    main,
    footer: html`<span>${status}</span><span>${code}</span>`,
  })
}
