/**
 * Says in the log why somebody who is signed in may not go on: which roles are asked for, and which they have. The answer
 * tells nothing of it.
 *
 * One line a minute for what is asked for at one service: whoever asks again and again fills no log. The count goes on.
 *
 * @module
 */

import { setNewest } from '../newest.ts'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { Exchange } from '../proxy/exchange.ts'
import type { Access } from '../routing/route.ts'
import { rolesOf } from './access.ts'
import type { Caller } from './port.ts'

/** Whom something is for, and who says so. */
export interface Demand {
  readonly service: string
  readonly access: Access
  readonly isByRule: boolean
}

export type ForbiddenLog = (exchange: Pick<Exchange, 'id'>, caller: Caller, demand: Demand) => void

const QUIET_MS = 60_000
/** What is asked for is said by services and operators; still nobody fills memory with it. */
const MOST_DEMANDS = 1000
/** A provider may name hundreds of groups. */
const MOST_ROLES = 20

interface Said {
  readonly at: number
  /** How often it happened since. */
  similar: number
}

export function createForbiddenLog({
  roleMappings,
  clock,
  log,
}: {
  readonly roleMappings: (service: string) => Readonly<Record<string, string>>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly log: Pick<Log, 'info'>
}): ForbiddenLog {
  const said = new Map<string, Said>()

  return ({ id }, caller, { service, access, isByRule }) => {
    const { roles = [], providers } = access
    const key = JSON.stringify([service, isByRule, roles, providers])
    const before = said.get(key)
    const at = clock.monotonic()
    if (before && at - before.at < QUIET_MS) {
      before.similar++
      return
    }
    setNewest(said, key, { at, similar: 0 }, MOST_DEMANDS)
    const has = rolesOf(caller, access, roleMappings(service)) ?? []
    log.info(
      {
        exchange: id,
        service,
        reason: 'role',
        // What a service calls them; the last word is the operator's.
        needed: roles.slice(0, MOST_ROLES),
        has: has.slice(0, MOST_ROLES),
        by: isByRule ? 'identity.rules' : 'service',
        ...(before && before.similar > 0 ? { similar: before.similar } : {}),
      },
      'caller lacks the role',
    )
  }
}
