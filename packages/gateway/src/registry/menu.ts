/**
 * Menus: the items of all services, each in the state of the page it leads to, in one order everybody finds the same way.
 *
 * Pure. Whether somebody may see an item is asked where they are known: here it is said for whom it is.
 *
 * @module
 */
import {
  type FeltState,
  leadsOn,
  type MenuDemand,
  type MenuEntry,
  type MenuItem,
  type Menus,
  reasonOf,
  stateOf,
} from '@hydra-gateway/protocol'
import { type Demand, type DemandsAt, declaredDemands, demandsOf } from '../routing/demands.ts'
import { ALWAYS_WELL, type HealthOf, linkStateOf, titleOf } from '../routing/link-state.ts'
import { isLoginPath } from '../routing/reserved.ts'
import type { Route } from '../routing/route.ts'
import { readSitePath, routeAt } from '../routing/site-path.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Entry } from './member.ts'
import { gatherFaults, type MenuFaults } from './menu-faults.ts'
import { arrangeItems } from './menu-order.ts'

/** What a service has to do with menus. */
export interface MenuSource {
  readonly name: string
  readonly rank: number
  readonly declared: Pick<Entry['declared'], 'menuItems'>
}

export interface MenuSources {
  readonly entries: Iterable<MenuSource>
  readonly table: RoutingTable
  readonly vitals: Pick<VitalsBook, 'of'>
  /** @default all that serve do it well */
  readonly healthOf?: HealthOf | undefined
  /** @default what services declared */
  readonly demandsAt?: DemandsAt | undefined
  /** People can sign in: `/login` and `/logout` are the gateway's. @default false */
  readonly hasLogin?: boolean | undefined
  /** Most items of one menu. */
  readonly maxItems: number
}

export interface CompiledMenus {
  readonly menus: Menus
  readonly faults: MenuFaults
  /** Every route an item leads to, and the state it was in. */
  readonly states: ReadonlyMap<Route, FeltState>
}

/** An item on its way into a menu. */
interface Draft extends Omit<MenuItem, 'endpoint' | 'parent'> {
  /** As a browser asks for it. */
  readonly endpoint: string
  readonly parent?: string | undefined
  readonly path: string
  readonly service: string
  /** Where it leads; undefined where nothing is, and for the gateway's own. */
  readonly route: Route | undefined
  readonly isOurs: boolean
}

/**
 * Assembles the menus. Of several items with one address the one whose service has the page there stays, else the one
 * that was here first.
 */
export function compileMenus(sources: MenuSources): CompiledMenus {
  const { table, vitals, healthOf = ALWAYS_WELL, demandsAt = declaredDemands, maxItems } = sources
  const faults = gatherFaults(maxItems)
  const states = new Map<Route, FeltState>()
  const demandsFor = rememberDemands(demandsAt)

  const feltAt = (route: Route): FeltState => {
    let state = states.get(route)
    if (!state) {
      state = linkStateOf(route, { table, vitals, healthOf })
      states.set(route, state)
    }
    return state
  }
  const entryOf = (draft: Draft, isChild: boolean): MenuEntry => {
    const { endpoint, label, icon, order, group, parent, service, route, isOurs, signedOut } = draft
    const felt = isOurs ? 'available' : route ? feltAt(route) : 'down'
    const state = stateOf(felt)
    const reason = route ? reasonOf(felt, titleOf(table, route.service)) : isOurs ? undefined : NOTHING_THERE
    const leadsTo = isOurs || isOf(service, route) ? undefined : (route?.service ?? '')
    const demands = demandsFor(draft)
    return Object.freeze({
      endpoint,
      label,
      ...(icon !== undefined && { icon }),
      ...(order !== undefined && { order }),
      ...(group !== undefined && { group }),
      ...(isChild && { parent }),
      service,
      state,
      available: leadsOn(state),
      ...(reason !== undefined && { reason }),
      ...(leadsTo !== undefined && { leadsTo }),
      ...(demands.length > 0 && { demands }),
      ...(signedOut === 'show' && { signedOut }),
    })
  }

  const collected = collect(sources, faults.add)
  const menus = [...collected]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([menu, drafts]) => {
      const { items, parentless } = arrangeItems([...drafts.values()])
      const entries = items.slice(0, maxItems).map((draft) => {
        const { endpoint, service, parent, route, isOurs } = draft
        const found = { menu, endpoint, service }
        if (parentless.has(draft)) faults.add({ ...found, fault: 'unknown-parent', parent })
        if (!isOurs && !route) faults.add({ ...found, fault: 'unknown-route', hasHosts: table.hasHosts })
        else if (route && !isOf(service, route))
          faults.add({ ...found, fault: 'other-service', other: route.service })
        return entryOf(draft, parent !== undefined && !parentless.has(draft))
      })
      for (const { endpoint, service } of items.slice(maxItems))
        faults.add({ fault: 'surplus', menu, endpoint, service })
      return [menu, Object.freeze(entries)] as const
    })
  return { menus: Object.freeze(Object.fromEntries(menus)) as Menus, faults: faults.done(), states }
}

