/**
 * Menus as they stand in pages, each put together once: a list of items is the same object for everybody who sees the
 * same, for as long as nothing changes.
 *
 * @module
 */
import type { MenuView, MenuViewItem } from './menu.ts'
import { currentOf, type MenuMarkupOptions, menuMarkup } from './menu-markup.ts'

/** What `menuMarkup` makes, perhaps made before. */
export type MenuText = (view: MenuView, options: MenuMarkupOptions) => string

/** Texts that are kept of one list: they differ by where the visitor is, and by what pages call the element. */
const MOST_KEPT = 50
/** A longer one is made anew. */
const MOST_KEPT_LENGTH = 65_536
/** Of all lists: visitors with other roles have others, and there may be hundreds. Above, all are made anew. */
const MOST_KEPT_TOGETHER = 8 * 1024 * 1024

/** Makes a memory of its own. */
export function createMenuTexts(): MenuText {
  let ofItems = new WeakMap<readonly MenuViewItem[], Map<string, string>>()
  let room = MOST_KEPT_TOGETHER
  return (view, options) => {
    const { name, items } = view
    const current = currentOf(items, options.current)
    const key = JSON.stringify([name, current, options.class, options.id])
    let texts = ofItems.get(items)
    const known = texts?.get(key)
    if (known !== undefined) return known
    const text = menuMarkup(view, options)
    const length = text.length + key.length
    if (length > MOST_KEPT_LENGTH) return text
    if (length > room) {
      ofItems = new WeakMap()
      texts = undefined
      room = MOST_KEPT_TOGETHER
    }
    room -= length
    if (!texts) {
      texts = new Map()
      ofItems.set(items, texts)
    }
    if (texts.size >= MOST_KEPT) texts.clear()
    texts.set(key, text)
    return text
  }
}
