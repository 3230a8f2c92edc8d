/**
 * Rotation: instances that drain finish what was begun and take nothing new, until they are put back or their process ends.
 *
 * @module
 */
import type { Log } from '../observe/log.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Drains } from './drains.ts'
import type { Member } from './member.ts'
import { isDraining, type Roster } from './roster.ts'
import type { StoreWriter } from './store-writer.ts'
import { isStored, recordState } from './stored-member.ts'

export interface Rotation {
  /** Somebody asks for it here: the store is told. False when it is not known, or drains already. */
  drain(instanceId: string, reason: string): boolean
  /** False when it is not known, or does not drain. */
  resume(instanceId: string, reason: string): boolean
  /** The same as another node said it, of a member that doesn't drain. */
  takeOut(member: Member, reason: string): void
  /** Of one that does. */
  putBack(member: Member, reason: string): void
}

export interface RotationDeps {
  readonly roster: Roster
  readonly drains: Drains
  readonly writer: Pick<StoreWriter, 'drain'>
  readonly vitals: Pick<VitalsBook, 'of'>
  readonly log: Pick<Log, 'info'>
}

export function createRotation({ roster, drains, writer, vitals, log }: RotationDeps): Rotation {
  const begin = (member: Member, reason: string): void => {
    member.drain = { reason, instead: recordState(member) }
    drains.begin(member, reason)
    roster.setState(member, 'draining', reason)
  }
  const end = (member: Member, reason: string): void => {
    const { instead = 'available' } = member.drain ?? {}
    member.drain = undefined
    drains.end(member)
    roster.setState(member, instead, reason)
  }
  return {
    drain(instanceId, reason) {
      const member = roster.member(instanceId)
      if (!member) return false
      const { name: service, activeSince } = member.registration
      const isNew = !isDraining(member)
      if (isNew) begin(member, reason)
      // Who drains already may have been put back at another node, which is not known here yet: the last word holds.
      if (isStored(member)) writer.drain(instanceId, { reason: member.drain?.reason ?? reason, activeSince })
      if (!isNew) return false
      const running = vitals.of(instanceId).inFlight
      log.info({ service, instance: instanceId, reason, running }, 'instance drains')
      return true
    },
    resume(instanceId, reason) {
      const member = roster.member(instanceId)
      if (!member || !isDraining(member)) return false
      end(member, reason)
      if (isStored(member)) writer.drain(instanceId, undefined)
      log.info({ service: member.registration.name, instance: instanceId, reason }, 'instance drains no more')
      return true
    },
    takeOut(member, reason) {
      begin(member, reason)
      log.info({ service: member.registration.name, instance: member.id, reason }, 'instance drains')
    },
    putBack(member, reason) {
      end(member, reason)
      log.info({ service: member.registration.name, instance: member.id }, 'instance drains no more')
    },
  }
}
