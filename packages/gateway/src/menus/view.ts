/**
 * A menu as one audience may see it. Pure.
 *
 * @module
 */
import type { MenuEntry, MenuView, MenuViewItem } from '@hydra-gateway/protocol'
import type { Demand } from '../routing/demands.ts'

/** Whether a demand is met. `sign-in`: nobody knows before they signed in; `no`: not by who they are. */
export type Standing = 'yes' | 'sign-in' | 'no'

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

/** The items somebody may see. They are frozen, and say nothing of those that are left out. */
export function viewOf(
  name: string,
  entries: readonly MenuEntry[],
  meets: (demand: Demand) => Standing,
): MenuView {
  const items: MenuViewItem[] = []
  const shown = new Set<string>()
  for (const entry of entries) {
    const standing = standingOf(entry.demands as readonly Demand[] | undefined, meets)
    if (standing === 'no' || (standing === 'sign-in' && entry.signedOut !== 'show')) continue
    shown.add(entry.endpoint)
    items.push(itemOf(entry, standing === 'sign-in', shown))
  }
  return Object.freeze({ name, items: Object.freeze(items) as MenuViewItem[] })
}

function itemOf(
  { endpoint: path, label, icon, group, parent, state, reason }: MenuEntry,
  mustSignIn: boolean,
  shown: ReadonlySet<string>,
): MenuViewItem {
  return Object.freeze({
    path,
    label,
    ...(icon !== undefined && { icon }),
    ...(group !== undefined && { group }),
    // A parent stands before its children. One they don't see would tell them that there is one.
    ...(parent !== undefined && shown.has(parent) && { parent }),
    // How it is behind the sign-in is for who signed in.
    state: mustSignIn ? 'available' : state,
    ...(reason !== undefined && !mustSignIn && { reason }),
  })
}

/** Whether two views of one menu show the same. */
export function isSameView(a: MenuView, b: MenuView): boolean {
  return a.items.length === b.items.length && a.items.every((item, at) => isSameItem(item, b.items[at]!))
}

function isSameItem(a: MenuViewItem, b: MenuViewItem): boolean {
  return (
    a.path === b.path &&
    a.label === b.label &&
    a.icon === b.icon &&
    a.group === b.group &&
    a.parent === b.parent &&
    a.state === b.state &&
    a.reason === b.reason
  )
}
