/**
 * Menus for Hono: for templates of text, `html` and JSX.
 *
 * @module
 */
import { markMaker } from '../identity/guard.ts'
import { checkSiteSource, findSite, type SiteSource } from '../menus/kept.ts'
import type { Site } from '../menus/side.ts'
import type { HonoMiddleware } from './hono-guard.ts'

/** Variables of a context behind `menus`: `new Hono<{ Variables: SiteVariables }>()`. */
export interface SiteVariables {
  hydra: Site
}

/**
 * Sets `hydra` of the context: menus and links as the visitor may see them.
 *
 * @example
 * app.use(menus(service))
 * app.get('/shop', ({ html, var: { hydra } }) => html(`<nav aria-label="Shop">${hydra.menu('main')}</nav>`))
 */
export function menus(service: SiteSource): HonoMiddleware {
  checkSiteSource(service)
  return async (context, next) => {
    context.set('hydra', await findSite(service, context))
    await next()
    return undefined
  }
}

markMaker(menus, 'menus')
