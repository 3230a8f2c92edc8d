/**
 * Audiences: visitors who are signed in as the same see the same of everything.
 *
 * @module
 */
import type { Caller } from '../identity/port.ts'
import type { Audience } from './port.ts'

/** All who are not signed in. */
export const NOBODY: Audience = ''

/** By providers and roles of all identities, and by nothing else of them: what is asked for is asked of those. */
export function createAudiences(): (caller: Caller | undefined) => Audience {
  const known = new WeakMap<Caller, Audience>()
  return (caller) => {
    if (caller === undefined) return NOBODY
    let audience = known.get(caller)
    if (audience === undefined) {
      audience = JSON.stringify(
        caller.identities.map(({ provider, roles }) => [provider, [...new Set(roles)].sort()]),
      )
      known.set(caller, audience)
    }
    return audience
  }
}
