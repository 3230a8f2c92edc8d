/**
 * Members that are seen, not heard: their services say elsewhere that they are there, and every node looks by itself.
 *
 * They have no lease here and no record in our store; whoever looks says when they came and left. Everything else is as
 * with those that register.
 *
 * @module
 */
import type { Admission } from '../address/admission.ts'
import type { Observer, Registered } from '../channels/port.ts'
import { HydraError } from '../errors.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Drains } from './drains.ts'
import type { Entry, Member } from './member.ts'
import type { Recruiter } from './recruit.ts'
import type { Roster } from './roster.ts'

export interface ObservedDeps {
  readonly admission: Pick<Admission, 'resolve'>
  readonly recruit: Recruiter
  readonly roster: Roster
  readonly drains: Drains
  readonly vitals: Pick<VitalsBook, 'revive'>
  readonly answerFor: (member: Member) => Registered
  readonly logRegistered: (member: Member, isNew: boolean) => void
}

const FLYWHEEL = { channel: 'flywheel' } as const

export function createObserved(deps: ObservedDeps): Observer {
  const { admission, recruit, roster, drains, vitals, answerFor, logRegistered } = deps
  return {
    isObserved: (id) => roster.member(id)?.channel === 'flywheel',
    async observe(registration, isStill) {
      const resolved = await admission.resolve(registration.host, undefined, registration.port)
      if (!isStill()) return undefined
      if ('refused' in resolved) throw new HydraError('HYDRA_FORBIDDEN_ADDRESS', resolved.refused)
      const member = recruit(registration, FLYWHEEL, resolved.address)
      const holder = roster.member(member.id)
      // Whoever may write there can name any id.
      if (holder && holder.channel !== 'flywheel')
        throw new HydraError('HYDRA_CONFLICT', 'this instanceId belongs to an instance of another channel')
      if (holder && isSame(holder, member)) return answerFor(holder)
      roster.makeRoom(member)
      // All instances of a service share its routes: what those before had is over.
      const entry = roster.entry(member.registration.name)
      if (entry) dropSeen(entry, member.manifest.hash)
      const drain = drains.of(member, holder)
      if (drain) Object.assign(member, { state: 'draining', drain })
      roster.admit(member)
      // It may have refused connections until it was ready; if it still does, the next request finds out.
      if (!holder || !isAtSamePlace(holder, member)) vitals.revive(member.id)
      logRegistered(member, holder === undefined)
      return answerFor(member)
    },
    unobserve(id, reason) {
      const member = roster.member(id)
      if (member?.channel === 'flywheel') roster.remove(member, reason)
    },
    known(registration) {
      const { name, version } = registration
      const { manifest, fragments, registration: slim } = recruit(registration, FLYWHEEL, registration.host)
      const entry = roster.entry(name)
      if (!entry) return roster.enter({ registration: slim, ...FLYWHEEL, manifest, fragments, downForMs: 0 })
      if (entry.channel !== 'flywheel' || entry.members.size > 0 || entry.orphans.has(manifest.hash))
        return true
      entry.orphans.clear()
      roster.remember(entry, manifest, version)
      return true
    },
    isKnown: (service) => roster.entry(service) !== undefined,
    unknown(service, reason) {
      const entry = roster.entry(service)
      if (entry?.channel === 'flywheel' && entry.members.size === 0) roster.drop(entry, reason)
    },
  }
}

/** Forgets routes of members that were seen, but those of one manifest. */
function dropSeen({ orphans }: Entry, but: string): void {
  for (const [hash, { manifest }] of orphans)
    if (hash !== but && manifest.routes.some(({ flywheel }) => flywheel !== undefined)) orphans.delete(hash)
}

function isAtSamePlace({ instance: { address: a } }: Member, { instance: { address: b } }: Member): boolean {
  return a.protocol === b.protocol && a.host === b.host && a.port === b.port
}

function isSame(before: Member, now: Member): boolean {
  return (
    isAtSamePlace(before, now) &&
    before.manifest.hash === now.manifest.hash &&
    before.registration.name === now.registration.name &&
    before.registration.version === now.registration.version
  )
}
