/**
 * What the store lists, as far as this node knows: the records of all nodes, ours included.
 *
 * A copy of the store that is older than what was read before may list records again that were followed by newer ones. They
 * are not believed at once: whoever wrote the newer one writes it again.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { GoneInstance, ListedInstance, Look } from '../store/port.ts'

export interface Listing {
  of(id: string): ListedInstance | undefined
  ids(): Iterable<string>
  /** Services of which something is listed. */
  services(): ReadonlySet<string>
  /**
   * Enters what a look found, and says what became of ids that are not listed any more. Adds to `touched` whatever is to be
   * looked at.
   */
  enter(found: Look, touched: Set<string>): Map<string, GoneInstance>
  /** The claim of a record that was followed by a newer one. */
  outdate(claim: string): void
  /** What is still listed after a lease is renewed by somebody who holds it for true: it is believed from now on. */
  believe(): string[]
}

export interface ListingDeps {
  readonly leaseMs: number
  readonly maxInstances: number
  /** Who is known here: after a look at everything, each of them is looked at. */
  readonly members: () => Iterable<{ readonly id: string }>
  /** A service was forgotten; `stays`: claims of all that were found listed, by id. */
  readonly onForgotten: (service: string, stays: ReadonlyMap<string, string>) => void
  /** There is no room for it. */
  readonly onOverflow: (record: { readonly service: string }) => void
  readonly onGone: (id: string) => void
  readonly clock: Pick<Clock, 'monotonic'>
}

/** Records that are kept in mind beyond twice as many as may be known. */
const MORE_LISTED = 1000
/** Claims that are kept in mind after newer ones. */
const MOST_OUTDATED = 10_000

export function createListing(deps: ListingDeps): Listing {
  const { leaseMs, maxInstances, members, onForgotten, onOverflow, onGone, clock } = deps
  const listed = new Map<string, ListedInstance>()
  /** Claims that were followed by newer ones, the oldest first. */
  const outdated = new Set<string>()
  /** Records under such claims, and since when they are listed. */
  const doubted = new Map<string, { readonly record: ListedInstance; readonly since: number }>()

  const outdate = (claim: string): void => {
    outdated.add(claim)
    const [oldest] = outdated
    if (outdated.size > MOST_OUTDATED) outdated.delete(oldest!)
  }
  return {
    of: (id) => listed.get(id),
    ids: () => listed.keys(),
    services: () => new Set([...listed.values()].map(({ service }) => service)),
    enter(found, touched) {
      const gone = new Map<string, GoneInstance>()
      const before = found.isWhole ? new Map(listed) : listed
      if (found.isWhole) {
        for (const id of listed.keys()) touched.add(id)
        listed.clear()
        const stillListed = new Set(found.instances.map(({ id }) => id))
        for (const id of doubted.keys()) if (!stillListed.has(id)) doubted.delete(id)
        for (const { id } of members()) touched.add(id)
      }
      const stays = new Map(found.instances.map(({ id, claim }) => [id, claim]))
      for (const service of found.forgotten) {
        for (const [id, record] of listed) if (record.service === service) listed.delete(id)
        onForgotten(service, stays)
      }
      for (const one of found.gone) {
        listed.delete(one.id)
        doubted.delete(one.id)
        onGone(one.id)
        if (outdated.has(one.claim)) gone.delete(one.id)
        else gone.set(one.id, one)
        touched.add(one.id)
      }
      for (const one of found.instances) {
        if (!listed.has(one.id) && listed.size >= 2 * maxInstances + MORE_LISTED) {
          onOverflow({ service: one.service })
          continue
        }
        gone.delete(one.id)
        touched.add(one.id)
        if (outdated.has(one.claim)) {
          // What followed it was lost with the store's last writes; whoever wrote that writes it again.
          listed.delete(one.id)
          const since = doubted.get(one.id)?.since ?? clock.monotonic()
          doubted.set(one.id, { record: one, since })
          continue
        }
        doubted.delete(one.id)
        const known = before.get(one.id)
        if (known && known.claim !== one.claim) outdate(known.claim)
        listed.set(one.id, one)
      }
      return gone
    },
    outdate,
    believe() {
      const ids: string[] = []
      for (const [id, { record, since }] of doubted) {
        if (clock.monotonic() - since <= leaseMs) continue
        doubted.delete(id)
        outdated.delete(record.claim)
        listed.set(id, record)
        ids.push(id)
      }
      return ids
    },
  }
}
