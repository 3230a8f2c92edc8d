/**
 * The links of error pages: what stands in a menu, as the visitor of the page may see it, and is open now.
 *
 * @module
 */
import { leadsOn, type MenuView } from '@hydra-gateway/protocol'
import type { OpenPage } from './layout.ts'

/** Of the main menu, or of the first one that has something for the visitor. `view` is for one visitor. */
export function openPagesOf(
  names: () => readonly string[],
  view: (name: string) => MenuView | undefined,
): readonly OpenPage[] {
  const items = view('main')?.items ?? []
  const shown =
    items.length > 0
      ? items
      : names()
          .map((name) => view(name)?.items ?? [])
          .find((of) => of.length > 0)
  return (shown ?? []).filter(({ state }) => leadsOn(state)).map(({ path, label }) => ({ path, label }))
}
