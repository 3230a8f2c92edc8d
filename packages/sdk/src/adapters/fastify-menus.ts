/**
 * Menus for templates of Fastify.
 *
 * @module
 */
import { markMaker } from '../identity/guard.ts'
import { checkSiteSource, findSite, type SiteSource } from '../menus/kept.ts'

/** A reply of Fastify, as far as it is used. */
export interface RenderingReply {
  locals?: object
}

// biome-ignore lint/suspicious/noExplicitAny: Fastify's own request, with the app's types in it
export type MenuHook = (request: any, reply: any) => Promise<void>

/**
 * Gives every template `hydra`: menus and links as the visitor may see them (`reply.locals.hydra`, which `@fastify/view`
 * passes on); handlers find the same by `siteOf(request)`.
 *
 * @example
 * app.addHook('preHandler', menus(service))
 * app.get('/shop', async (request) => `<nav aria-label="Shop">${siteOf(request).menu('main')}</nav>`)
 */
export function menus(service: SiteSource): MenuHook {
  checkSiteSource(service)
  return async (request: object, reply: RenderingReply) => {
    reply.locals = { ...reply.locals, hydra: await findSite(service, request) }
  }
}

markMaker(menus, 'menus')
