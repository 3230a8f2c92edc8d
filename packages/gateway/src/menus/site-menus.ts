/**
 * Menus and links through the eyes of a visitor: the overview has them for everybody, here it is looked at who is asking.
 *
 * Reads memory only. A view is made once for all visitors who are signed in as the same, and stays the same object for as
 * long as it shows the same.
 *
 * @module
 */
import {
  type MenuEntry,
  type MenuView,
  type Overview,
  type Standing,
  seenLink,
} from '@hydra-gateway/protocol'
import type { Caller, Refusal } from '../identity/port.ts'
import { type Demand, type DemandsAt, declaredDemands } from '../routing/demands.ts'
import { ALWAYS_WELL, type HealthOf, linkStateOf, titleOf } from '../routing/link-state.ts'
import type { Live } from '../routing/live.ts'
import { isLoginPath } from '../routing/reserved.ts'
import type { Access } from '../routing/route.ts'
import { readSitePath, routeAt } from '../routing/site-path.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import { createAudiences, NOBODY } from './audience.ts'
import type { Audience, SiteMenus } from './port.ts'
import { isSameView, standingOf, viewOf } from './view.ts'

export interface SiteMenusDeps {
  /** The latest there is, without any work. */
  readonly overview: () => Pick<Overview, 'menus' | 'hash'>
  /** Changes of the overview, those that come together as one. */
  readonly onOverview: (listener: () => void) => () => void
  readonly live: Live
  readonly vitals: Pick<VitalsBook, 'of'>
  /** @default all that serve do it well */
  readonly healthOf?: HealthOf | undefined
  /** What the guard asks for at a path. @default what services declared */
  readonly demandsAt?: DemandsAt | undefined
  /** Who may have what; absent where nobody can sign in. */
  readonly identity?: MenuIdentity | undefined
}

export interface MenuIdentity {
  isRevoked(caller: Caller): boolean
  /** Whether somebody may have what an access says, in the words of a service; why not. No rules of operators. */
  judge(caller: Caller | undefined, service: string, access: Access): Refusal | undefined
}

/**
 * Audiences whose views are kept, and items in all of these: with more of them, those that were asked for longest ago are
 * made again. An item is some 100 bytes; a view is as much as a few.
 */
const MOST_AUDIENCES = 500
const MOST_KEPT_ITEMS = 500_000
const VIEW_WEIGHT = 3
/** Names of menus that are remembered when nothing is left in them. */
const MOST_NAMES = 1000

interface Seen {
  readonly entries: readonly MenuEntry[]
  readonly view: MenuView
}

const weightOf = ({ view }: Seen): number => view.items.length + VIEW_WEIGHT

const NO_ENTRIES: readonly MenuEntry[] = Object.freeze([])

/** What is seen, and may be asked to be looked at anew. */
export interface JudgedMenus extends SiteMenus {
  /** What operators say has changed: nothing is as it was, and with the next overview everybody is told. */
  judgeAgain(): void
}

export function createSiteMenus(deps: SiteMenusDeps): JudgedMenus {
  const { overview, onOverview, live, vitals, identity } = deps
  const { healthOf = ALWAYS_WELL, demandsAt = declaredDemands } = deps
  const audienceOf = createAudiences()
  const views = new Map<Audience, Map<string, Seen>>()
  const everSeen = new Set<string>()
  const listeners = new Set<() => void>()

  let revision = 0
  let told = 0
  let known = { hash: '', table: live.table }
  /** Looks whether anything is otherwise than when somebody looked last. */
  const look = (): void => {
    const { hash, menus } = overview()
    if (hash === known.hash && live.table === known.table) return
    known = { hash, table: live.table }
    revision++
    for (const name of Object.keys(menus)) if (everSeen.size < MOST_NAMES) everSeen.add(name)
  }
  look()
  onOverview(() => {
    look()
    if (revision === told) return
    told = revision
    for (const listener of listeners) listener()
  })
  told = revision

  const entriesOf = (name: string): readonly MenuEntry[] | undefined => {
    const { menus } = overview()
    if (Object.hasOwn(menus, name)) return menus[name]
    return everSeen.has(name) ? NO_ENTRIES : undefined
  }
  /** Somebody whose session was ended is nobody. */
  const someone = (caller: Caller | undefined): Caller | undefined =>
    caller !== undefined && (!identity || identity.isRevoked(caller)) ? undefined : caller
  const standing =
    (caller: Caller | undefined) =>
    (demand: Demand): Standing => {
      // Where nobody can sign in, what is for some is for none.
      if (!identity) return 'no'
      const refusal = identity.judge(caller, demand.service, demand)
      return refusal === undefined ? 'yes' : caller === undefined ? 'sign-in' : 'no'
    }
  const seenBy = (audience: Audience): Map<string, Seen> => {
    const seen = views.get(audience) ?? new Map<string, Seen>()
    // A Map remembers in which order keys came: the first was asked for longest ago.
    views.delete(audience)
    views.set(audience, seen)
    return seen
  }
  let weight = 0
  const keep = (seen: Map<string, Seen>, name: string, now: Seen): void => {
    const before = seen.get(name)
    weight += weightOf(now) - (before ? weightOf(before) : 0)
    seen.set(name, now)
    for (const [oldest, others] of views) {
      if (others === seen || (views.size <= MOST_AUDIENCES && weight <= MOST_KEPT_ITEMS)) break
      views.delete(oldest)
      for (const each of others.values()) weight -= weightOf(each)
    }
  }
  const view: SiteMenus['view'] = (name, caller) => {
    look()
    const entries = entriesOf(name)
    if (!entries) return undefined
    const who = someone(caller)
    const seen = seenBy(who ? audienceOf(who) : NOBODY)
    const before = seen.get(name)
    if (before?.entries === entries) return before.view
    const made = viewOf(name, entries, standing(who))
    const now = before && isSameView(before.view, made) ? before.view : made
    keep(seen, name, { entries, view: now })
    return now
  }

  /** The route of a path of this site, with how it stands with somebody; undefined where none fits. */
  const routeFor = (path: string, host: string, caller: Caller | undefined) => {
    const at = readSitePath(path)
    if (!at || (identity && isLoginPath(at.path))) return undefined
    const route = routeAt(live.table, host, at)
    if (!route) return undefined
    return { route, how: standingOf(demandsAt(route, at.path, host), standing(someone(caller))) }
  }

  return {
    get revision() {
      look()
      return revision
    },
    audienceOf: (caller) => audienceOf(someone(caller)),
    view,
    names: (caller) => Object.keys(overview().menus).filter((name) => view(name, caller)!.items.length > 0),
    isFor: (path, host, caller) => routeFor(path, host, caller)?.how === 'yes',
    link(path, host, caller) {
      const found = routeFor(path, host, caller)
      if (!found) return undefined
      const { route, how } = found
      const { table } = live
      return seenLink(how, () => ({
        state: linkStateOf(route, { table, vitals, healthOf }),
        title: titleOf(table, route.service),
      }))
    },
    judgeAgain() {
      views.clear()
      weight = 0
      known = { hash: '', table: live.table }
    },
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}
