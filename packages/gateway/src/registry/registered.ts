/**
 * What whoever registers is told: what of it is not served, and why; and what the log says of it.
 *
 * @module
 */
import type { Registered } from '../channels/port.ts'
import type { Log } from '../observe/log.ts'
import type { RoutingTable } from '../routing/table.ts'
import type { Refusal } from './declaration.ts'
import type { FragmentReview } from './fragment-review.ts'
import type { Member } from './member.ts'
import type { MenuBook } from './menu-book.ts'

export interface RegisteredDeps {
  readonly table: () => RoutingTable
  readonly review: Pick<FragmentReview, 'refusedOf'>
  readonly menus: Pick<MenuBook, 'warningsOf'>
  readonly log: Log
}

export interface RegisteredAnswers {
  answerFor(member: Member): Registered
  logRegistered(member: Member, isNew: boolean): void
  /** What of it is not served. */
  logRefused(member: Member): void
}

/** Reasons of one registration in one log line. */
const MOST_LOGGED = 20

export function createRegisteredAnswers({ table, review, menus, log }: RegisteredDeps): RegisteredAnswers {
  const refusedRoutes = ({ refused, fragments, registration }: Member): readonly Refusal[] => [
    ...refused,
    ...lostClaims(table(), registration.name),
    ...fragments.refused,
  ]
  /** Fragments that don't fit are logged as they are judged. */
  const logRefused = (member: Member): void => {
    const { name: service } = member.registration
    const refused = refusedRoutes(member)
    if (refused.length > 0) log.warn({ service, refused: refused.slice(0, MOST_LOGGED) }, 'routes left out')
    for (const warning of member.warnings ?? []) log.warn({ service }, warning)
  }
  return {
    answerFor: (member) => ({
      service: member.registration.name,
      instanceId: member.id,
      revision: table().revision,
      refused: [...refusedRoutes(member), ...review.refusedOf(member)],
      warnings: [...(member.warnings ?? []), ...menus.warningsOf(member.registration.name)],
      publicKey: member.publicKey,
    }),
    logRegistered(member, isNew) {
      const { id: instance, channel, manifest, registration, instance: known } = member
      const { name: service, version } = registration
      const address = `${known.address.host}:${known.address.port}`
      const fields = { service, instance, version, channel, address, routes: manifest.routes.length }
      log[isNew ? 'info' : 'debug'](fields, isNew ? 'instance registered' : 'instance registered again')
      if (isNew) logRefused(member)
    },
    logRefused,
  }
}

function lostClaims(table: RoutingTable, service: string): Refusal[] {
  return table
    .conflicts()
    .filter(({ newcomer }) => newcomer === service)
    .map(({ pattern, reason }) => ({ path: pattern, reason }))
}
