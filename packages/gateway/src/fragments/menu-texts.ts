/**
 * Menus as they stand in pages, each put together once: a view is the same object for everybody who sees the same, for as
 * long as nothing changes.
 *
 * @module
 */
import { currentOf, type MenuMarkupOptions, type MenuView, menuMarkup } from '@hydra-gateway/protocol'

export type MenuText = (view: MenuView, options: MenuMarkupOptions) => string

/** Texts that are kept of one view: they differ by where the visitor is, and by what pages call the element. */
const MOST_KEPT = 32
/** A longer one is made anew. */
const MOST_KEPT_LENGTH = 65_536

/** Makes the texts of one gateway. */
export function createMenuTexts(): MenuText {
  const ofViews = new WeakMap<MenuView, Map<string, string>>()
  return (view, options) => {
    const current = currentOf(view.items, options.current)
    const key = JSON.stringify([current, options.class, options.id])
    let texts = ofViews.get(view)
    const known = texts?.get(key)
    if (known !== undefined) return known
    const text = menuMarkup(view, options)
    if (text.length > MOST_KEPT_LENGTH) return text
    if (!texts) {
      texts = new Map()
      ofViews.set(view, texts)
    }
    if (texts.size >= MOST_KEPT) texts.clear()
    texts.set(key, text)
    return text
  }
}
