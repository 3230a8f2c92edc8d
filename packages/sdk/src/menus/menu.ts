/**
 * A menu as templates take it: a list of items, which are plain data, and the HTML of all of them.
 *
 * @module
 */
import {
  createMenuTexts,
  currentOf,
  type LinkState,
  leadsOn,
  linkAttributes,
  type MenuMarkupOptions,
  type MenuNode,
  type MenuView,
  type MenuViewItem,
  menuTree,
} from '@hydra-gateway/protocol'

/** One item, for any template. Whatever stands in it came from some service: escape it like input. */
export interface MenuLink {
  readonly path: string
  /** The same as `path`, as Medusa calls it. */
  readonly endpoint: string
  readonly label: string
  readonly icon?: string
  /** Heading it stands under. */
  readonly group?: string
  /** Path of the item it stands below, which comes before it. */
  readonly parent?: string
  readonly state: LinkState
  /** False while it is down: no link then. */
  readonly available: boolean
  /** Why it is slow or away, in words for visitors. */
  readonly reason?: string
  /** It leads to the page it stands in; known in menus for a request. */
  readonly current: boolean
  /** Of its `<a>`, values not escaped; without `href` while it is down. The open page keeps links with these true. */
  readonly attributes: Readonly<Record<string, string>>
}

/** A menu as one visitor sees it: a frozen list of its items, in order, each behind the one it stands below. */
export interface Menu extends ReadonlyArray<MenuLink> {
  /** Of the menu, such as `main`. */
  readonly name: string
  /** True while the gateway is away: this is what it said last. */
  readonly isStale: boolean
  /** What stands below what: items with those below them, headings with those under them. */
  readonly tree: readonly MenuNode<MenuLink>[]
  /** As JSON for others, as `/_hydra/menus/{name}` answers it. */
  readonly view: MenuView
  /** `toHtml()`, for templates that can't call. */
  readonly html: string
  /**
   * `<hydra-menu name="main"><ul>…</ul></hydra-menu>`, everything in it escaped: put it into the page as it is. What
   * `/_hydra/live.js` keeps true once the page is open. `current` is the page's own path where a request was given.
   */
  toHtml(options?: MenuMarkupOptions): string
}

/** Of all menus a process shows. */
const textOf = createMenuTexts()

/** Makes a menu of what a visitor may see. */
export function createMenu(
  name: string,
  items: readonly MenuViewItem[],
  { isStale, current }: { readonly isStale: boolean; readonly current: string | undefined },
): Menu {
  const here = currentOf(items, current)
  const usual = usualLinks(items)
  const links =
    here === undefined ? [...usual] : usual.map((link) => (link.path === here ? asCurrent(link) : link))
  const view: MenuView = Object.freeze({
    name,
    items: items as MenuViewItem[],
    ...(isStale && { isStale: true as const }),
  })
  const toHtml = (options: MenuMarkupOptions = {}): string =>
    textOf(view, { ...(current !== undefined && { current }), ...options })
  let tree: Menu['tree'] | undefined
  // Beside the items, and not among them: a list stays a list for templates, JSON and comparisons.
  Object.defineProperties(links, {
    name: { value: name },
    isStale: { value: isStale },
    view: { value: view },
    tree: { get: () => (tree ??= menuTree(links)) },
    html: { get: toHtml },
    toHtml: { value: toHtml },
    toString: { value: toHtml },
  })
  return Object.freeze(links) as unknown as Menu
}

/** By list of items, which is the same for all visitors who see the same: in each page all but one are these. */
const usuals = new WeakMap<readonly MenuViewItem[], readonly MenuLink[]>()

function usualLinks(items: readonly MenuViewItem[]): readonly MenuLink[] {
  let links = usuals.get(items)
  if (!links) {
    links = items.map(linkOf)
    usuals.set(items, links)
  }
  return links
}

function linkOf(item: MenuViewItem): MenuLink {
  const { path, state, icon } = item
  const attributes = { ...linkAttributes(item, path), ...(icon !== undefined && { 'data-icon': icon }) }
  return Object.freeze({
    ...item,
    endpoint: path,
    available: leadsOn(state),
    current: false,
    attributes: Object.freeze(attributes),
  })
}

function asCurrent(link: MenuLink): MenuLink {
  const attributes = Object.freeze({ ...link.attributes, 'aria-current': 'page' })
  return Object.freeze({ ...link, current: true, attributes })
}
