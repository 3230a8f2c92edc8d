/**
 * HTML of menus, made once for all visitors who see the same in the same page.
 *
 * @module
 */
import {
  currentOf,
  type MenuMarkupOptions,
  type MenuView,
  type MenuViewItem,
  menuMarkup,
} from '@hydra-gateway/protocol'

/** Texts kept for one list of items, and the longest of them. */
const MOST_TEXTS = 50
const MOST_CHARACTERS = 64 * 1024

/** By list of items: it is another one as soon as anything in it changes. */
const made = new WeakMap<readonly MenuViewItem[], Map<string, string>>()

export function madeMarkup(
  items: readonly MenuViewItem[],
  view: MenuView,
  options: MenuMarkupOptions,
): string {
  const { class: classes, id } = options
  const current = currentOf(items, options.current)
  const key = JSON.stringify([view.name, current, classes, id])
  const texts = made.get(items) ?? new Map<string, string>()
  made.set(items, texts)
  let text = texts.get(key)
  if (text === undefined) {
    text = menuMarkup(view, { ...options, ...(current !== undefined && { current }) })
    if (texts.size >= MOST_TEXTS) texts.clear()
    if (text.length <= MOST_CHARACTERS) texts.set(key, text)
  }
  return text
}
