/**
 * Menus for templates of Express, and of what else has its middleware.
 *
 * @module
 */
import { markMaker } from '../identity/guard.ts'
import { checkSiteSource, findSite, type SiteSource } from '../menus/kept.ts'
import type { Middleware } from './node-guard.ts'

/**
 * Gives every template `hydra`: menus and links as the visitor may see them (`response.locals.hydra`). Put it before the
 * routes that render.
 *
 * @example
 * app.use(menus(service))
 * // in EJS:  <nav aria-label="Shop"><%- hydra.menu('main') %></nav>  <a <%- hydra.link('/cart') %>>Cart</a>
 */
export function menus(service: SiteSource): Middleware {
  checkSiteSource(service)
  return (request, response: { locals?: Record<string, unknown> } & Parameters<Middleware>[1], next) => {
    findSite(service, request).then((site) => {
      response.locals ??= {}
      response.locals.hydra = site
      next()
    }, next)
  }
}

markMaker(menus, 'menus')
