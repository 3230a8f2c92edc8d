/**
 * The page at `/` while no service offers it: says what to do next. It is public, so no key is ever on it.
 *
 * There is no timed refresh, which would take focus and reading position away; the script only opens what is new.
 *
 * @module
 */
import { creature } from './creature.ts'
import { html } from './html.ts'
import { inlineScript } from './inline.ts'
import { type Page, renderPage } from './layout.ts'

const SCRIPT = inlineScript('welcome.js')

const SERVICE = `import { connect } from '@hydra-gateway/sdk'
await connect({ name: 'hello', port: 3000, routes: ['/'] })`

export interface WelcomeFacts {
  readonly siteTitle: string
  /** Revision of the routing table. */
  readonly revision: number
  /** Services that are known, up or down. */
  readonly services: number
}

/** The welcome page. Its answer carries `hydra-welcome: 1`, by which the page sees that it is still itself. */
export function welcomePage({ siteTitle, revision, services }: WelcomeFacts): Page {
  const known = services === 1 ? '1 service is' : `${services} services are`
  const main = html`<div class="words">
<h1>${services === 0 ? 'The door is open. Nobody has moved in yet.' : 'The door is open. Nobody is at it yet.'}</h1>
<p class="lead">${
    services === 0
      ? 'The gateway works and is waiting for its first service.'
      : `The gateway works and ${known} registered, but none offers this page.`
  } As soon as one offers <code>/</code>, it is here instead of this page.</p>
<ol class="steps">
<li><span>Try the demo shop, four small services and a terminal to play with. In the project’s folder:</span>
<pre tabindex="0"><code>npm run demo</code></pre></li>
<li><span>Or start a service of your own, with these lines where it begins to listen:</span>
<pre tabindex="0"><code>${SERVICE}</code></pre></li>
</ol>
<p class="actions"><a class="button quiet" href="/_hydra/errors/">What each error code means</a></p>
</div>
${creature('budding')}`
  const page = renderPage({
    siteTitle,
    title: `${siteTitle} is running`,
    main,
    footer: html`<span>Waiting for <code>/</code></span><span>${services === 1 ? '1 service' : `${services} services`}</span><span>Revision <span class="num">${revision}</span></span>`,
    script: SCRIPT,
  })
  return { html: page.html, headers: { ...page.headers, 'hydra-welcome': '1' } }
}
