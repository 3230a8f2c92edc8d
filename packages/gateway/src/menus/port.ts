/**
 * The seam of menus: what one visitor may see of the menus and links of all services, read from memory.
 *
 * The menus themselves are put together in `registry/menu.ts`, with the overview; here they are looked at through the
 * eyes of somebody. Types only.
 *
 * @module
 */
import type { LinkView, MenuView, WantedMenuInfo } from '@hydra-gateway/protocol'
import type { Caller } from '../identity/port.ts'

/**
 * A class of visitors who see the same of everything: by what they are signed in as, never by who they are. Equal for all
 * visitors who are not signed in.
 */
export type Audience = string

/** Menus and links, through the eyes of a visitor. Everything is as of `revision` and reads memory only. */
export interface SiteMenus {
  /** Grows when anything below may have changed. */
  readonly revision: number
  /** Whom a visitor sees the site as; cached per caller. */
  audienceOf(caller: Caller | undefined): Audience
  /**
   * A menu as somebody may see it: the same frozen object for the same audience until it changes. Undefined when no
   * service ever had an item in a menu of that name; empty when there is nothing in it for them.
   */
  view(name: string, caller: Caller | undefined): MenuView | undefined
  /** Names of all menus that have something for somebody. */
  names(caller: Caller | undefined): readonly string[]
  /**
   * How a path of this site is for somebody: `closed` when they are signed in and may not have it, whatever its state.
   * Undefined when no route fits: such a link is none of ours to judge. `host` as of the exchange.
   */
  link(path: string, host: string, caller: Caller | undefined): LinkView | undefined
  /** Whether somebody may open a path as they are now, without signing in first. */
  isFor(path: string, host: string, caller: Caller | undefined): boolean
  /**
   * Calls back when something of the site changed, changes that come together as one: also whether a fragment is
   * rendered. Returns the function that ends it.
   */
  onChange(listener: () => void): () => void
}

/** What a page that is put together takes of it: `<m:menu>` and `<a m:link>`. */
export type PageMenus = Pick<SiteMenus, 'view' | 'link'>

/** Menus that pages asked for and nobody has. */
export interface WantedMenus {
  /** A page asked for a menu that nobody has. */
  missed(name: string, page: Pick<WantedMenuInfo, 'service' | 'path'>): void
  /** Those nobody has until now. */
  list(): readonly WantedMenuInfo[]
}
