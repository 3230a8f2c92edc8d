/**
 * Attributes of links: written only where they differ, so that nothing is repainted, and nobody who watches is told, for
 * what stays as it is.
 *
 * @module
 */
import { isLocalPath, LINK_MARK, type LinkView, linkAttributes } from '@hydra-gateway/protocol'

type Attributes = Readonly<Record<string, string | null | undefined>>

/** Writes attributes, and takes away those that are null or undefined. */
export function put(element: Element, attributes: Attributes): void {
  for (const name in attributes) {
    const value = attributes[name]
    if (value == null) element.removeAttribute(name)
    else if (element.getAttribute(name) !== value) element.setAttribute(name, value)
  }
}

/** What a link says by itself, and the state it was given last. */
const shown = new WeakMap<Element, { readonly link: LinkView; readonly own: Attributes }>()

/** Shows the state of a link that stands somewhere in the page. What its author wrote comes back with it. */
export function showLink(element: Element, link: LinkView): void {
  const path = element.getAttribute(LINK_MARK)!
  const before = shown.get(element)
  if (!isLocalPath(path) || before?.link === link) return
  let own = before?.own ?? { role: null, tabindex: null, title: null, href: path }
  if (element.ariaDisabled !== 'true') {
    const [role, tabindex, title, href = path] = ['role', 'tabindex', 'title', 'href'].map((name) =>
      element.getAttribute(name),
    )
    // A reason is not the author's.
    const isReason = title === (before?.link ?? link).reason
    own = { role, tabindex, title: isReason ? before?.own.title : title, href }
  }
  const wanted = linkAttributes(link, path)
  // `href` last: what has a `tabindex` by then keeps the focus. The author's may have a query behind the path.
  put(element, { ...own, 'aria-disabled': null, ...wanted, href: wanted.href && own.href })
  shown.set(element, { link, own })
}

/** A link that leads nowhere is no link to a browser; code of the page may think otherwise. */
export function guardLinks(): void {
  const refuse = (event: Event) => {
    if ((event as KeyboardEvent).key && (event as KeyboardEvent).key !== 'Enter') return
    if (!(event.target as Element).closest?.(`a[${LINK_MARK}][aria-disabled=true]`)) return
    event.preventDefault()
    event.stopImmediatePropagation()
  }
  for (const type of ['click', 'auxclick', 'keydown']) addEventListener(type, refuse, true)
}
