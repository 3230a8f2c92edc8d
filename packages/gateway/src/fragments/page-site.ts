/**
 * The site through the eyes of whom a page is for: what becomes of its menus and marked links. Reads memory only.
 *
 * @module
 */
import type { MenuText } from '@hydra-gateway/protocol'
import { pathOfLink, type SiteTags } from '@hydra-gateway/protocol/fragments'
import type { PageMenus, WantedMenus } from '../menus/port.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { readTarget } from '../routing/path.ts'
import type { PageContext } from './port.ts'

export interface PageSiteDeps {
  readonly menus: PageMenus
  readonly textOf: MenuText
  /** A page asked for a menu nobody has. */
  readonly onMissed?: WantedMenus['missed'] | undefined
  /** Most text of all menus of one page. */
  readonly maxMenuBytes: number
}

export interface SitePage {
  readonly exchange: Pick<Exchange, 'host' | 'authority' | 'secure' | 'path' | 'query'>
  readonly context: Pick<PageContext, 'caller' | 'service'>
  /** The menus of the page are more than it may have: from here on it shows what stands in their place. Called once. */
  readonly onFull: (detail: string) => void
}

/** Looks at the site for one page. */
export function createPageSite(
  { menus, textOf, onMissed, maxMenuBytes }: PageSiteDeps,
  { exchange, context, onFull }: SitePage,
): SiteTags {
  const { host, authority, secure, path, query } = exchange
  const { caller, service } = context
  const place = {
    path: path + query,
    origin: authority === '' ? undefined : `${secure ? 'https' : 'http'}://${authority}`,
  }
  let room = maxMenuBytes
  let isFull = false

  return {
    menu(tag) {
      if (isFull) return undefined
      const view = menus.view(tag.name, caller)
      if (!view) {
        onMissed?.(tag.name, { service, path })
        return undefined
      }
      const text = textOf(view, {
        current: tag.current ?? place.path,
        ...(tag.class !== undefined && { class: tag.class }),
        ...(tag.id !== undefined && { id: tag.id }),
      })
      room -= text.length
      if (room >= 0) return text
      isFull = true
      onFull(`the menus of a page may have ${maxMenuBytes} bytes (fragments.maxPageBytes)`)
      return undefined
    },
    link(href) {
      const found = pathOfLink(href, place)
      if (found === undefined) return undefined
      // As a request for it would be read.
      const target = readTarget(found.split('#', 1)[0]!)
      if (target.problem !== undefined) return undefined
      return { link: menus.link(target.path, host, caller), path: found }
    },
  }
}
