/**
 * The site as an overview describes it, through the eyes of one visitor at a time: what is in a menu for them, and what a
 * link is to them. Pure; the same questions give the same frozen answers.
 *
 * @module
 */
import {
  isLocalPath,
  type LinkView,
  type MenuEntry,
  type MenuViewItem,
  type Overview,
  reasonOf,
} from '@hydra-gateway/protocol'
import { audienceOf, type MappingsOf, standing, type Visitor } from './demands.ts'
import { compileKnownRoutes, type KnownRoute } from './known-routes.ts'

export interface KnownSite {
  readonly menuNames: readonly string[]
  /** Items a visitor may see, in order; undefined when there is no menu of that name. */
  menu(name: string, visitor: Visitor | undefined): readonly MenuViewItem[] | undefined
  /** What a link is to a visitor; undefined where no route is known. */
  link(path: string, visitor: Visitor | undefined): LinkView | undefined
  /** The route of a path, whoever asks. */
  route(path: string): KnownRoute | undefined
}

/** Classes of visitors whose menus are kept between two overviews. */
const MOST_AUDIENCES = 100

/** Nothing is known yet. */
export const UNKNOWN_SITE: KnownSite = compileKnownSite({ services: [], menus: {} })

export function compileKnownSite({ services, menus }: Pick<Overview, 'services' | 'menus'>): KnownSite {
  const mappings = new Map(services.map((service) => [service.serviceName, service.roleMappings ?? {}]))
  const mappingsOf: MappingsOf = (service) => mappings.get(service)
  const kept = new Map<string, Map<string, readonly MenuViewItem[]>>()
  // Most services never ask about links.
  let routes: ReturnType<typeof compileKnownRoutes> | undefined
  const route = (path: string): KnownRoute | undefined => {
    routes ??= compileKnownRoutes({ services })
    return routes(path)
  }

  return {
    menuNames: Object.keys(menus),
    menu(name, visitor) {
      if (!Object.hasOwn(menus, name)) return undefined
      const audience = audienceOf(visitor)
      let seen = kept.get(audience)
      if (!seen) {
        if (kept.size >= MOST_AUDIENCES) kept.clear()
        seen = new Map()
        kept.set(audience, seen)
      }
      let items = seen.get(name)
      if (!items) {
        items = itemsFor(menus[name]!, visitor, mappingsOf)
        seen.set(name, items)
      }
      return items
    },
    link(path, visitor) {
      const at = route(path)
      if (!at) return undefined
      const { state, title, demands } = at
      const how = standing(demands, visitor, mappingsOf)
      if (how === 'no') return CLOSED
      // The state of what they may not open is none of theirs: the link takes them to the sign-in.
      if (how === 'sign-in') return AVAILABLE
      const reason = reasonOf(state, title)
      return { state, ...(reason !== undefined && { reason }) }
    },
    route,
  }
}

const CLOSED: LinkView = Object.freeze({ state: 'closed' })
const AVAILABLE: LinkView = Object.freeze({ state: 'available' })

function itemsFor(
  entries: readonly MenuEntry[],
  visitor: Visitor | undefined,
  mappingsOf: MappingsOf,
): readonly MenuViewItem[] {
  const shown = entries.flatMap((entry) => {
    const how = standing(entry.demands, visitor, mappingsOf)
    const isShown = how === 'yes' || (how === 'sign-in' && entry.signedOut === 'show')
    return isShown && isLocalPath(entry.endpoint) ? [{ entry, mustSignIn: how === 'sign-in' }] : []
  })
  const paths = new Set(shown.map(({ entry }) => entry.endpoint))
  return Object.freeze(
    shown.map(({ entry, mustSignIn }): MenuViewItem => {
      const { endpoint, label, icon, group, parent, available, reason } = entry
      const state = mustSignIn ? 'available' : (entry.state ?? (available ? 'available' : 'down'))
      return Object.freeze({
        path: endpoint,
        label,
        ...(icon !== undefined && { icon }),
        ...(group !== undefined && { group }),
        // One that stands below an item they don't see would say that there is one.
        ...(parent !== undefined && paths.has(parent) && { parent }),
        state,
        ...(reason !== undefined && state !== 'available' && { reason }),
      })
    }),
  )
}
