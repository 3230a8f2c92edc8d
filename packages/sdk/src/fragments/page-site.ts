/**
 * The site through the eyes of whom a page is for: its menus, its marked links, the places of its live fragments.
 *
 * @module
 */
import { decodeSegments, menuMarkup } from '@hydra-gateway/protocol'
import {
  createOccurrences,
  type FragmentNode,
  fillNames,
  pathOfLink,
  type SiteTags,
} from '@hydra-gateway/protocol/fragments'
import type { PageSite } from '../menus/port.ts'
import { addressOf, methodOf } from '../request.ts'
import type { PageBinding } from './binding.ts'
import { isOwn } from './page-program.ts'

/** Most text of all menus of one page: a fragment of others may have any number of tags. As the gateway has it. */
const MOST_MENU_CHARACTERS = 16 * 1024 * 1024

/**
 * Looks at the site for one rendering; `request` as it was given to `render`. `onFull`: told once, when the menus of the
 * page are more than it may have; from there on it shows what stands in their place.
 */
export function createSiteTags(
  site: PageSite,
  request: object | undefined,
  onFull: (sentence: string) => void,
): SiteTags {
  const path = addressOf(request)
  let room = MOST_MENU_CHARACTERS
  return {
    menu(tag) {
      const view = room < 0 ? undefined : site.menu(tag.name, request)
      if (!view) return undefined
      const current = tag.current ?? path
      const text = menuMarkup(view, {
        ...(current !== undefined && { current }),
        ...(tag.class !== undefined && { class: tag.class }),
        ...(tag.id !== undefined && { id: tag.id }),
      })
      room -= text.length
      if (room >= 0) return text
      onFull(
        `the menus of a page may have ${MOST_MENU_CHARACTERS} characters; those that came after are left out`,
      )
      return undefined
    },
    link(href) {
      // Where the page is says what a relative address means.
      const found =
        path === undefined && !href.startsWith('/') ? undefined : pathOfLink(href, { path: path ?? '/' })
      if (found === undefined) return undefined
      const target = found.split('#', 1)[0]!
      // What can't be read nobody will ever have.
      if (!decodeSegments(new URL(target, 'http://site').pathname)) return undefined
      return { link: site.link(target, request), path: found }
    },
  }
}

/** Marks of the live fragments of a page that can be fetched again, by their index. */
export function marksOf(
  { service: own, site }: Pick<PageBinding, 'service' | 'site'>,
  nodes: readonly FragmentNode[],
  attributes: Readonly<Record<string, unknown>>,
  request: object | undefined,
): readonly (string | undefined)[] {
  if (!site || methodOf(request) !== 'GET') return []
  const occurrenceOf = createOccurrences()
  return nodes.map((node) => {
    if (!node.live) return undefined
    const named = fillNames(node.service, attributes)
    const ref = fillNames(node.ref, attributes)
    if (named === undefined || !ref) return undefined
    const service = isOwn(named, own) ? own : named
    return site.mark(service, ref, occurrenceOf(service, ref))
  })
}
