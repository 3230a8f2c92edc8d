/**
 * Menus: the items of all services, in one order everybody computes the same way.
 *
 * @module
 */
import type { MenuEntry, Menus } from '@hydra-gateway/protocol'
import type { Entry } from './member.ts'

/**
 * Assembles the menus. Items with an `order` come first, by it; the others by label. Of two items with one path
 * in one menu the service that was here first keeps its own. Items of a service that is down stay, not available.
 */
export function compileMenus(
  entries: Iterable<Entry>,
  isAvailable: (service: string, path: string) => boolean,
): Menus {
  const menus = new Map<string, Map<string, MenuEntry>>()
  for (const entry of [...entries].sort((a, b) => a.rank - b.rank)) {
    for (const [menu, items] of Object.entries(entry.declared.menuItems)) {
      const byPath = menus.get(menu) ?? new Map<string, MenuEntry>()
      menus.set(menu, byPath)
      for (const item of items) {
        if (byPath.has(item.endpoint)) continue
        const available = isAvailable(entry.name, item.endpoint)
        const { roles: _roles, signedOut: _signedOut, ...shown } = item
        byPath.set(item.endpoint, {
          ...shown,
          service: entry.name,
          state: available ? 'available' : 'down',
          available,
        })
      }
    }
  }
  return Object.fromEntries(
    [...menus]
      .sort(([a], [b]) => compareText(a, b))
      .map(([menu, byPath]) => [menu, [...byPath.values()].sort(compareItems)]),
  )
}

function compareItems(a: MenuEntry, b: MenuEntry): number {
  return (
    (a.order ?? Number.POSITIVE_INFINITY) - (b.order ?? Number.POSITIVE_INFINITY) ||
    compareText(a.label, b.label) ||
    compareText(a.endpoint, b.endpoint)
  )
}

// Code units, not the machine's locale: every node and every service must find the same order.
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
