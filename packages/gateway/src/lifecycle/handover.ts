/**
 * What a gateway that keeps everything in memory hands to the one that takes its place: the services it knows, as their
 * records stand in its store. Whoever gets them has them as another node's: they serve, and lapse with their leases
 * unless they are heard by their own channels meanwhile, or renewed by the one that still hears them.
 *
 * With a store that several share there is nothing to hand over.
 *
 * @module
 */
import { z } from 'zod'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import { followStore } from '../store/follow.ts'
import type { InstanceStore, Version } from '../store/port.ts'

const lease = z.object({ id: z.string(), claim: z.string() })
const drain = z.object({ reason: z.string(), activeSince: z.number() })

/** All of it at first, then what changed; each time with all that still live. */
export const handedState = z.object({
  instances: z.array(
    lease.extend({
      service: z.string(),
      node: z.string(),
      state: z.enum(['available', 'recovering']),
      declared: z.unknown(),
      rank: z.number(),
      drain: drain.optional(),
    }),
  ),
  /** Services without instances. */
  remembered: z.array(z.object({ service: z.string(), rank: z.number(), declared: z.unknown() })),
  gone: z.array(lease),
  forgotten: z.array(z.string()),
  /** Whose leases are to be renewed. */
  alive: z.array(lease),
})

export type HandedState = z.infer<typeof handedState>

/** Leases are renewed so often by who hands over. */
const RENEW_MS = 1000

interface HandingDeps {
  readonly store: InstanceStore
  readonly give: (state: HandedState) => void
  readonly clock: Clock
}

/** Gives all there is, then every change as it comes. Returns how to end that. */
export async function handOver({ store, give, clock }: HandingDeps): Promise<() => void> {
  let seen: Version | undefined
  let renewedAt = clock.monotonic()
  const alive = new Map<string, string>()
  const leases = (): HandedState['alive'] => {
    // Of many that register at once each is a change; what they are told each time is no more than that.
    if (clock.monotonic() - renewedAt < RENEW_MS / 2) return []
    renewedAt = clock.monotonic()
    return [...alive].map(([id, claim]) => ({ id, claim }))
  }
  const look = async (): Promise<void> => {
    const found = await store.look(seen)
    if (!found) return give({ instances: [], remembered: [], gone: [], forgotten: [], alive: leases() })
    seen = found.version
    if (found.isWhole) alive.clear()
    for (const { id } of found.gone) alive.delete(id)
    for (const { id, claim } of found.instances) alive.set(id, claim)
    const { instances, remembered, gone, forgotten } = found
    give({
      instances: [...instances],
      remembered: [...remembered],
      gone: [...gone],
      forgotten: [...forgotten],
      alive: leases(),
    })
  }
  await look()
  return followStore({ store, compare: look, everyMs: RENEW_MS, clock }).stop
}

interface TakingDeps {
  readonly store: InstanceStore
  readonly leaseMs: number
  readonly log: Pick<Log, 'warn'>
}

/** Takes over what comes: one after the other, in the order it was given. What was heard here since is newer, and stays. */
export function createTaking({ store, leaseMs, log }: TakingDeps): (state: HandedState) => Promise<void> {
  const taken = new Map<string, string>()
  const take = async (state: HandedState): Promise<void> => {
    const here = (await store.look(undefined))?.instances ?? []
    const listed = new Map(here.map(({ id, claim }) => [id, claim]))
    const isOurs = (id: string): boolean => listed.has(id) && listed.get(id) !== taken.get(id)
    const services = new Set(here.map(({ service }) => service))
    const byRank = (one: { readonly rank: number }, other: { readonly rank: number }) => one.rank - other.rank
    const steps = [
      ...state.instances.map((one) => ({ rank: one.rank, run: () => takeInstance(one) })),
      ...state.remembered.map((one) => ({ rank: one.rank, run: () => remember(one) })),
    ]
    const remember = async ({ service, declared }: HandedState['remembered'][number]): Promise<void> => {
      if (services.has(service)) return
      // Remembered is what had an instance: it has one for a moment.
      const past = { id: `past-${service}`, claim: 'past' }
      await store.put({ ...past, service, node: 'past', state: 'recovering', declared }, leaseMs)
      await store.release(past, 'it was gone before the takeover')
    }
    const takeInstance = async ({
      rank: _,
      drain,
      ...record
    }: HandedState['instances'][number]): Promise<void> => {
      if (isOurs(record.id)) return
      await store.put(record, leaseMs)
      if (drain) await store.drain(record.id, drain)
      taken.set(record.id, record.claim)
    }
    for (const { run } of steps.sort(byRank)) await run()
    for (const { id, claim } of state.gone) await store.release({ id, claim }, 'the gateway before says so')
    for (const service of state.forgotten) await store.forget(service)
    await store.renew(state.alive, leaseMs)
  }
  let last = Promise.resolve()
  return (state) => {
    last = last
      .then(() => take(state))
      .catch((error) => log.warn({ err: error }, 'what the gateway before knew was not taken over'))
    return last
  }
}
