/**
 * All that a service has of menus and links, put together: what the gateway said last of the site, seen through the eyes
 * of whoever sends a request. Everything is read from memory; who somebody is may have to be verified first.
 *
 * @module
 */
import { leadsOn, type MenuViewItem, nearest, type Overview } from '@hydra-gateway/protocol'
import { KeysUnknownError } from '../identity/key-set.ts'
import type { IdentitySide } from '../identity/side.ts'
import type { User, Verified } from '../identity/verified.ts'
import { type Log, nameForLog } from '../log.ts'
import type { HydraService, ServiceOptions } from '../options.ts'
import { addressOf } from '../request.ts'
import { compileKnownSite, type KnownSite, UNKNOWN_SITE } from './known-site.ts'
import { createLink, type Link } from './link.ts'
import { createMarks } from './marks.ts'
import { createMenu, type Menu } from './menu.ts'
import type { PageSite } from './port.ts'

/** The site as the sender of a request may see it, in this moment: for templates, which can't wait. */
export interface Site {
  /** Who sends the request; absent for nobody. */
  readonly user?: User
  /** True while the gateway is away: this is what it said last. */
  readonly isStale: boolean
  /** All menus by name, for templates that can't call; a menu that is not there is absent. */
  readonly menus: Readonly<Record<string, Menu>>
  /** One menu; empty when there is none. @default main */
  menu(name?: string): Menu
  link(path: string): Link
  /** True while some service serves the path, and may serve it to them. */
  isAvailable(path: string): boolean
}

export interface MenuSideDeps {
  readonly log: Pick<Log, 'warn'>
  readonly identity: Pick<IdentitySide, 'examine'>
  /** A service that is never told who calls sees everybody as signed out. */
  readonly options: Pick<ServiceOptions, 'login' | 'devUsers'>
  /** Epoch ms. */
  readonly now: () => number
}

/** Names of menus that are said not to be there, each once. */
const MOST_MISSED = 100

export interface MenuSide {
  /** While there is no line to the gateway: since when. Epoch ms. */
  readonly staleSince: number | undefined
  /** What stands in the pages of this service, beside fragments. */
  readonly pages: PageSite
  readonly menu: HydraService['menu']
  readonly link: HydraService['link']
  readonly siteFor: HydraService['siteFor']
  readonly isAvailable: HydraService['isAvailable']
  useKey(privateKey: string): void
  learn(overview: Overview): void
  disconnected(): void
}

