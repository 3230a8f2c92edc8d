/**
 * Draining by operators: which instances are meant, and what is told of them.
 *
 * @module
 */
import { drainRequest } from '@hydra-gateway/protocol'
import { HydraError } from '../errors.ts'
import type { Entry, Member } from '../registry/member.ts'

/**
 * The instances of a service a request is about: the one it names, or all.
 *
 * @throws HydraError HYDRA_BAD_REQUEST, HYDRA_NO_ROUTE for what is not known, HYDRA_CONFLICT when nobody is there
 */
export function meantBy(body: unknown, name: string, entries: Iterable<Entry>): readonly Member[] {
  const { data, error } = drainRequest.safeParse(body ?? {})
  if (!data) {
    const [first] = error.issues
    const where = first?.path.join('.')
    throw new HydraError(
      'HYDRA_BAD_REQUEST',
      `${where || 'the body'}: ${first?.message ?? 'not as it should be'}`,
    )
  }
  const entry = [...entries].find((one) => one.name === name)
  if (!entry) throw new HydraError('HYDRA_NO_ROUTE', `no service is called ${name}`)
  if (data.instance === undefined) {
    if (entry.members.size > 0) return [...entry.members.values()]
    throw new HydraError('HYDRA_CONFLICT', `${name} has no instance at the moment`)
  }
  const member = entry.members.get(data.instance)
  if (!member) throw new HydraError('HYDRA_NO_ROUTE', `${name} has no instance ${data.instance}`)
  return [member]
}

/** Why an instance drains, and how far it is. */
export function drainNote({ drain }: Member, inFlight: number): string | undefined {
  if (!drain) return undefined
  const left =
    inFlight === 0 ? 'nothing left' : inFlight === 1 ? '1 request left' : `${inFlight} requests left`
  return `${drain.reason}; ${left}`
}
