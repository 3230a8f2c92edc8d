/**
 * Registering: takes in what a service says of an instance, and has the store told.
 *
 * @module
 */
import type { Admission } from '../address/admission.ts'
import type { Observer, Registrar } from '../channels/port.ts'
import { HydraError } from '../errors.ts'
import { fallbackProblem } from '../routing/fallback.ts'
import type { VitalsBook } from '../routing/vitals.ts'
import type { Announcer } from './announcer.ts'
import type { Drains } from './drains.ts'
import type { Hearing } from './hearing.ts'
import type { Leases } from './leases.ts'
import type { Member } from './member.ts'
import type { Recruiter } from './recruit.ts'
import type { RegisteredAnswers } from './registered.ts'
import type { Roster } from './roster.ts'
import type { SharedMembers } from './shared-members.ts'
import type { StoreWriter } from './store-writer.ts'
import { recordState, storable, storeLeaseMs } from './stored-member.ts'

export interface Registering extends Pick<Registrar, 'register'> {
  /** It is not known here any more. */
  left(id: string): void
}

export interface RegisteringDeps {
  readonly leaseMs: number
  readonly admission: Pick<Admission, 'resolve'>
  readonly recruit: Recruiter
  readonly roster: Roster
  readonly observed: Pick<Observer, 'unobserve'>
  readonly drains: Pick<Drains, 'of'>
  readonly shared: Pick<SharedMembers, 'taken'>
  readonly writer: Pick<StoreWriter, 'own' | 'put' | 'drain'>
  readonly leases: Pick<Leases, 'renew'>
  readonly hearing: Pick<Hearing, 'hear'>
  readonly vitals: Pick<VitalsBook, 'revive'>
  readonly announcer: Pick<Announcer, 'current'>
  readonly answers: Pick<RegisteredAnswers, 'answerFor' | 'logRegistered'>
  /** Finds out whether this process stood still, before it believes anybody. */
  readonly wake: () => void
}

/** Told to whoever registers while the store is away. */
const LOCAL_ONLY =
  'other nodes of this gateway do not know this instance yet: what they share can not be reached; they learn of it when it is back'

export function createRegistering(deps: RegisteringDeps): Registering {
  const { leaseMs, admission, recruit, roster, observed, drains, shared, writer } = deps
  const { leases, hearing, vitals, announcer, answers, wake } = deps
  const { answerFor, logRegistered } = answers
  /** Which registration of an instance was taken last, counted in the order they came. */
  const turnOf = new Map<string, number>()
  let turns = 0

  /** @throws HydraError HYDRA_CONFLICT when the id is that of somebody else */
  const refuseImpostor = (member: Member, holder: Member | undefined): void => {
    if (!holder) return
    // Ids of addresses can be computed: nobody takes the place of an instance of another channel by naming it.
    if (holder.channel !== member.channel)
      throw new HydraError('HYDRA_CONFLICT', 'this instanceId belongs to an instance of another channel')
    // Nor from elsewhere that of one another node hears: its signs of life there would be taken for those of the other.
    const isOurs = writer.own(holder.id) !== undefined
    if (!isOurs && recordState(holder) === 'available' && isElsewhere(holder, member))
      throw new HydraError('HYDRA_CONFLICT', 'this instanceId belongs to an instance at another address')
  }

  return {
    async register(registration, registrant) {
      const { name: service, fallback } = registration
      const problem = fallback ? fallbackProblem(fallback) : undefined
      if (problem) throw new HydraError('HYDRA_BAD_REGISTRATION', `fallback ${problem}`)
      wake()
      const turn = ++turns
      const resolved = await admission.resolve(registration.host, registrant.peer, registration.port)
      if ('refused' in resolved) throw new HydraError('HYDRA_FORBIDDEN_ADDRESS', resolved.refused)
      const member = recruit(registration, registrant, resolved.address)
      const { id } = member
      // Names take their time to resolve: what was said later holds, whatever is resolved first.
      if ((turnOf.get(id) ?? 0) > turn) return answerFor(roster.member(id) ?? member)
      // What is only seen gives way to who calls: anybody who may write there can name any id.
      if (registrant.channel !== 'flywheel') observed.unobserve(id, 'it has a channel of its own')
      const holder = roster.member(id)
      refuseImpostor(member, holder)
      roster.makeRoom(member)
      turnOf.set(id, turn)
      const drain = drains.of(member, holder)
      if (drain) Object.assign(member, { state: 'draining', drain })
      shared.taken(id)
      leases.renew(id, leaseMs)
      hearing.hear(id)
      roster.admit(member)
      // It may have refused connections until it was ready; if it still does, the next request finds out.
      vitals.revive(id)
      // Whoever can reach it finds it in the menus; where that takes long, a moment later.
      announcer.current()
      logRegistered(member, holder === undefined)
      const declared = storable(member, registration)
      const lasts = storeLeaseMs(member, leaseMs)
      const written = writer.put({ id, service, state: 'available', declared, leaseMs: lasts })
      if (drain) writer.drain(id, { reason: drain.reason, activeSince: registration.activeSince })
      if (await written) return answerFor(member)
      const answer = answerFor(member)
      return { ...answer, warnings: [...(answer.warnings ?? []), LOCAL_ONLY] }
    },
    left: (id) => void turnOf.delete(id),
  }
}

/** By what they announce: nodes of different networks may reach the same instance at different addresses. */
function isElsewhere({ registration: one }: Member, { registration: other }: Member): boolean {
  return one.host !== other.host || one.port !== other.port
}
