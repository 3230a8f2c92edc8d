/**
 * What services declare of fragments, put in order: instances that say the same together, tags by whom they ask.
 *
 * @module
 */
import type { RefDeclaration, UseDeclaration } from '@hydra-gateway/protocol'
import type { Offer, Use } from './fragment-conflicts.ts'
import type { FragmentFacts } from './fragment-facts.ts'

/** An instance, as far as it is looked at. */
export interface Declarant {
  readonly id: string
  readonly fragments: FragmentFacts
}

/** What is known of one service. */
export interface Known {
  /** Different declarations, by hash. */
  groups: ReadonlyMap<string, Group>
  /** By what is declared, since when. */
  readonly since: Map<string, number>
  /** Tags by service and ref, those that ask for fragments of others. */
  uses: ReadonlyMap<string, ReadonlyMap<string, readonly Use[]>>
  /** Tags by ref, those that ask for fragments of the service itself: known, but not judged. */
  ownUses: ReadonlyMap<string, readonly Use[]>
  /** When its last instance left. */
  leftAt: number | undefined
}

/** Instances that say the same. */
export interface Group {
  readonly facts: FragmentFacts
  readonly instances: string[]
}

/** Instances by what they declare; those that declare nothing are in no group. */
export function groupsOf(members: Iterable<Declarant>): {
  readonly groups: ReadonlyMap<string, Group>
  readonly isEmpty: boolean
} {
  const groups = new Map<string, Group>()
  let isEmpty = true
  for (const { id, fragments } of members) {
    isEmpty = false
    if (fragments.hash === '') continue
    const group = groups.get(fragments.hash)
    if (group) group.instances.push(id)
    else groups.set(fragments.hash, { facts: fragments, instances: [id] })
  }
  return { groups, isEmpty }
}

/** Whether the same is said, by whomever. */
export function isSameSaid(a: ReadonlyMap<string, Group>, b: ReadonlyMap<string, Group>): boolean {
  if (a.size !== b.size || a.size === 0) return false
  for (const hash of b.keys()) if (!a.has(hash)) return false
  return true
}

/** Whether the same instances say the same. */
export function isSame(a: ReadonlyMap<string, Group>, b: ReadonlyMap<string, Group>): boolean {
  if (a.size !== b.size) return false
  for (const [hash, { instances }] of b) {
    const before = a.get(hash)?.instances
    if (before?.length !== instances.length) return false
    const known = new Set(before)
    if (!instances.every((id) => known.has(id))) return false
  }
  return true
}

/** What is the same, wherever in a file it stands and whatever else it needs. */
const useKey = ({ service, ref, imports, exports }: UseDeclaration): string =>
  JSON.stringify([service, ref, imports, exports])
const refKey = ({ ref, attributes, imports }: RefDeclaration): string =>
  JSON.stringify([ref, attributes, imports ?? null])

/** Everything that is declared, as keys. */
export function* keysOf({ refs, uses }: FragmentFacts): Generator<string> {
  for (const declared of refs?.values() ?? []) yield refKey(declared)
  for (const use of uses) yield useKey(use)
}

/** Tags a service declares. Those that ask for its own fragments are checked where its pages are compiled. */
export function usesByService(
  page: string,
  { groups, since }: Pick<Known, 'groups' | 'since'>,
): Pick<Known, 'uses' | 'ownUses'> {
  const byService = new Map<string, Map<string, Use[]>>()
  const seen = new Set<string>()
  for (const { facts } of groups.values()) {
    for (const declared of facts.uses) {
      const key = useKey(declared)
      const placed = `${declared.place}\0${key}`
      if (seen.has(placed)) continue
      seen.add(placed)
      const byRef = byService.get(declared.service) ?? new Map<string, Use[]>()
      byService.set(declared.service, byRef)
      const uses = byRef.get(declared.ref) ?? []
      byRef.set(declared.ref, uses)
      uses.push({ page, since: since.get(key)!, declared })
    }
  }
  const ownUses = byService.get(page) ?? new Map()
  byService.delete(page)
  return { uses: byService, ownUses }
}

/** Fragments of a service that are asked for; one offer for all instances that declare one alike. */
export function offersOf({ groups, since }: Known, asked: ReadonlySet<string>): Iterable<Offer> {
  const offers = new Map<string, Offer & { instances: string[] }>()
  for (const ref of asked) {
    for (const { facts, instances } of groups.values()) {
      const declared = facts.refs?.get(ref)
      if (!declared) continue
      const key = refKey(declared)
      const offer = offers.get(key)
      if (offer) offer.instances.push(...instances)
      else offers.set(key, { since: since.get(key)!, declared, instances: [...instances] })
    }
  }
  return offers.values()
}
