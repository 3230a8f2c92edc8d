/**
 * The router page: what the lists of the router API tell, for people. It works without a script; who wants it to stay
 * current asks for it, as a page that opens itself anew takes reading position and focus away.
 *
 * @module
 */
import { isServing, type ServiceState, urlHost } from '@hydra-gateway/protocol'
import { ROUTER_SERVICE } from '@hydra-gateway/protocol/umf'
import type { NodeEntry } from '../channels/flywheel/port.ts'
import type { RouterSelf } from '../channels/flywheel/self.ts'
import { html, type Markup, shortened } from '../pages/html.ts'
import { inlineStyle } from '../pages/inline.ts'
import { type Page, renderPage } from '../pages/layout.ts'
import { serviceState } from '../registry/overview.ts'
import type { Registry } from '../registry/registry.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { instanceIdOf, type ListedInstance, type ListedRoutes, textOf, versionText } from './lists.ts'
import { perSecond } from './per-second.ts'
import type { SecondCounts } from './second-counts.ts'

export interface RouterPageFacts {
  readonly siteTitle: string
  /** As it was asked with, with `?`: its token goes into the links. */
  readonly query: string
  /** Epoch ms. */
  readonly now: number
  readonly self: Pick<RouterSelf, 'routerId' | 'version' | 'hostName'>
  /** Undefined without Redis. */
  readonly isRedisThere: boolean | undefined
  readonly services: readonly ListedInstance[]
  readonly nodes: readonly (NodeEntry & { readonly elapsed: number })[]
  readonly routes: readonly ListedRoutes[]
  readonly registry: Pick<Registry, 'entries'>
  readonly vitals: Pick<VitalsBook, 'of'>
  readonly counts: Pick<SecondCounts, 'lastOf'>
}

/** One service, in a line. */
interface Row {
  readonly name: string
  readonly state: ServiceState
  readonly versions: readonly string[]
  readonly live: number
  readonly lastMinute: readonly number[]
  readonly errors: number
}

const STYLE = inlineStyle('router.css')

/** Lines of a table; whoever has more reads the list itself. */
const MOST_ROWS = 300

/** Seconds between two looks, for who wants the page to stay current. */
const EVERY_SECONDS = 5

export function routerPage(page: RouterPageFacts): Page {
  const { siteTitle, query, self, services } = page
  const asked = new URLSearchParams(query)
  const isFollowing = asked.has('follow')
  const link = linksWith(asked.get('token'))
  const rows = rowsOf(page)
  const serving = rows.filter(({ state }) => isServing(state)).length

  const main = html`<div class="router">
<div class="opening">
<h1>${headline(rows.length, serving)}</h1>
<p class="lead">${redisSentence(page)}</p>
<p class="actions">${
    isFollowing
      ? html`<a class="button quiet" href="${link('/')}">Stop following</a> <span class="soft">Opened anew every ${EVERY_SECONDS} seconds</span>`
      : html`<a class="button" href="${link('/', 'follow')}">Follow every ${EVERY_SECONDS} seconds</a>`
  }</p>
</div>
${trafficCard(rows)}
${servicesTable(rows)}
${instancesTable(page)}
${routesCard(page, link)}
${awayTable(page)}
${apiCard(link)}
</div>`
  const rendered = renderPage({
    siteTitle,
    title: `${headline(rows.length, serving)} ${siteTitle}`,
    look: 'reading',
    main,
    styles: [STYLE],
    ...(isFollowing
      ? {
          head: html`<meta http-equiv="refresh" content="${EVERY_SECONDS}">
`,
        }
      : {}),
    footer: html`<span>Router <samp>${self.routerId}</samp></span><span>${shortened(self.hostName)}</span><span>Version ${self.version}</span><span>${plural(services.length, 'instance')}</span>`,
  })
  // The token stands in the address: no service is to read it there.
  return { ...rendered, headers: { ...rendered.headers, 'referrer-policy': 'no-referrer' } }
}

