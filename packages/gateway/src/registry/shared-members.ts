/**
 * Shared members: brings together what this node heard and what the store lists.
 *
 * A member is **ours** while the store's writer has a record of it: then its lease here decides, and the store is told. All
 * others are **adopted**: the store decides, and they change as it says. An instance that was heard elsewhere since goes
 * from ours to adopted without leaving the table; one whose node fell silent, but which we hear, goes the other way.
 *
 * Which of two words is the newer one is decided by claims and by what is heard here, never by clocks of nodes.
 *
 * @module
 */
import { HydraError } from '../errors.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { GoneInstance, ListedInstance, Look, RememberedService } from '../store/port.ts'
import type { Drains } from './drains.ts'
import type { Hearing } from './hearing.ts'
import type { Leases } from './leases.ts'
import { createLeftOut } from './left-out.ts'
import { createListing } from './listing.ts'
import type { Member } from './member.ts'
import type { Orphans } from './orphans.ts'
import type { Recruiter } from './recruit.ts'
import { isDraining, type Roster } from './roster.ts'
import type { Rotation } from './rotation.ts'
import type { StoreWriter } from './store-writer.ts'
import { isStored, readStored, recordState, type StoredMember, storeLeaseMs } from './stored-member.ts'

/** Why instances leave, where other nodes act on it: said in one place, as the text is what they are told. */
export const LEFT = {
  /** It takes the routes only it had along, while siblings serve. */
  politely: 'it deregistered',
  drained: 'it drained, and its channel closed',
} as const

export interface SharedMembers {
  /** Applies what a look found, or undefined when nothing changed. `look` is its number. */
  take(found: Look | undefined, look: number, wasAway: boolean): void
  /** A sign of life, that can be believed, of a member that isn't ours. */
  heard(member: Member): void
  /** The same of one of ours, which the store has not. */
  heardUnwritten(member: Member): void
  /** The store decides over it from now on, as nobody here heard it for as long as a lease lasts. */
  letGo(member: Member, reason: string): void
  /** An instance is ours as of now, by a registration. */
  taken(id: string): void
  /** It is not known here any more. */
  left(id: string): void
  /** What the store lists of an instance, as far as we know. */
  listed(id: string): ListedInstance | undefined
  /** Whether another node's record of it may be followed at once. */
  isHeardElsewhere(id: string): boolean
  /** Follows that record: the instance moved. */
  follow(member: Member): void
  /** Whether somebody waits for what the store says next. */
  readonly isWaiting: boolean
  /** Records that were left out: no registrations, or too many. */
  readonly leftOut: number
}

export interface SharedMembersDeps {
  readonly node: string
  readonly leaseMs: number
  readonly maxInstances: number
  readonly roster: Roster
  readonly recruit: Recruiter
  readonly writer: StoreWriter
  readonly orphans: Orphans
  readonly hearing: Hearing
  readonly leases: Leases
  readonly drains: Drains
  readonly rotation: Rotation
  readonly vitals: Pick<VitalsBook, 'revive'>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Log
}

/** Leases for which a node remembers whose beats it heard: they come to any node in turn. */
const SILENT_LEASES = 3
/** Part of a lease. */
const LATELY = 0.8
/** Time beyond a lease after which the store has ended it, if no other node renewed it, ms. */
const SURE_MS = 1500

/** What we know of a record we follow. */
interface Followed {
  readonly claim: string
  readonly declared: unknown
}

