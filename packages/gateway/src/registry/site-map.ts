/**
 * The site map: what anybody can open now. A mistyped address is compared with it.
 *
 * @module
 */
import type { MenuEntry, Overview, OverviewService } from '@hydra-gateway/protocol'
import { ALWAYS_WELL, linkStateOf } from '../routing/link-state.ts'
import type { Live } from '../routing/live.ts'
import type { VitalsBook } from '../routing/vitals.ts'

export interface SiteMap {
  /** Whether some instance serves a GET of the path: it is there, and does not rest. */
  isServing(path: string): boolean
  /** Paths of open pages that are for everybody, without parameters: menu items first, then what services declared. */
  paths(): Iterable<string>
}

/** Who mistypes an address has not been asked who they are. */
function isForEverybody({ available, demands }: Pick<MenuEntry, 'available' | 'demands'>): boolean {
  return available && !demands
}

/** A pattern with a part that stands for more than itself. */
const HAS_PARAMETER = /[{*]/

export interface SiteMapDeps {
  readonly live: Live
  readonly vitals: Pick<VitalsBook, 'of'>
  readonly overview: () => Pick<Overview, 'menus'> & {
    readonly services: readonly Pick<OverviewService, 'endpoints'>[]
  }
}

export function createSiteMap({ live, vitals, overview }: SiteMapDeps): SiteMap {
  return {
    isServing(path) {
      const { table } = live
      const route = table.match('', path, 'GET', false)
      return route !== undefined && linkStateOf(route, { table, vitals, healthOf: ALWAYS_WELL }) !== 'down'
    },
    *paths() {
      const { menus, services } = overview()
      for (const items of Object.values(menus)) {
        for (const item of items) if (isForEverybody(item)) yield item.endpoint
      }
      for (const { endpoints } of services) {
        for (const { path, ...page } of endpoints) {
          if (isForEverybody(page) && !HAS_PARAMETER.test(path) && path.isWellFormed()) yield encodeURI(path)
        }
      }
    },
  }
}
