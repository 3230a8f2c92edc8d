/**
 * Signs of life, and of the opposite: what it means for an instance that it was heard here, that its channel closed, and that
 * it said goodbye.
 *
 * @module
 */
import type { Registrar } from '../channels/port.ts'
import type { Log } from '../observe/log.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Hearing } from './hearing.ts'
import type { Leases } from './leases.ts'
import type { RegistrySettings } from './registry.ts'
import { isDraining, type Roster } from './roster.ts'
import { LEFT, type SharedMembers } from './shared-members.ts'
import type { Standstill } from './standstill.ts'
import type { StoreWriter } from './store-writer.ts'
import { isStored, storeLeaseMs } from './stored-member.ts'

export type SignsOfLife = Pick<Registrar, 'beat' | 'suspend' | 'deregister'>

export interface SignsOfLifeDeps {
  readonly settings: Pick<RegistrySettings, 'leaseMs' | 'resumeMs'>
  readonly roster: Roster
  readonly shared: Pick<SharedMembers, 'heard' | 'heardUnwritten' | 'listed'>
  readonly writer: StoreWriter
  readonly standstill: Pick<Standstill, 'wake' | 'isAsleep'>
  readonly leases: Pick<Leases, 'renew'>
  readonly hearing: Pick<Hearing, 'hear' | 'unhear'>
  readonly vitals: Pick<VitalsBook, 'rest'>
  readonly log: Pick<Log, 'info'>
}

export function createSignsOfLife(deps: SignsOfLifeDeps): SignsOfLife {
  const { settings, roster, shared, writer, standstill, leases, hearing, vitals, log } = deps
  const { leaseMs } = settings
  const { wake } = standstill
  return {
    beat(instanceId) {
      const member = roster.member(instanceId)
      if (!member) return false
      wake()
      hearing.hear(instanceId)
      const own = writer.own(instanceId)
      if (!own) {
        if (isStored(member) && !standstill.isAsleep) shared.heard(member)
        return true
      }
      leases.renew(instanceId, leaseMs)
      // It is heard again, and drains on.
      if (member.drain) member.drain = { ...member.drain, instead: 'available' }
      if (member.state === 'recovering') {
        roster.setState(member, 'available', 'its channel is back')
        log.info({ service: member.registration.name, instance: instanceId }, 'instance recovered')
      }
      writer.setState(instanceId, 'available')
      if (own.isWritten) writer.renew({ id: instanceId, claim: own.claim }, storeLeaseMs(member, leaseMs))
      else if (!standstill.isAsleep) shared.heardUnwritten(member)
      return true
    },
    suspend(instanceId, reason) {
      const member = roster.member(instanceId)
      if (!member) return
      wake()
      hearing.unhear(instanceId)
      if (!writer.own(instanceId)) {
        // Another node hears it: that its line to this one ended says nothing, that it refuses connections does.
        if (member.channel === 'http') vitals.rest(instanceId)
        return
      }
      if (member.state === 'recovering') return
      if (isDraining(member)) {
        // Nobody waits for who was to leave anyway; if it returns it drains on.
        roster.remove(member, LEFT.drained, { remember: false })
        return
      }
      leases.renew(instanceId, settings.resumeMs)
      roster.setState(member, 'recovering', reason)
      writer.setState(instanceId, 'recovering')
      const own = writer.own(instanceId)
      if (own) writer.renew({ id: instanceId, claim: own.claim }, storeLeaseMs(member, settings.resumeMs))
      const { name: service } = member.registration
      log.info({ service, instance: instanceId, reason }, 'instance out of rotation')
    },
    deregister(instanceId, { forget = false } = {}) {
      const member = roster.member(instanceId)
      if (!member) return false
      wake()
      const listed = shared.listed(instanceId)
      // It says so itself, though another node heard it last.
      if (!writer.own(instanceId) && listed) writer.release(listed, LEFT.politely)
      roster.remove(member, LEFT.politely, { remember: false })
      const entry = roster.entry(member.registration.name)
      if (forget && entry?.members.size === 0) {
        roster.drop(entry, 'its last instance asked for it')
        writer.forget(entry.name)
      }
      return true
    },
  }
}
