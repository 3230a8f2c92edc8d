/**
 * What visitors get when no service answers, by what is known of the site: the same in a gateway and in its workers.
 *
 * @module
 */
import type { LoginHead } from '../identity/login-head.ts'
import type { RouteOf } from '../identity/other-route.ts'
import { createPathDemands } from '../identity/path-demands.ts'
import { nearestPath } from '../pages/nearest.ts'
import { openPagesOf } from '../pages/open-pages.ts'
import { createAnswers } from '../proxy/answers.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { createSiteMap, type SiteMapDeps } from '../registry/site-map.ts'
import type { Core } from './core.ts'
import type { LivePages } from './live-pages.ts'

export interface OwnAnswersDeps {
  readonly overview: SiteMapDeps['overview']
  /** Asked per answer: menus are made later than answers. */
  readonly menus: () => LivePages['menus']
  readonly onHead: LoginHead
}

export function createOwnAnswers(
  { config, live, vitals, clock, log, metrics }: Core,
  { overview, menus, onHead }: OwnAnswersDeps,
) {
  const site = createSiteMap({ live, vitals, overview })
  /** Pages a visitor may open now, for those of our own that link to some. */
  const openPages = (caller: Exchange['caller']) =>
    openPagesOf(
      () => menus().names(caller),
      (name) => menus().view(name, caller),
    )
  const answers = createAnswers({
    settings: { siteTitle: config.siteTitle, retryAfterSeconds: 5 },
    serviceOf: (name) => live.table.service(name),
    isServing: site.isServing,
    openPages,
    nearest: (path, caller) =>
      nearestPath(path, site.paths(), (open) => site.isServing(open) && menus().isFor(open, '', caller)),
    onHead,
    clock,
    log,
    metrics,
  })
  const routeOf: RouteOf = ({ host, method, isUpgrade }, path) =>
    live.table.match(host, path, method, isUpgrade)
  /** What services alone ask for at a path, where nobody signs in. */
  const declaredDemands = createPathDemands({
    routeOf: ({ host }, path) => routeOf({ host, method: 'GET', isUpgrade: false }, path),
  })
  return { answers, openPages, routeOf, declaredDemands }
}
