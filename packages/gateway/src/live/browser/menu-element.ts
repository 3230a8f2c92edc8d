/**
 * `<hydra-menu>`: made to say what its menu says, with the elements that are there wherever they can stay. Its elements
 * are those of `menuMarkup`.
 *
 * @module
 */
import {
  currentOf,
  isLocalPath,
  LINK_MARK,
  linkAttributes,
  type MenuNode,
  type MenuViewItem,
  menuTree,
} from '@hydra-gateway/protocol'
import { put } from './attributes.ts'

export function showMenu(menu: HTMLElement, all: readonly MenuViewItem[]): void {
  const items = all.filter(({ path }) => isLocalPath(path))
  const current = currentOf(items, location.pathname + location.search)
  const active = document.activeElement as HTMLElement
  const links = () => [...menu.querySelectorAll<HTMLElement>(ITEM)]
  const before = links()
  const byPath = new Map(before.map((link) => [link.getAttribute(LINK_MARK), link.parentElement!]))

  // What else stands there is its author's, for as long as nobody had the menu.
  const list = menu.querySelector(`hydra-menu>ul:has(${ITEM})`) ?? make('ul')
  if (list.parentElement !== menu) menu.replaceChildren(list)
  fill(list, menuTree(items))

  const at = before.indexOf(active)
  if (at < 0 || document.activeElement === active) return
  // It moved, or it is gone: then the next one has the focus, as far as there is one.
  const now = links()
  const next = menu.contains(active) ? active : (now[at] ?? now.at(-1) ?? menu)
  if (next === menu) menu.tabIndex = -1
  next.focus({ preventScroll: true })

  function fill(list: Element, nodes: readonly MenuNode[]): void {
    const wanted = new Set(nodes.map((node) => elementOf(list, node)))
    for (const child of [...list.children]) if (!wanted.has(child)) child.remove()
    let next = list.firstElementChild
    for (const child of wanted) {
      if (child === next) next = child.nextElementSibling
      else list.insertBefore(child, next)
    }
  }

  function elementOf(list: Element, node: MenuNode): Element {
    const { item, group, children } = node as { item: MenuViewItem; group?: string } & MenuNode
    const element =
      group === undefined
        ? (byPath.get(item.path) ?? make('li', make('a')))
        : ([...list.children].find((child) => child.getAttribute('data-group') === group) ??
          make('li', make('span')))
    const [head, below] = element.children
    const label = group ?? item.label
    if (head!.textContent !== label) head!.textContent = label
    put(element, { 'data-group': group, 'data-state': item?.state })
    if (item) {
      put(head!, {
        ...NOTHING,
        ...linkAttributes(item, item.path),
        'aria-current': item.path === current ? 'page' : null,
        'data-icon': item.icon,
      })
    }
    if (children.length) fill(below ?? element.appendChild(make('ul')), children)
    else below?.remove()
    return element
  }
}

/** Links of items; others stand in a fallback. */
export const ITEM = 'li[data-state]>a'

/** All a link of a menu may have because of its state, `href` last: what has a `tabindex` by then keeps the focus. */
const NOTHING = { role: null, 'aria-disabled': null, tabindex: null, title: null, href: null }

function make(name: string, ...children: Element[]): Element {
  const element = document.createElement(name)
  element.append(...children)
  return element
}