function rowsOf({ services, routes, registry, vitals, counts }: RouterPageFacts): readonly Row[] {
  const entries = new Map([...registry.entries()].map((entry) => [entry.name, entry]))
  const live = Map.groupBy(services, ({ serviceName }) => serviceName)
  const names = new Set([...entries.keys(), ...live.keys(), ...routes.map(({ serviceName }) => serviceName)])
  names.delete(ROUTER_SERVICE)
  return [...names].sort().map((name) => {
    const entry = entries.get(name)
    const instances = live.get(name) ?? []
    const members = [...(entry?.members.values() ?? [])].map(({ instance }) => instance)
    const known = entry ? serviceState(entry, vitals) : undefined
    return {
      name,
      state: known ?? (instances.length > 0 ? 'available' : 'down'),
      // Instances that can't be reached are not among those Redis and the lists name.
      versions: [...new Set((members.length > 0 ? members : instances).map(({ version }) => version))].map(
        versionText,
      ),
      live: instances.length,
      lastMinute: counts.lastOf('http', name, 60),
      errors: sum(counts.lastOf('error', name, 60)),
    }
  })
}

function headline(all: number, serving: number): string {
  if (all === 0) return 'No service is here yet.'
  if (serving === all && all <= 2) return all === 1 ? 'The one service serves.' : 'Both services serve.'
  if (serving === all) return `All ${all} services serve.`
  return `${serving} of ${plural(all, 'service')} ${serving === 1 ? 'serves' : 'serve'}.`
}

function redisSentence({ isRedisThere }: RouterPageFacts): string {
  if (isRedisThere === undefined)
    return 'There is no Redis: services register with this gateway, and messages go through its memory.'
  return isRedisThere
    ? 'Redis can be reached: services that announce themselves there come and go by themselves.'
    : 'Redis can not be reached. What was known before is served on; who is new there is not seen.'
}

/** Shape and word; the shapes are those every page has. */
function stateOf(state: ServiceState): Markup {
  return html`<span class="state chip ${state}"><svg aria-hidden="true"><use href="#s-${state}"/></svg>${state}</span>`
}

function trafficCard(rows: readonly Row[]): Markup {
  const total = Array.from({ length: 60 }, (_, i) => sum(rows.map(({ lastMinute }) => lastMinute[i]!)))
  const all = sum(total)
  const most = Math.max(...total)
  return html`<section class="card traffic"><h2>Requests</h2>
<p><span class="figure num">${all}</span> in the last minute, ${most} in its busiest second</p>
${perSecond(total, 'wide')}
</section>`
}

function servicesTable(rows: readonly Row[]): Markup {
  const shown = rows.slice(0, MOST_ROWS)
  return section(
    'Services',
    ['Service', 'State', 'Version', 'Instances', 'Last minute', 'Requests', 'Errors'],
    shown.map(
      ({
        name,
        state,
        versions,
        live,
        lastMinute,
        errors,
      }) => html`<tr><th scope="row">${shortened(name)}</th>
<td>${stateOf(state)}</td>
<td><code>${shortened(versions.slice(0, 5).join(', '))}</code></td>
<td class="num">${live}</td>
<td>${perSecond(lastMinute, 'small')}</td>
<td class="num">${sum(lastMinute)}</td>
<td class="num">${errors}</td></tr>
`,
    ),
    rows.length - shown.length,
    'No service has announced itself, and none has registered.',
  )
}

function instancesTable({ services }: RouterPageFacts): Markup {
  const shown = services.slice(0, MOST_ROWS)
  return section(
    'Instances',
    ['Service', 'Instance', 'Version', 'Where', 'Host', 'Up for', 'Memory'],
    shown.map((one) => {
      const { serviceName, instanceID, version, ip, port, hostName } = one
      const { uptimeSeconds, memory } = one as { uptimeSeconds?: unknown; memory?: { rss?: unknown } }
      return html`<tr><th scope="row">${shortened(serviceName)}</th>
<td><code title="${shortened(instanceID)}">${shortened(instanceID, 12)}</code></td>
<td><code>${shortened(versionText(version))}</code></td>
<td><code>${shortened(whereOf(ip, port))}</code></td>
<td>${shortened(textOf(hostName))}</td>
<td class="num">${typeof uptimeSeconds === 'number' ? durationOf(uptimeSeconds) : ''}</td>
<td class="num">${typeof memory?.rss === 'number' ? `${Math.round(memory.rss / 2 ** 20)} MiB` : ''}</td></tr>
`
    }),
    services.length - shown.length,
    'None',
  )
}

