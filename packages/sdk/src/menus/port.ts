/**
 * The seam between pages of a service and what it knows of the site: menus, links, and marks of fragments that may come
 * back. Read from memory, for one request at a time. Types only.
 *
 * @module
 */
import type { LinkView, MenuView } from '@hydra-gateway/protocol'

/** What the pages of a service put in for their visitors, beside fragments. */
export interface PageSite {
  /**
   * Finds out who a request is from, whose token may have to be verified first. Await it before the page begins: to `menu`
   * and `link`, a request nobody looked at comes from somebody who is not signed in.
   */
  recognise?(request: object): Promise<void>
  /** `<m:menu name>` for whom a request is from; undefined while there is no such menu: its fallback stands there. */
  menu(name: string, request: object | undefined): MenuView | undefined
  /**
   * `<a m:link href>` for whom a request is from. `path`: of this site, with its query, as the page says it and put
   * together with the address of the page. Undefined while no route is known there: the link stays one, and open pages hear
   * of it.
   */
  link(path: string, request: object | undefined): LinkView | undefined
  /**
   * The mark of a fragment whose tag says `live` and whose fallback is shown; `occurrence`: which of several of the same
   * fragment in the page, from 0. Undefined when the gateway gave this service nothing to prove marks with.
   */
  mark(service: string, ref: string, occurrence: number): string | undefined
}
