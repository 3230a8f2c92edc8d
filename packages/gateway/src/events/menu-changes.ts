/**
 * What changed of menus between two overviews. Pure.
 *
 * @module
 */
import { isSameEntry, type MenuEntry, type Menus } from '@hydra-gateway/protocol'

export interface MenuChanges {
  readonly menu: string
  readonly changed: string[]
  readonly more?: number
}

/** Of one menu, those that are listed. */
const MOST_LISTED = 100

/** Menus with an item that is new, gone, in another state, or shown otherwise; with the paths of those. */
export function changedMenus(before: Menus, after: Menus): MenuChanges[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...names].flatMap((menu): MenuChanges[] => {
    const changed = changedItems(itemsOf(before, menu), itemsOf(after, menu))
    if (changed.length === 0) return []
    const more = changed.length - MOST_LISTED
    return [{ menu, changed: changed.slice(0, MOST_LISTED), ...(more > 0 ? { more } : {}) }]
  })
}

// Names of menus are chosen by services: `constructor` is one like any other.
const itemsOf = (menus: Menus, menu: string): readonly MenuEntry[] =>
  Object.hasOwn(menus, menu) ? menus[menu]! : []

function changedItems(before: readonly MenuEntry[], after: readonly MenuEntry[]): string[] {
  const were = new Map(before.map((item) => [item.endpoint, item]))
  const changed: string[] = []
  for (const item of after) {
    const was = were.get(item.endpoint)
    were.delete(item.endpoint)
    if (!was || !isSameEntry(was, item)) changed.push(item.endpoint)
  }
  return [...changed, ...were.keys()]
}
