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
  seenItems,
  seenLink,
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
      return seenLink(standing(at.demands, visitor, mappingsOf), () => at)
    },
    route,
  }
}

function itemsFor(
  entries: readonly MenuEntry[],
  visitor: Visitor | undefined,
  mappingsOf: MappingsOf,
): readonly MenuViewItem[] {
  const known = entries
    // An address that leaves the site is left out, whoever let it in.
    .filter(({ endpoint }) => isLocalPath(endpoint))
    // An older gateway says no state.
    .map(
      (entry): MenuEntry =>
        entry.state ? entry : { ...entry, state: entry.available ? 'available' : 'down' },
    )
  return seenItems(known, ({ demands }) => standing(demands, visitor, mappingsOf))
}