/** What a visitor is told of an address that no service has. */
const NOTHING_THERE = 'There is nothing at this address yet'

type Collected = Map<string, Map<string, Draft>>

/** The items of all menus, each address once in a menu. */
function collect(
  { entries, table, hasLogin = false }: MenuSources,
  onFault: ReturnType<typeof gatherFaults>['add'],
): Collected {
  const menus: Collected = new Map()
  for (const { name: service, declared } of [...entries].sort((a, b) => a.rank - b.rank)) {
    for (const [menu, items] of Object.entries(declared.menuItems)) {
      let drafts = menus.get(menu)
      if (!drafts) {
        drafts = new Map()
        menus.set(menu, drafts)
      }
      for (const item of items) {
        const draft = draftOf(item, service, table, hasLogin)
        if (!draft) {
          onFault({ fault: 'path', menu, endpoint: item.endpoint, service })
          continue
        }
        const { endpoint } = draft
        const known = drafts.get(endpoint)
        const loser = known && isOf(service, draft.route) && !isOf(known.service, draft.route) ? known : draft
        if (known) {
          const other = loser === draft ? known.service : service
          onFault({ fault: 'duplicate', menu, endpoint, service: loser.service, other })
        }
        if (!known || loser === known) drafts.set(endpoint, draft)
      }
    }
  }
  return menus
}

function draftOf(item: MenuItem, service: string, table: RoutingTable, hasLogin: boolean): Draft | undefined {
  const at = readSitePath(item.endpoint)
  if (!at) return undefined
  const { address, path } = at
  const isOurs = hasLogin && (isLoginPath(path) || path.startsWith(LOGIN_PREFIX))
  const route = isOurs ? undefined : routeAt(table, '', at)
  // An address that is none is no item of any menu either: it is reported as it was written.
  const parent = item.parent === undefined ? undefined : (readSitePath(item.parent)?.address ?? item.parent)
  return { ...item, endpoint: address, parent, path, service, route, isOurs }
}

const LOGIN_PREFIX = '/_hydra/login/'

/** Whether a service serves a route, alone or with others of its rollout group. */
function isOf(service: string, route: Route | undefined): boolean {
  return route !== undefined && (route.service === service || (route.sharedWith?.includes(service) ?? false))
}

/** Whom an item is for: who may have what is behind it, and has one of its own roles. The same array for the same demands. */
function rememberDemands(demandsAt: DemandsAt): (draft: Draft) => MenuDemand[] {
  const known = new Map<readonly Demand[], Map<string, readonly Demand[]>>()
  return ({ route, path, service, roles }) => {
    const asked = route ? demandsAt(route, path, '') : NOTHING
    const key = roles ? JSON.stringify([service, roles]) : ''
    let byRoles = known.get(asked)
    if (!byRoles) {
      byRoles = new Map()
      known.set(asked, byRoles)
    }
    let demands = byRoles.get(key)
    if (!demands) {
      demands = roles ? together(asked, demandsOf([[service, { roles }]])) : together(asked, NOTHING)
      byRoles.set(key, demands)
    }
    return demands as MenuDemand[]
  }
}

const NOTHING: readonly Demand[] = Object.freeze([])

/** Each demand once. */
function together(some: readonly Demand[], others: readonly Demand[]): readonly Demand[] {
  const byText = new Map([...some, ...others].map((demand) => [JSON.stringify(demand), demand]))
  return Object.freeze([...byText.values()])
}
