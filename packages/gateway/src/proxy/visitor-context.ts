/**
 * Whose fragments a page shows: the version and instance of each service one visitor gets.
 *
 * A visitor has one set of versions, for pages, fragments, files, XHR and sockets alike. For each service, the first
 * of these that can serve:
 *
 * 1. of the service that made the page, the instance that made it, or another of its version
 * 2. the pinned instance, of services that keep state in memory
 * 3. the pinned version
 * 4. what the visitor's id draws: the same each time and at every node, while shares stay as they are
 *
 * Visitors without an id have a throwaway one for the page, so that its fragments fit together.
 *
 * What was drawn is pinned when a page is opened (`pinned` below): then a share that moves while the page is open
 * moves nothing in it. Pinned are services that need it: they render fragments, and the draw has more than one
 * outcome. These pins give way to those of pages: where the cookie has no room for them, rule 4 has to do.
 *
 * @module
 */
import type { Balancer } from '../routing/balance.ts'
import { chooseSlice, draw } from '../routing/draw.ts'
import { sliceKey } from '../routing/share.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Chooser } from './visitor-choice.ts'
import { PIN_ROOM } from './visitor-cookie.ts'
import { type Pin, pinned, pinnedSlice, withMinorPin } from './visitor-pins.ts'

/** Which version and instance of each service a visitor gets: what `HYDRA-ROUTE` and the draw say (design D8). */
export interface VisitorContext {
  /**
   * The instance of a service whose fragments this visitor sees, or none when nobody can serve. `isOffered` narrows
   * to instances that render the fragment. `tried` failed for it already.
   */
  select(
    service: string,
    isOffered: (instance: Instance) => boolean,
    tried: readonly Instance[],
  ): Instance | undefined
}

/** What is known of a visitor. */
export interface Who {
  /** Undefined: nobody. */
  readonly id: string | undefined
  readonly pins: readonly Pin[]
  /** The instance that made the page. */
  readonly own?: Instance | undefined
}

export interface VisitorContexts {
  of(who: Who): VisitorContext
  /** Whether some service needs a pin now. */
  readonly isPinning: boolean
  /**
   * The pins after fragments were drawn for the page of a visitor: changed in place where they were, else older than
   * all others. `leaves`: another page is opened, so that versions may move.
   */
  pinned(
    who: Who & { readonly id: string },
    leaves: boolean,
  ): { readonly pins: readonly Pin[]; readonly dropped: number }
}

export interface VisitorContextsDeps {
  readonly table: () => RoutingTable
  readonly balancer: Balancer
  readonly chooser: Chooser
  readonly newVisitor: () => string
}

const NONE: readonly Instance[] = []
/** Different parts of a service's instances that are remembered: one for each set that offers some fragment. */
const MOST_PARTS = 256

export function createVisitorContexts(deps: VisitorContextsDeps): VisitorContexts {
  const { table, balancer, chooser, newVisitor } = deps
  const { choiceOf, pinnedInstance, pickFrom } = chooser
  const parts = new WeakMap<readonly Instance[], Map<string, readonly Instance[]>>()
  const needed = new WeakMap<RoutingTable, readonly string[]>()

  /** Those that are offered: the same array each time, since shares are kept by it. */
  const partOf = (all: readonly Instance[], isOffered: (instance: Instance) => boolean) => {
    let mask = ''
    let isWhole = true
    for (const instance of all) {
      const isIn = isOffered(instance)
      mask += isIn ? '1' : '0'
      isWhole &&= isIn
    }
    if (isWhole) return all
    let known = parts.get(all)
    if (!known || known.size >= MOST_PARTS) {
      known = new Map()
      parts.set(all, known)
    }
    let part = known.get(mask)
    if (!part) {
      part = all.filter((_, i) => mask[i] === '1')
      known.set(mask, part)
    }
    return part
  }

  const choose = (
    service: string,
    candidates: readonly Instance[],
    tried: readonly Instance[],
    who: Who,
    id: () => string,
    keepsVersion: boolean,
  ): Instance | undefined => {
    const [first] = candidates
    if (!first) return undefined
    if (candidates.length === 1) return balancer.isUsable(first, tried) ? first : undefined
    const { slices, hasAffinity } = choiceOf(candidates)
    if (slices.length === 1 && !hasAffinity) return balancer.pick(slices[0]!.instances, tried)
    const { own, pins } = who
    const maker = own?.service === service ? own : undefined
    if (maker?.affinity) {
      const same = candidates.find((instance) => instance.id === maker.id)
      if (same && balancer.isUsable(same, tried)) return same
    }
    const kept = hasAffinity ? pinnedInstance(pins, service, candidates, tried) : undefined
    if (kept && !maker) return kept
    const made = maker && sliceKey(maker)
    const slice =
      (made === undefined ? undefined : slices.find(({ key }) => key === made)) ??
      (keepsVersion ? pinnedSlice(pins, service, slices) : undefined) ??
      chooseSlice(slices, draw(id(), service))
    return pickFrom(slice, slices, tried, id())
  }

  /** Services whose fragments a visitor could get from several: their names, for as long as the table is the same. */
  const needingPins = (): readonly string[] => {
    const now = table()
    const known = needed.get(now)
    if (known) return known
    const names: string[] = []
    for (const { name } of now.services()) {
      const instances = now.instances(name)
      if (instances.length < 2 || !instances.some(hasFragments)) continue
      const { isShared, hasAffinity } = choiceOf(instances)
      if (isShared || hasAffinity) names.push(name)
    }
    needed.set(now, names)
    return names
  }

  return {
    of(who) {
      let id = who.id
      const idOf = (): string => {
        id ??= newVisitor()
        return id
      }
      return {
        select: (service, isOffered, tried) =>
          choose(service, partOf(table().instances(service), isOffered), tried, who, idOf, true),
      }
    },
    get isPinning() {
      return needingPins().length > 0
    },
    pinned(who, leaves) {
      const now = table()
      const id = () => who.id
      let { pins } = who
      let dropped = 0
      const pin = (kind: Pin['kind'], of: string, is: string): void => {
        const result = withMinorPin(pins, { kind, of, is }, PIN_ROOM)
        pins = result.pins
        if (!result.isKept) dropped++
      }
      const needing = needingPins()
      // A pin from before is moved even when one version is left, as those of pages are.
      const moving = pins.flatMap(({ kind, of }) =>
        kind === 'version' && !needing.includes(of) && now.instances(of).some(hasFragments) ? [of] : [],
      )
      for (const service of [...needing, ...moving]) {
        // What the page's own service is pinned to is decided where its page is.
        if (service === who.own?.service) continue
        const candidates = now.instances(service)
        const instance = choose(service, candidates, NONE, who, id, !leaves)
        if (!instance) continue
        if (instance.affinity) pin('instance', service, instance.id)
        if (choiceOf(candidates).isShared || pinned(pins, 'version', service) !== undefined)
          pin('version', service, sliceKey(instance))
      }
      return { pins, dropped }
    },
  }
}

/** Medusa's applications don't say which fragments they have; of others only those that say so have any. */
function hasFragments({ refs, channel }: Instance): boolean {
  return refs === undefined ? channel === 'http' : refs.size > 0
}
