/**
 * What a visitor sees of menus and links, once it is known whom they are for: the same at the gateway, which knows all
 * about who somebody is, and in a service, which knows what a token says. Pure.
 *
 * @module
 */
import {
  type FeltState,
  type LinkView,
  type MenuEntry,
  type MenuViewItem,
  reasonOf,
  stateOf,
} from './menu.ts'

/** Whether demands are met. `sign-in`: nobody knows before they signed in; `no`: not by who they are. */
export type Standing = 'yes' | 'sign-in' | 'no'

/** The items somebody may see, in order. They are frozen, and say nothing of those that are left out. */
export function seenItems(
  entries: readonly MenuEntry[],
  standingAt: (entry: MenuEntry) => Standing,
): readonly MenuViewItem[] {
  const items: MenuViewItem[] = []
  const shown = new Set<string>()
  for (const entry of entries) {
    const standing = standingAt(entry)
    if (standing === 'no' || (standing === 'sign-in' && entry.signedOut !== 'show')) continue
    shown.add(entry.endpoint)
    items.push(seenItem(entry, standing, shown))
  }
  return Object.freeze(items)
}

function seenItem(
  { endpoint: path, label, icon, group, parent, state, reason }: MenuEntry,
  standing: Standing,
  shown: ReadonlySet<string>,
): MenuViewItem {
  // How it is behind the sign-in is for who signed in.
  const seen = standing === 'sign-in' ? 'available' : state
  return Object.freeze({
    path,
    label,
    ...(icon !== undefined && { icon }),
    ...(group !== undefined && { group }),
    // A parent stands before its children. One they don't see would tell them that there is one.
    ...(parent !== undefined && shown.has(parent) && { parent }),
    state: seen,
    ...(reason !== undefined && seen !== 'available' && { reason }),
  })
}

/** What a link is for somebody; `read` says how its route is, and is asked only where they may know. Frozen. */
export function seenLink(
  standing: Standing,
  read: () => { readonly state: FeltState; readonly title: string },
): LinkView {
  if (standing === 'no') return CLOSED
  // As with items: the link takes them to the sign-in.
  if (standing === 'sign-in') return AVAILABLE
  const { state, title } = read()
  if (state === 'available') return AVAILABLE
  const reason = reasonOf(state, title)
  return Object.freeze({ state: stateOf(state), ...(reason !== undefined && { reason }) })
}

const AVAILABLE: LinkView = Object.freeze({ state: 'available' })
const CLOSED: LinkView = Object.freeze({ state: 'closed', reason: 'This is not open to you' })
