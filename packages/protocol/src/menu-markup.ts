/**
 * The markup of menus and links, the same wherever a page is made: by the gateway, by a service, and in the open page.
 * Pure, and needs nothing else.
 *
 * What stands in a page, so that code that keeps it true makes the very same elements:
 *
 * ```html
 * <hydra-menu name="main">                                        always one <ul>, which may be empty
 *   <ul>
 *     <li data-state="available">
 *       <a data-hydra-link="/catalog" href="/catalog" aria-current="page" data-icon="book">Catalog</a>
 *       <ul><li data-state="available">…</li></ul>                what stands below it
 *     </li>
 *     <li data-state="down">                                      no href; still reached by the keyboard
 *       <a data-hydra-link="/orders" role="link" aria-disabled="true" tabindex="0" title="Orders is away">Orders</a>
 *     </li>
 *     <li data-group="Account"><span>Account</span><ul>…</ul></li>
 *   </ul>
 * </hydra-menu>
 * ```
 *
 * There are no blanks between the elements. `menuTree` says what stands below what.
 *
 * @module
 */
import type { LinkView, MenuView, MenuViewItem } from './menu.ts'

export interface MenuMarkupOptions {
  /** Path of the page, with its query where it has one: the item that leads here gets `aria-current`. */
  readonly current?: string
  /** Goes over to the element, as does `id`. */
  readonly class?: string
  readonly id?: string
}

/** What stands in a list of a menu: an item with those below it, or a heading with those under it. */
export type MenuNode<Item extends TreeItem = MenuViewItem> =
  | { readonly item: Item; readonly children: readonly MenuNode<Item>[] }
  | { readonly group: string; readonly children: readonly MenuNode<Item>[] }

type TreeItem = Pick<MenuViewItem, 'path'> & {
  readonly group?: string | undefined
  readonly parent?: string | undefined
}

/** Lists in lists: what would stand deeper stands beside its parent. Nobody reads more, and browsers end at 512. */
const MOST_LEVELS = 8

/** A menu as HTML. Everything in it that somebody wrote is escaped; an item whose address leaves the site is left out. */
export function menuMarkup(view: MenuView, options: MenuMarkupOptions = {}): string {
  const items = view.items.filter(({ path }) => isLocalPath(path))
  const current = currentOf(items, options.current)
  const { begin, end } = menuTags({ ...options, name: view.name })
  return `${begin}${list(menuTree(items), current)}${end}`
}

/**
 * Around what stands in the place of a menu: its list, or, while nobody has such a menu, the fallback of its tag. So an
 * open page finds the place when the menu comes.
 */
export function menuTags(menu: {
  readonly name: string
  readonly class?: string | undefined
  readonly id?: string | undefined
}): { readonly begin: string; readonly end: string } {
  const attributes = attributesText({
    name: menu.name,
    ...(menu.class !== undefined && { class: menu.class }),
    ...(menu.id !== undefined && { id: menu.id }),
  })
  return { begin: `<hydra-menu ${attributes}>`, end: '</hydra-menu>' }
}

/**
 * Attributes of a link, in the order they are written. `link` is undefined for a path of this site nobody is known to
 * have: it is a link like those that are available, until an open page hears of it. Without `href` while there is nothing
 * behind it, or it is not for this visitor.
 */
export function linkAttributes(link: LinkView | undefined, path: string): Readonly<Record<string, string>> {
  if (!isLocalPath(path)) return {}
  const { state, reason } = link ?? UNKNOWN
  const title: Record<string, string> = reason === undefined || state === 'available' ? {} : { title: reason }
  if (state === 'available' || state === 'degraded') return { 'data-hydra-link': path, href: path, ...title }
  return { 'data-hydra-link': path, role: 'link', 'aria-disabled': 'true', tabindex: '0', ...title }
}

const UNKNOWN: LinkView = { state: 'available' }

/** Attributes as they stand in a tag, values escaped: `href="/orders" title="…"`. */
export function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}="${escapeMarkup(value)}"`)
    .join(' ')
}

/**
 * Whether an address stays at this site, whatever page it stands in: a path, written so that no browser reads it
 * otherwise. A backslash counts as a slash there, and tabs and ends of lines as nothing.
 */
export function isLocalPath(path: string): boolean {
  return /^\/(?!\/)[^\\\u0000-\u001f\u007f-\u009f]*$/.test(path)
}

/** Path of the item that leads to the page itself: by path and query where one fits so, else by path. */
export function currentOf(
  items: readonly Pick<MenuViewItem, 'path'>[],
  current: string | undefined,
): string | undefined {
  if (current === undefined) return undefined
  const [whole = ''] = current.split('#', 1)
  const [path = ''] = whole.split('?', 1)
  let found: string | undefined
  for (const item of items) {
    if (item.path === whole) return whole
    if (item.path === path) found = path
  }
  return found
}

/**
 * What stands below what. An item stands below its parent where that came before it, else at the top; those of one
 * heading stand under it together, where the first of them does.
 */
export function menuTree<Item extends TreeItem>(items: readonly Item[]): readonly MenuNode<Item>[] {
  type Children = MenuNode<Item>[]
  const top: Level = { children: [], groups: new Map(), depth: 1 }
  const below = new Map<string, Level>()
  interface Level {
    readonly children: Children
    readonly groups: Map<string, Children>
    readonly depth: number
  }
  for (const item of items) {
    const level = (item.parent === undefined ? undefined : below.get(item.parent)) ?? top
    const children: Children = []
    if (!below.has(item.path))
      below.set(
        item.path,
        level.depth < MOST_LEVELS ? { children, groups: new Map(), depth: level.depth + 1 } : level,
      )
    placeOf(level, item.group).push({ item, children })
  }
  return top.children

  function placeOf({ children, groups }: Level, group: string | undefined): Children {
    if (group === undefined) return children
    let under = groups.get(group)
    if (!under) {
      under = []
      groups.set(group, under)
      children.push({ group, children: under })
    }
    return under
  }
}

/** Text as it may stand in content, and in a value in quotes. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] as string)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function list(nodes: readonly MenuNode[], current: string | undefined): string {
  return `<ul>${nodes.map((node) => element(node, current)).join('')}</ul>`
}

function element(node: MenuNode, current: string | undefined): string {
  if ('group' in node) {
    const heading = escapeMarkup(node.group)
    return `<li data-group="${heading}"><span>${heading}</span>${list(node.children, current)}</li>`
  }
  const { item, children } = node
  const attributes = attributesText({
    ...linkAttributes(item, item.path),
    ...(item.path === current && { 'aria-current': 'page' }),
    ...(item.icon !== undefined && { 'data-icon': item.icon }),
  })
  const below = children.length > 0 ? list(children, current) : ''
  return `<li data-state="${item.state}"><a${attributes === '' ? '' : ` ${attributes}`}>${escapeMarkup(item.label)}</a>${below}</li>`
}
