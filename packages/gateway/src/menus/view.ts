/**
 * A menu as one audience may see it. Pure.
 *
 * @module
 */
import {
  isSameViewItem,
  type MenuEntry,
  type MenuView,
  type MenuViewItem,
  type Standing,
  seenItems,
} from '@hydra-gateway/protocol'
import type { Demand } from '../routing/demands.ts'

/** Whether all demands are met. */
export function standingOf(
  demands: readonly Demand[] | undefined,
  meets: (demand: Demand) => Standing,
): Standing {
  let standing: Standing = 'yes'
  for (const demand of demands ?? []) {
    const each = meets(demand)
    if (each === 'no') return 'no'
    if (each === 'sign-in') standing = 'sign-in'
  }
  return standing
}

/** The items somebody may see, as a menu. */
export function viewOf(
  name: string,
  entries: readonly MenuEntry[],
  meets: (demand: Demand) => Standing,
): MenuView {
  const items = seenItems(entries, ({ demands }) =>
    standingOf(demands as readonly Demand[] | undefined, meets),
  )
  return Object.freeze({ name, items: items as MenuViewItem[] })
}

/** Whether two views of one menu show the same. */
export function isSameView(a: MenuView, b: MenuView): boolean {
  return a.items.length === b.items.length && a.items.every((item, at) => isSameViewItem(item, b.items[at]!))
}
