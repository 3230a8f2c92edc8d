/**
 * A link as templates take it: its attributes, and its state.
 *
 * @module
 */
import { attributesText, escapeMarkup, type LinkView, leadsOn, linkAttributes } from '@hydra-gateway/protocol'

/** A link to a path of the site, as one visitor sees it. As a text it is its attributes: `` `<a ${link}>` ``. */
export interface Link {
  readonly path: string
  /**
   * `closed`: not for this visitor, whether it is there or not. `unknown`: no service is known to have the path; it stays
   * a link, and open pages hear when a service has it.
   */
  readonly state: LinkView['state'] | 'unknown'
  /** Whether it leads somewhere. */
  readonly available: boolean
  /** Why it does not, or is slow, in words for visitors. */
  readonly reason?: string
  /** True while the gateway is away: this is what it said last. */
  readonly isStale: boolean
  /** Of its `<a>`, values not escaped: for templates that escape, such as `a&attributes(link.attributes)` in Pug. */
  readonly attributes: Readonly<Record<string, string>>
  /** Its attributes, values escaped: `<a <%- link %>>Orders</a>` in EJS. */
  toString(): string
  /** The whole `<a>`; what it says is text, and escaped. */
  toHtml(text: string, attributes?: Readonly<Record<string, string>>): string
}

/** Makes a link of what it is to a visitor; `view` is undefined for a path nobody is known to have. */
export function createLink(path: string, view: LinkView | undefined, isStale: boolean): Link {
  const attributes = Object.freeze(linkAttributes(view, path))
  const { state = 'unknown', reason } = view ?? {}
  return Object.freeze({
    path,
    state,
    available: state === 'unknown' || leadsOn(state),
    ...(reason !== undefined && { reason }),
    isStale,
    attributes,
    toString: () => attributesText(attributes),
    toHtml(text: string, more: Readonly<Record<string, string>> = {}) {
      // Where the link leads is said here alone: it can't be undone by accident.
      const { href: _, ...others } = more
      const all = attributesText({ ...others, ...attributes })
      return `<a${all === '' ? '' : ` ${all}`}>${escapeMarkup(text)}</a>`
    },
  })
}