function routesCard({ routes }: RouterPageFacts, link: Link): Markup {
  const shown = routes.slice(0, MOST_ROWS)
  return html`<section class="card routes"><h2>Routes</h2>
${shown.map(
  ({
    serviceName,
    routes: of,
  }) => html`<details${serviceName !== ROUTER_SERVICE && shown.length <= 6 && html` open`}><summary><b>${shortened(serviceName)}</b> <span class="soft num">${of.length}</span></summary>
<ul class="paths">${of.slice(0, MOST_ROWS).map((path) => html`<li><code>${shortened(path)}</code></li>`)}</ul></details>
`,
)}${more(routes.length - shown.length)}
<p class="soft small">As JSON: <a href="${link('/v1/router/list/routes')}">list/routes</a></p>
</section>`
}

/** Instances that were here once, and those that are known and can't be reached: nobody saw them go. */
function awayTable({ nodes, services, registry }: RouterPageFacts): Markup {
  const members = [...registry.entries()].flatMap(({ name, members: of }) =>
    [...of.values()].map(({ id }) => instanceIdOf(name, id)),
  )
  const known = new Set(members)
  const live = new Set(services.map(({ instanceID }) => instanceID))
  const away = nodes.filter(({ instanceID }) => !live.has(instanceID)).sort((a, b) => a.elapsed - b.elapsed)
  if (away.length === 0) return html``
  const shown = away.slice(0, MOST_ROWS)
  return section(
    'Known, not here now',
    ['Service', 'Instance', 'Version', 'Where', 'Last seen'],
    shown.map(
      ({
        serviceName,
        instanceID,
        version,
        ip,
        port,
        elapsed,
      }) => html`<tr><th scope="row">${shortened(serviceName)}</th>
<td><code title="${shortened(instanceID)}">${shortened(instanceID, 12)}</code></td>
<td><code>${shortened(versionText(version))}</code></td>
<td><code>${shortened(whereOf(ip, port))}</code></td>
<td class="num">${known.has(instanceID) ? 'not reached now' : `${durationOf(elapsed)} ago`}</td></tr>
`,
    ),
    away.length - shown.length,
    '',
  )
}

const API = [
  ['version', 'Version of the gateway'],
  ['list/routes', 'Routes of every service'],
  ['list/services', 'Instances that are here, with their health'],
  ['list/nodes', 'Every instance that was ever seen'],
  ['health', 'Health of this router'],
  ['stats', 'Requests, messages and errors of each second of the last hour'],
  ['log', 'The newest hundred entries of the log'],
] as const

function apiCard(link: Link): Markup {
  return html`<section class="card"><h2>The same as JSON</h2>
<dl class="api">${API.map(
    ([
      path,
      text,
    ]) => html`<div><dt><a href="${link(`/v1/router/${path}`)}"><code>${path}</code></a></dt><dd>${text}</dd></div>
`,
  )}</dl></section>`
}

function section(
  title: string,
  columns: readonly string[],
  rows: readonly Markup[],
  hidden: number,
  none: string,
): Markup {
  if (rows.length === 0)
    return html`<section class="card"><h2>${title}</h2><p class="soft">${none}</p></section>`
  return html`<section class="card"><h2>${title}</h2>
<div class="scroll" tabindex="0" role="region" aria-label="${title}, scrolls sideways"><table>
<thead><tr>${columns.map((column) => html`<th scope="col">${column}</th>`)}</tr></thead>
<tbody>
${rows}</tbody></table></div>${more(hidden)}</section>`
}

function whereOf(ip: unknown, port: unknown): string {
  return `${urlHost(textOf(ip))}:${textOf(port)}`
}

function more(hidden: number): Markup {
  return hidden > 0 ? html`<p class="soft small">${hidden} more stand in the lists below.</p>` : html``
}

type Link = (path: string, flag?: string) => string

/** Addresses with the token somebody came with. */
function linksWith(token: string | null): Link {
  return (path, flag) => {
    const query = new URLSearchParams(token === null ? {} : { token })
    if (flag) query.set(flag, '')
    const text = query.toString().replace(/=$/, '')
    return text ? `${path}?${text}` : path
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

function plural(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}

/** `2 d 3 h`, `4 min`, `12 s`: its two largest parts. */
export function durationOf(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const parts = [
    [Math.floor(whole / 86_400), 'd'],
    [Math.floor(whole / 3600) % 24, 'h'],
    [Math.floor(whole / 60) % 60, 'min'],
    [whole % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}
