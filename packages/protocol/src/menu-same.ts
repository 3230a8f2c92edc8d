/**
 * Whether items are the same as they were. Each member is named here once: one that is added to an item and forgotten
 * would change without anybody being told, so that it does not compile. Pure.
 *
 * @module
 */
import type { MenuEntry, MenuViewItem } from './menu.ts'

type Members<Item> = Readonly<Record<keyof Item, true>>

const ENTRY: Members<MenuEntry> = {
  endpoint: true,
  label: true,
  icon: true,
  order: true,
  group: true,
  parent: true,
  service: true,
  state: true,
  available: true,
  reason: true,
  leadsTo: true,
  demands: true,
  signedOut: true,
}

const VIEW_ITEM: Members<MenuViewItem> = {
  path: true,
  label: true,
  icon: true,
  group: true,
  parent: true,
  state: true,
  reason: true,
}

/** Whether an item of a menu is as it was, for whoever may see it. */
export function isSameEntry(a: MenuEntry, b: MenuEntry): boolean {
  return isSame(a, b, ENTRY)
}

/** Whether visitors see the same of an item. */
export function isSameViewItem(a: MenuViewItem, b: MenuViewItem): boolean {
  return isSame(a, b, VIEW_ITEM)
}

function isSame<Item extends object>(a: Item, b: Item, members: Members<Item>): boolean {
  if (a === b) return true
  for (const name in members) {
    const [one, other] = [a[name], b[name]]
    if (one === other) continue
    if (typeof one !== 'object' || JSON.stringify(one) !== JSON.stringify(other)) return false
  }
  return true
}
