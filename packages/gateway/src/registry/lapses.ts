/**
 * What ends with time: leases nobody renewed, services nobody saw for long, and turns of those whose routes somebody else
 * wants while they are down.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { RoutingTable } from '../routing/table.ts'
import { isExternal } from '../routing/upstream.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Hearing } from './hearing.ts'
import type { Leases } from './leases.ts'
import type { Entry, Member } from './member.ts'
import type { Orphans } from './orphans.ts'
import type { RegistrySettings } from './registry.ts'
import { isDraining, type Roster } from './roster.ts'
import type { SharedMembers } from './shared-members.ts'
import type { Standstill } from './standstill.ts'
import type { StoreWriter } from './store-writer.ts'

export interface LapsesDeps {
  readonly settings: Pick<RegistrySettings, 'leaseMs' | 'checkMs' | 'forgetAfterMs' | 'takeoverAfterMs'>
  /** Whether other nodes write to the store. */
  readonly isShared: boolean
  readonly roster: Roster
  readonly leases: Pick<Leases, 'takeLapsed'>
  readonly hearing: Pick<Hearing, 'sweep'>
  readonly orphans: Pick<Orphans, 'check'>
  readonly shared: Pick<SharedMembers, 'isHeardElsewhere' | 'follow' | 'letGo' | 'isWaiting'>
  readonly writer: Pick<StoreWriter, 'own' | 'isOpen' | 'rerank'>
  readonly standstill: Pick<Standstill, 'mayCheck'>
  readonly vitals: Pick<VitalsBook, 'sweep'>
  readonly table: () => RoutingTable
  /** Has the store looked at, if anybody does. */
  readonly wantLook: () => void
  readonly clock: Pick<Clock, 'every' | 'monotonic'>
  readonly log: Pick<Log, 'warn'>
}

/** Begins to look. Returns the function that ends it. */
export function watchLapses(deps: LapsesDeps): () => void {
  const { settings, isShared, roster, leases, hearing, orphans, shared, writer, standstill } = deps
  const { vitals, table, wantLook, clock, log } = deps
  const { leaseMs } = settings
  const isKnown = (id: string): boolean => roster.member(id) !== undefined

  const check = (): void => {
    if (!standstill.mayCheck()) return
    for (const id of leases.takeLapsed()) {
      const member = roster.member(id)
      if (member && writer.own(id)) lapse(member)
    }
    orphans.check(writer.isOpen)
    if (shared.isWaiting) wantLook()
    vitals.sweep(isKnown)
    hearing.sweep(isKnown)
    for (const entry of [...roster.entries()]) {
      const downForMs = entry.down ? clock.monotonic() - entry.down.at : 0
      const isThere = [...entry.members.values()].some(isDraining)
      // Those in Redis are known for as long as their routes stand there.
      const isSeen = entry.channel === 'flywheel'
      if (downForMs > settings.forgetAfterMs && !isThere && !isSeen)
        roster.drop(entry, 'not seen for too long')
      else if (downForMs > settings.takeoverAfterMs && isContested(entry)) {
        // Its turn is over: whoever waits and serves gets the routes, and a comeback waits in line.
        log.warn({ service: entry.name }, 'contested routes go to a service that serves')
        writer.rerank(entry.name, entry.rank)
        roster.yieldClaims(entry)
      }
    }
  }
  /** One of ours was not heard here for too long. */
  const lapse = (member: Member): void => {
    const { id, state, channel } = member
    const silent = `lease ran out after ${leaseMs / 1000} s`
    if (shared.isHeardElsewhere(id)) shared.follow(member)
    else if (state === 'recovering') roster.remove(member, 'its channel did not return')
    // Beats over HTTP may have reached another node: it renewed the lease, or nobody did.
    else if (channel === 'http' && isShared) shared.letGo(member, silent)
    else roster.remove(member, silent)
  }
  const isContested = ({ name }: Entry): boolean =>
    table()
      .conflicts()
      // Services elsewhere wait for good: no turn of theirs comes.
      .some(
        ({ incumbent, newcomer }) =>
          incumbent === name && !isExternal(newcomer) && !roster.entry(newcomer)?.down,
      )
  return clock.every(settings.checkMs, check)
}
