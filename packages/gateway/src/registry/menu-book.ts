/**
 * The menus as they are now. They are put together again only when something they are made of changed, and what stayed
 * the same stays the same object; what is wrong with items is said once.
 *
 * @module
 */
import { isSameEntry, type MenuEntry, type MenuFault, type Menus } from '@hydra-gateway/protocol'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { ALWAYS_WELL, linkStateOf } from '../routing/link-state.ts'
import { type CompiledMenus, compileMenus, type MenuSource, type MenuSources } from './menu.ts'
import { NO_FAULTS } from './menu-faults.ts'

export interface MenuBook {
  /** The same object until something in it changes. */
  read(): CompiledMenus
  /** What is wrong with items, as of the last `read`. */
  faults(): CompiledMenus['faults']
  /** What is wrong with items of a service as it is now, for its own ears. */
  warningsOf(service: string): readonly string[]
  /** What items are judged by has changed. */
  judgeAgain(): void
}

export interface MenuBookDeps extends Pick<MenuSources, 'vitals' | 'healthOf' | 'demandsAt' | 'hasLogin'> {
  /** Read where it is used: it may change. */
  readonly settings: Pick<MenuSources, 'maxItems'>
  readonly entries: () => Iterable<MenuSource>
  readonly table: () => MenuSources['table']
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'warn'>
}

/** Where putting the menus together takes longer, nobody who registers waits for all of them. */
const MOST_WAITED_MS = 2

/** Sentences in one answer, and in one line of the log. */
const MOST_SAID = 20
/** Faults that are remembered as said; beyond that they are said again. */
const MOST_REMEMBERED = 10_000

export function createMenuBook({ entries, table, settings, clock, log, ...sources }: MenuBookDeps): MenuBook {
  const { vitals, healthOf = ALWAYS_WELL } = sources
  const make = (now: Omit<Known, 'compiled'>) => compileMenus({ ...sources, ...settings, ...now })
  let known: Known | undefined
  let isJudgedAnew = false
  let tookMs = 0
  const said = new Set<string>()

  const isSame = (
    { table: before, entries: were, compiled }: Known,
    now: Omit<Known, 'compiled'>,
  ): boolean => {
    if (before !== now.table || were.length !== now.entries.length) return false
    if (!were.every((entry, index) => isSameSource(entry, now.entries[index]!))) return false
    for (const [route, state] of compiled.states)
      if (linkStateOf(route, { table: before, vitals, healthOf }) !== state) return false
    return true
  }
  const sayNew = (faults: CompiledMenus['faults']): void => {
    const fresh = faults.listed.filter((fault) => !said.has(keyOf(fault)))
    if (said.size + fresh.length > MOST_REMEMBERED) said.clear()
    for (const fault of fresh) said.add(keyOf(fault))
    for (const [service, found] of Map.groupBy(fresh, (fault) => fault.service)) {
      const more = found.length - MOST_SAID + faults.of(service).more
      const items = found.slice(0, MOST_SAID).map(({ reason }) => reason)
      log.warn({ service, items, ...(more > 0 && { more }) }, 'menu items are not as they were meant')
    }
  }

  const read = (): CompiledMenus => {
    // The registry changes its entries in place: what counts of them is taken down.
    const declared = [...entries()].map(({ name, rank, declared }) => ({ name, rank, declared }))
    const now = { table: table(), entries: declared }
    if (known && !isJudgedAnew && isSame(known, now)) return known.compiled
    isJudgedAnew = false
    const begunAt = clock.monotonic()
    const compiled = keepSame(known?.compiled, make(now))
    tookMs = clock.monotonic() - begunAt
    known = { ...now, compiled }
    sayNew(compiled.faults)
    return compiled
  }
  /** What can be said of a service without the items of the others. */
  const alone = (service: string): readonly MenuFault[] => {
    const own = [...entries()].filter(({ name }) => name === service)
    const { faults } = make({ table: table(), entries: own })
    return faults.of(service).listed.filter(({ fault }) => fault !== 'unknown-parent')
  }

  return {
    read,
    faults: () => known?.compiled.faults ?? NO_FAULTS,
    warningsOf(service) {
      const { listed, more } =
        tookMs > MOST_WAITED_MS ? { listed: alone(service), more: 0 } : read().faults.of(service)
      const beyond = more + Math.max(0, listed.length - MOST_SAID)
      const sentences = listed.slice(0, MOST_SAID).map(({ reason }) => reason)
      return beyond > 0 ? [...sentences, `${beyond} more menu items have faults`] : sentences
    },
    judgeAgain() {
      isJudgedAnew = true
    },
  }
}

interface Known {
  readonly table: MenuSources['table']
  readonly entries: readonly MenuSource[]
  readonly compiled: CompiledMenus
}

function isSameSource(a: MenuSource, b: MenuSource): boolean {
  return a.name === b.name && a.rank === b.rank && a.declared.menuItems === b.declared.menuItems
}

const keyOf = ({ service, menu, endpoint, fault }: MenuFault) =>
  JSON.stringify([service, menu, endpoint, fault])

/** With the lists of before where nothing in them changed: whoever looks at a menu sees at once that it is the same. */
function keepSame(before: CompiledMenus | undefined, after: CompiledMenus): CompiledMenus {
  if (!before) return after
  const menus = Object.entries(after.menus).map(([menu, entries]) => {
    const were = Object.hasOwn(before.menus, menu) ? before.menus[menu] : undefined
    return [menu, were && isSameMenu(were, entries) ? were : entries] as const
  })
  const isAllSame =
    menus.length === Object.keys(before.menus).length &&
    menus.every(([menu, entries]) => Object.hasOwn(before.menus, menu) && before.menus[menu] === entries)
  const kept = isAllSame ? before.menus : (Object.freeze(Object.fromEntries(menus)) as Menus)
  return { ...after, menus: kept }
}

function isSameMenu(a: readonly MenuEntry[], b: readonly MenuEntry[]): boolean {
  return a.length === b.length && a.every((entry, index) => isSameEntry(entry, b[index]!))
}