/** Makes the menus of a service. It knows nothing before the first overview. */
export function createMenuSide({ identity, options, log, now }: MenuSideDeps): MenuSide {
  const canTell = options.login !== 'none' || options.devUsers !== undefined
  let overview: Overview | undefined
  let compiled: KnownSite | undefined
  let staleSince: number | undefined = now()
  let mark: ReturnType<typeof createMarks> | undefined
  let marksOf = ''
  /** Of requests pages are made for. */
  const recognised = new WeakMap<object, Verified>()
  /** Of those who are not signed in, until something changes. */
  const common = new Map<string, Menu>()
  /** Names of menus nobody has, as they were asked for. */
  const missed = new Set<string>()

  // Most overviews are followed by the next one before anybody looks.
  function site(): KnownSite {
    if (!overview) return UNKNOWN_SITE
    compiled ??= compileKnownSite(overview)
    return compiled
  }

  function itemsOf(name: string, visitor: Verified | undefined): readonly MenuViewItem[] | undefined {
    const items = site().menu(name, visitor)
    if (!items && overview && missed.size < MOST_MISSED && !missed.has(name)) {
      missed.add(name)
      // Another name may well be that of a service that is not there yet.
      const meant = nearest(name, site().menuNames)
      if (meant)
        log.warn(`nobody has a menu "${nameForLog(name)}" by now; did you mean "${nameForLog(meant)}"?`)
    }
    return items
  }

  function menuFor(name: string, visitor?: Verified, request?: object): Menu {
    const isStale = staleSince !== undefined
    const items = itemsOf(name, visitor)
    if (visitor || request || !items)
      return createMenu(name, items ?? [], { isStale, current: request && addressOf(request) })
    let known = common.get(name)
    if (!known) {
      known = createMenu(name, items, { isStale, current: undefined })
      common.set(name, known)
    }
    return known
  }

  function linkFor(path: string, visitor?: Verified): Link {
    return createLink(path, site().link(path, visitor), staleSince !== undefined)
  }

  function menu(name?: string): Menu
  function menu(name: string, request: object): Promise<Menu>
  function menu(name = 'main', request?: object): Menu | Promise<Menu> {
    checkText(name, "menu takes the name of a menu, such as menu('main', request)")
    if (!request) return menuFor(name)
    return recognise(request).then((visitor) => menuFor(name, visitor, request))
  }

  function link(path: string): Link
  function link(path: string, request: object): Promise<Link>
  function link(path: string, request?: object): Link | Promise<Link> {
    checkText(path, A_PATH)
    if (!request) return linkFor(path)
    return recognise(request).then((visitor) => linkFor(path, visitor))
  }

  /** Who sends a request; undefined for nobody, also when nobody can be recognised yet. */
  async function recognise(request: object): Promise<Verified | undefined> {
    // There is nothing to be seen, and nobody who could say who they are.
    if (!overview || !canTell) return undefined
    try {
      return (await identity.examine(request)).verified
    } catch (fault) {
      if (fault instanceof KeysUnknownError) return undefined
      throw fault
    }
  }

  return {
    get staleSince() {
      return staleSince
    },
    pages: {
      async recognise(request) {
        const verified = await recognise(request)
        if (verified) recognised.set(request, verified)
        else recognised.delete(request)
      },
      menu(name, request) {
        const items = itemsOf(name, request && recognised.get(request))
        return (
          items && {
            name,
            items: items as MenuViewItem[],
            ...(staleSince !== undefined && { isStale: true as const }),
          }
        )
      },
      link: (path, request) => site().link(path, request && recognised.get(request)),
      mark: (service, ref, occurrence) => mark?.(service, ref, occurrence),
    },
    menu,
    link,
    isAvailable(path) {
      checkText(path, A_PATH)
      const route = site().route(path)
      return route !== undefined && leadsOn(route.state)
    },
    siteFor: async (request) => siteOf(await recognise(request), request),
    useKey(privateKey) {
      if (marksOf !== privateKey) mark = createMarks(privateKey)
      marksOf = privateKey
    },
    learn(next) {
      overview = next
      compiled = undefined
      staleSince = undefined
      common.clear()
    },
    disconnected() {
      staleSince ??= now()
      common.clear()
    },
  }

  function siteOf(visitor: Verified | undefined, request: object): Site {
    const names = site().menuNames
    const made = new Map<string, Menu>()
    const once = (name: string): Menu => {
      const known = made.get(name) ?? menuFor(name, visitor, request)
      made.set(name, known)
      return known
    }
    const menus = Object.defineProperties(
      Object.create(null) as Record<string, Menu>,
      Object.fromEntries(names.map((name) => [name, { enumerable: true, get: () => once(name) }])),
    )
    return {
      ...(visitor && { user: visitor.user }),
      isStale: staleSince !== undefined,
      menus,
      menu(name = 'main') {
        checkText(name, "menu takes the name of a menu, such as menu('main')")
        return once(name)
      },
      link(path) {
        checkText(path, A_PATH)
        return linkFor(path, visitor)
      },
      isAvailable(path) {
        checkText(path, A_PATH)
        const view = site().link(path, visitor)
        return view !== undefined && leadsOn(view.state)
      },
    }
  }
}

const A_PATH = "link and isAvailable take a path of the site, such as link('/orders')"

function checkText(value: unknown, expected: string): void {
  if (typeof value !== 'string') throw new TypeError(expected)
}
