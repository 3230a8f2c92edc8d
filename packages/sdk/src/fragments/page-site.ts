/**
 * The site through the eyes of whom a page is for: its menus, its marked links, the places of its live fragments.
 *
 * @module
 */
import { FRAGMENT_CLOSE, FRAGMENT_OPEN, FRAGMENT_SHOWN, menuMarkup } from '@hydra-gateway/protocol'
import { type FragmentNode, fillNames, pathOfLink, type SiteTags } from '@hydra-gateway/protocol/fragments'
import type { PageSite } from '../menus/port.ts'
import { methodOf, targetOf } from '../request.ts'
import type { PageBinding } from './binding.ts'
import { isOwn } from './page-program.ts'

/** Looks at the site for one rendering; `request` as it was given to `render`. */
export function createSiteTags(site: PageSite, request: object | undefined): SiteTags {
  const path = pathOf(request)
  return {
    menu(tag) {
      const view = site.menu(tag.name, request)
      const current = tag.current ?? path
      return (
        view &&
        menuMarkup(view, {
          ...(current !== undefined && { current }),
          ...(tag.class !== undefined && { class: tag.class }),
          ...(tag.id !== undefined && { id: tag.id }),
        })
      )
    },
    link(href) {
      // Where the page is says what a relative address means.
      const found =
        path === undefined && !href.startsWith('/') ? undefined : pathOfLink(href, { path: path ?? '/' })
      if (found === undefined) return undefined
      const link = site.link(found.split('#', 1)[0]!, request)
      return link && { link, path: found }
    },
  }
}

/** Comments around the live fragments of a page that can be fetched again, by their index. */
export function marksOf(
  { service: own, site }: Pick<PageBinding, 'service' | 'site'>,
  nodes: readonly FragmentNode[],
  attributes: Readonly<Record<string, unknown>>,
  request: object | undefined,
): readonly (string | undefined)[] {
  if (!site || methodOf(request) !== 'GET') return []
  const counts = new Map<string, number>()
  return nodes.map((node) => {
    if (!node.live) return undefined
    const named = fillNames(node.service, attributes)
    const ref = fillNames(node.ref, attributes)
    if (named === undefined || !ref) return undefined
    const service = isOwn(named, own) ? own : named
    const key = `${service}\n${ref}`
    const occurrence = counts.get(key) ?? 0
    counts.set(key, occurrence + 1)
    return site.mark(service, ref, occurrence)
  })
}

/** What stands around a live fragment, or its fallback. */
export function commentsOf(
  mark: string | undefined,
  isShown: boolean,
): { readonly begin: string; readonly end: string } {
  if (mark === undefined) return { begin: '', end: '' }
  return {
    begin: `<!--${isShown ? FRAGMENT_SHOWN : FRAGMENT_OPEN}${mark}-->`,
    end: `<!--${FRAGMENT_CLOSE}-->`,
  }
}

/** Path and query of the page; undefined where the request doesn't say. */
function pathOf(request: object | undefined): string | undefined {
  const target = targetOf(request)
  if (target === undefined || target.startsWith('/')) return target
  try {
    const { pathname, search } = new URL(target)
    return pathname + search
  } catch {
    return undefined
  }
}
