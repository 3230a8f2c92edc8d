/**
 * The two menus of the header, made in whatever way is natural where a page is made.
 *
 * @module
 */
import type { Site } from '@hydra-gateway/sdk'
import { type Html, html, trusted } from './html.ts'

export interface Menus {
  /** Of the shop. */
  readonly main: Html
  /** Of the visitor. */
  readonly account: Html
}

/** Made by the service, for whoever sent the request. */
export function menusOf(site: Pick<Site, 'menu'>): Menus {
  return { main: trusted(site.menu('main').html), account: trusted(site.menu('account').html) }
}

/** Put in by the gateway, in a page with the header `hydra-compose`. A start is shown where there is none. */
export const MENU_TAGS: Menus = {
  main: html`<m:menu name="main"><a href="/">Start</a></m:menu>`,
  account: html`<m:menu name="account"></m:menu>`,
}