export function createSharedMembers(deps: SharedMembersDeps): SharedMembers {
  const { node, leaseMs, maxInstances, roster, recruit, writer, orphans, hearing } = deps
  const { leases, drains, rotation, vitals, clock, log } = deps
  const leftOut = createLeftOut({ log })
  const followed = new Map<string, Followed>()
  /** Ids to look at again once what is being written is settled. */
  const again = new Set<string>()
  /** Since when somebody else's record stands where ours is to be written. */
  const contestedAt = new Map<string, number>()
  /** Since when those the store decides over were silent for a lease. */
  const waiting = new Map<string, number>()
  /** From when on whoever is heard anywhere has renewed its lease: an older copy of the store, or one that was away, knows nothing of the latest beats. */
  let renewedFrom = 0

  const isHeard = (member: Member): boolean =>
    recordState(member) !== 'recovering' && hearing.silentForMs(member.id) <= leaseMs
  /** Heard so lately that the store would have been told, had it been there: its lease did not just run out. */
  const isHeardLately = (member: Member): boolean =>
    isHeard(member) && hearing.silentForMs(member.id) <= LATELY * leaseMs

  // ---- ours ------------------------------------------------------------------------------------------

  const reconcile = (member: Member): void => {
    const { id } = member
    const own = writer.own(id)!
    const record = listing.of(id)
    if (record?.claim === own.claim) {
      contestedAt.delete(id)
      writer.confirm(id, record.state)
      applyDrain(member, record)
    } else if (record && record.node !== node) {
      if (own.isWritten) follow(member, record)
      else contest(member, record)
    } else if (isHeardLately(member)) {
      contestedAt.delete(id)
      writer.putAgain(id)
      if (!record) tellDrain(member)
    } else writer.holdBack(id)
  }
  /** What the store forgot with the record. */
  const tellDrain = ({ id, drain, registration: { activeSince } }: Member): void => {
    if (drain) writer.drain(id, { reason: drain.reason, activeSince })
  }
  /** We heard it while the store was away, and so did another node: the next sign of life tells where it is. */
  const contest = (member: Member, record: ListedInstance): void => {
    const { id } = member
    const since = contestedAt.get(id) ?? clock.monotonic()
    contestedAt.set(id, since)
    const heardAt = clock.monotonic() - hearing.silentForMs(id)
    if (recordState(member) === 'recovering') follow(member, record)
    else if ((record.state === 'recovering' && isHeard(member)) || heardAt > since) writer.putAgain(id)
    else {
      writer.holdBack(id)
      again.add(id)
    }
  }

  // ---- adopted ---------------------------------------------------------------------------------------

  const follow = (member: Member | undefined, record: ListedInstance): void => {
    const { id, claim } = record
    const end = writer.endOf(claim)
    if (end !== undefined) {
      writer.release(record, end)
      if (member) roster.remove(member, end)
      return
    }
    const known = followed.get(id)
    const isOurs = writer.own(id) !== undefined
    if (isOurs) {
      listing.outdate(writer.own(id)!.claim)
      writer.end(id)
      leases.release(id)
      // What was heard of it here was heard before that.
      hearing.unhear(id)
      contestedAt.delete(id)
    }
    orphans.end(id)
    if (member && known?.claim === claim) {
      member.node = record.node
      followState(member, record)
      return
    }
    const said = readStored(record.declared)
    const adopted = said ? enlist(record, said) : undefined
    if (!said) leftOut.refuse(record, 'it is no registration')
    if (adopted) {
      followed.set(id, { claim, declared: record.declared })
      leftOut.taken(id)
    } else if (member) roster.remove(member, 'what another node says of it can not be used')
  }
  /** Takes it in as it is said to be; undefined when it can't be. */
  const enlist = (record: ListedInstance, said: StoredMember): Member | undefined => {
    const { id, service, state, rank } = record
    try {
      if (said.registration.name !== service) throw new Error('it is listed under another name')
      const { channel, peer, host, keyId, registration } = said
      const made = recruit(registration, { channel, peer }, host, keyId)
      if (made.id !== id) throw new Error('it is listed under another id')
      const member: Member = { ...made, node: record.node, state }
      roster.makeRoom(member)
      const drain = drainOf(member, record)
      if (drain) {
        drains.begin(member, drain.reason)
        Object.assign(member, { state: 'draining', drain: { reason: drain.reason, instead: state } })
      }
      roster.admit(member, rank)
      // Whoever registered was ready then.
      vitals.revive(id)
      return member
    } catch (error) {
      if (error instanceof HydraError && error.code === 'HYDRA_OVERLOADED') leftOut.overflow(record)
      else leftOut.refuse(record, error instanceof Error ? error.message : String(error))
      return undefined
    }
  }
  const followState = (member: Member, record: ListedInstance): void => {
    applyDrain(member, record)
    if (recordState(member) === record.state) return
    // Its other channel broke, and the one to this node did not.
    if (record.state === 'recovering' && member.channel === 'rsocket' && isHeardLately(member))
      takeOver(member)
    else if (member.drain) member.drain = { ...member.drain, instead: record.state }
    else
      roster.setState(
        member,
        record.state,
        record.state === 'available' ? 'its channel is back' : 'its channel closed',
      )
  }
  const isAsListed = (member: Member, record: ListedInstance): boolean =>
    recordState(member) === record.state && (drainOf(member, record) !== undefined) === isDraining(member)
  const drainOf = ({ registration }: Member, { drain }: ListedInstance): ListedInstance['drain'] =>
    drain?.activeSince === registration.activeSince ? drain : undefined
  const applyDrain = (member: Member, record: ListedInstance): void => {
    if (writer.hasDrain(member.id)) return
    const drain = drainOf(member, record)
    if (drain && !isDraining(member)) rotation.takeOut(member, drain.reason)
    else if (!drain && isDraining(member)) rotation.putBack(member, 'it was put back into rotation')
  }

  /** Nobody lists an adopted member any more. */
  const lose = (member: Member, gone: GoneInstance | undefined, isWhole: boolean): void => {
    const { id } = member
    const before = followed.get(id)
    // What left under another claim may have left before, in an older copy of the store.
    const said = gone && (!isWhole || gone.claim === before?.claim) ? gone : undefined
    // Its instance said so itself: no sign of life from before says otherwise.
    if (said?.how === 'left' && (isPolite(said.reason) || !isHeardLately(member))) {
      const { reason } = said
      roster.remove(member, reason, { remember: !isPolite(reason) })
    } else if (isHeardLately(member) && before) takeOver(member, { isPaced: true })
    else if (recordState(member) === 'recovering') roster.remove(member, 'its channel did not return')
    else if (said && clock.monotonic() > renewedFrom && (member.node === node || isSilentNow(member)))
      roster.remove(member, said.reason)
    else orphans.begin(member)
  }
  /** It sent its beats here not long ago, and sends none to anybody now. */
  const isSilentNow = ({ id, channel }: Member): boolean =>
    channel === 'http' && hearing.silentForMs(id) <= SILENT_LEASES * leaseMs
  /** Its node says nothing of it any more, and we hear it. */
  const takeOver = (member: Member, options: { readonly isPaced?: boolean } = {}): void => {
    const { id } = member
    const before = followed.get(id)
    if (!before) return
    orphans.end(id)
    waiting.delete(id)
    followed.delete(id)
    member.node = node
    leases.renew(id, leaseMs)
    if (member.drain) member.drain = { ...member.drain, instead: 'available' }
    else if (member.state === 'recovering') roster.setState(member, 'available', 'another node heard it')
    log.info({ service: member.registration.name, instance: id }, 'instance is heard by this node now')
    const { declared } = before
    const service = member.registration.name
    void writer.put(
      { id, service, state: 'available', declared, leaseMs: storeLeaseMs(member, leaseMs) },
      options,
    )
    if (!listing.of(id)) tellDrain(member)
  }

  // ---- a look ----------------------------------------------------------------------------------------

  const dropForgotten = (service: string, stays: ReadonlyMap<string, string>): void => {
    const entry = roster.entry(service)
    if (!entry || ![...entry.members.values()].every(isStored)) return
    for (const member of [...entry.members.values()]) {
      // What is being written now, or listed again, was heard after that.
      const own = writer.own(member.id)
      if (stays.has(member.id) || (own && !own.isWritten)) continue
      writer.end(member.id)
      roster.remove(member, 'its service was forgotten', { remember: false })
    }
    if (entry.members.size === 0) roster.drop(entry, 'an operator asked for it')
    else roster.forgetLeft(entry)
  }
  const remember = ({ service, rank, declared, goneForMs }: RememberedService): void => {
    roster.setRank(service, rank)
    if (roster.entry(service)) return
    const said = readStored(declared)
    if (!said || said.registration.name !== service) return
    try {
      const { channel, peer, host, registration } = said
      const { manifest, fragments, registration: slim } = recruit(registration, { channel, peer }, host)
      const last = { registration: slim, channel, manifest, fragments }
      if (!roster.enter({ ...last, rank, downForMs: goneForMs })) leftOut.overflow({ service })
    } catch (error) {
      log.warn({ err: error, service }, 'store: a service that is down was left out')
    }
  }
  const listing = createListing({
    leaseMs,
    maxInstances,
    members: roster.members,
    onForgotten: dropForgotten,
    onOverflow: leftOut.overflow,
    onGone: leftOut.gone,
    clock,
  })
  const apply = (id: string, gone: GoneInstance | undefined, look: number, isWhole: boolean): void => {
    const member = roster.member(id)
    const record = listing.of(id)
    // What stands in our store is sealed; what was seen in Redis may name any id.
    if (member && !isStored(member) && !(record && member.channel === 'flywheel')) return
    if (!writer.isSettled(id, look)) {
      // What is listed under the claim we gave it was written, whether that was answered or not.
      if (record && member && record.claim === writer.own(id)?.claim && isAsListed(member, record)) {
        writer.confirm(id, record.state)
        return
      }
      again.add(id)
      writer.await(id)
      return
    }
    if (member && writer.own(id)) reconcile(member)
    else if (record) follow(member, record)
    else if (member && (!orphans.has(id) || gone?.how === 'left')) lose(member, gone, isWhole)
  }

  return {
    take(found, look, wasAway) {
      const touched = new Set([...again, ...writer.takeDoubtful()])
      again.clear()
      if (wasAway || found?.isWhole) renewedFrom = clock.monotonic() + leaseMs
      const gone = found && listing.enter(found, touched)
      for (const id of listing.believe()) touched.add(id)
      // What was done here meanwhile was done without knowing.
      if (wasAway) for (const id of listing.ids()) touched.add(id)
      if (leftOut.isWaiting && roster.hasRoom()) for (const id of leftOut.takeWaiting()) touched.add(id)
      for (const id of touched) {
        try {
          apply(id, gone?.get(id), look, found?.isWhole ?? false)
        } catch (error) {
          log.error({ err: error, instance: id }, 'store: what it says of an instance was not applied')
        }
      }
      for (const { service, rank } of found?.instances ?? []) roster.setRank(service, rank)
      for (const one of found?.remembered ?? []) remember(one)
      if (!wasAway) return
      // Forgotten while nobody could be told; who is listed now has registered since, or never went.
      const services = listing.services()
      for (const service of writer.takeForgotten())
        if (!services.has(service) && !roster.entry(service)) writer.forget(service)
      for (const id of writer.ownIds()) {
        const { claim, isWritten } = writer.own(id)!
        const member = roster.member(id)
        if (isWritten && member && isHeard(member)) writer.renew({ id, claim }, storeLeaseMs(member, leaseMs))
      }
    },
    heard(member) {
      const { id } = member
      const record = listing.of(id)
      if (!record || record.state === 'recovering' || orphans.has(id)) takeOver(member)
      else {
        waiting.set(id, clock.monotonic() + leaseMs)
        writer.renew({ id, claim: record.claim }, storeLeaseMs(member, leaseMs))
      }
    },
    heardUnwritten(member) {
      if (writer.isOpen && writer.isSettled(member.id, Number.POSITIVE_INFINITY)) reconcile(member)
    },
    letGo(member, reason) {
      const { id } = member
      const own = writer.own(id)
      if (!own) return
      followed.set(id, { claim: own.claim, declared: own.declared })
      writer.end(id)
      const isListed = listing.of(id)?.claim === own.claim
      if (!writer.isOpen) orphans.begin(member, { isCounted: true })
      else if (isListed) waiting.set(id, clock.monotonic())
      else roster.remove(member, reason)
    },
    taken(id) {
      followed.delete(id)
      contestedAt.delete(id)
      waiting.delete(id)
      orphans.end(id)
    },
    left(id) {
      followed.delete(id)
      contestedAt.delete(id)
      waiting.delete(id)
      orphans.end(id)
      hearing.unhear(id)
    },
    listed: listing.of,
    isHeardElsewhere(id) {
      const record = listing.of(id)
      return record !== undefined && record.node !== node && record.claim !== writer.own(id)?.claim
    },
    follow(member) {
      const record = listing.of(member.id)
      if (record) follow(member, record)
    },
    get isWaiting() {
      const now = clock.monotonic()
      let isWaiting = false
      for (const [id, since] of waiting) {
        if (now - since > SURE_MS || !followed.has(id)) waiting.delete(id)
        else if (now >= since) isWaiting = true
      }
      return isWaiting
    },
    get leftOut() {
      return leftOut.count
    },
  }
}

function isPolite(reason: string): boolean {
  return reason === LEFT.politely || reason === LEFT.drained
}
