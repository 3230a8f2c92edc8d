/**
 * The site map: what a visitor can open now. Error pages take their links from here, so none of them is dead.
 *
 * @module
 */
import type { MenuEntry, Overview } from '@hydra-gateway/protocol'
import type { Live } from '../routing/live.ts'
import type { VitalsBook } from '../routing/vitals.ts'

export interface SiteMap {
  /** Whether some instance serves a GET of the path: it is there, and does not rest. */
  isServing(path: string): boolean
  /** Pages of the main menu, or of the first one there is, that are open. */
  openPages(): { path: string; label: string }[]
  /** Paths of open pages without parameters: menu items first, then what services declared. */
  paths(): Iterable<string>
}

/** Error pages don't know who reads them: what is for some is on none of them. */
function isForEverybody({ available, demands }: MenuEntry): boolean {
  return available && !demands
}

/** A pattern with a part that stands for more than itself. */
const HAS_PARAMETER = /[{*]/

export interface SiteMapDeps {
  readonly live: Live
  readonly vitals: Pick<VitalsBook, 'of'>
  readonly overview: () => Overview
}

export function createSiteMap({ live, vitals, overview }: SiteMapDeps): SiteMap {
  return {
    isServing(path) {
      const { table } = live
      const route = table.match('', path, 'GET', false)
      return route !== undefined && table.candidates(route).some(({ id }) => !vitals.of(id).resting)
    },
    openPages() {
      const { menus } = overview()
      const items = menus.main ?? Object.values(menus)[0] ?? []
      return items.filter(isForEverybody).map(({ endpoint, label }) => ({ path: endpoint, label }))
    },
    *paths() {
      const { menus, services } = overview()
      for (const items of Object.values(menus)) {
        for (const item of items) if (isForEverybody(item)) yield item.endpoint
      }
      for (const { endpoints } of services) {
        for (const { path, available, demands } of endpoints) {
          if (available && !demands && !HAS_PARAMETER.test(path) && path.isWellFormed()) yield encodeURI(path)
        }
      }
    },
  }
}
