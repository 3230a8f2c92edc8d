/**
 * What templates are given of the site: found once for each request, before anything is rendered.
 *
 * @module
 */
import { checkSource } from '../identity/guard.ts'
import type { HydraService } from '../options.ts'
import type { Site } from './side.ts'

/** A service, or a function that gives it, for apps that are put together before there is one. */
export type SiteSource = Pick<HydraService, 'siteFor'> | (() => Pick<HydraService, 'siteFor'>)

const sites = new WeakMap<object, Site>()

/** @throws TypeError for what is no service, which would be noticed at the first request only */
export function checkSiteSource(source: SiteSource): void {
  checkSource('menus', source)
}

/** Finds and remembers the site as the sender of a request may see it. */
export async function findSite(source: SiteSource, request: object): Promise<Site> {
  const service = typeof source === 'function' ? source() : source
  const site = await service.siteFor(request)
  sites.set(request, site)
  return site
}

/** Menus and links for the sender of a request (in Hono: its context), behind `menus(service)`; undefined elsewhere. */
export function siteOf(request: object): Site | undefined {
  return sites.get(request)
}
