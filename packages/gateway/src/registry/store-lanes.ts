/**
 * Lanes: what is to be written to the store of each instance, and which operation brings the store nearer to it. When one may
 * run is for the writer to say.
 *
 * @module
 */
import type { InstanceRecord, InstanceStore, StoredDrain } from '../store/port.ts'

/** A record of ours, as it should be in the store. */
export interface Own {
  readonly service: string
  readonly declared: unknown
  /** How long the store lists it, unless it is renewed. */
  readonly leaseMs: number
  claim: string
  state: InstanceRecord['state']
  /** The store took it under this claim, as far as we know. */
  isWritten: boolean
  wrote: InstanceRecord['state'] | undefined
  /** The store was asked to take it, and may have done so, whatever became of the answer. */
  isTried: boolean
  /** Written only when it is told so. */
  waits: boolean
  /** How often nobody answered. */
  failures: number
  settle: (isWritten: boolean) => void
}

/** All that is to be written of one instance. */
export interface Lane {
  readonly id: string
  own: Own | undefined
  leaving: { readonly claim: string; readonly reason: string } | undefined
  drain: { readonly to: StoredDrain | undefined } | undefined
  isBusy: boolean
  /** Somebody wants to look once nothing is under way. */
  isAwaited: boolean
  /** Number of the look that had begun when the last operation ended. */
  doneIn: number
  restsUntil: number
  failures: number
}

export interface StoreLanes {
  get(id: string): Lane | undefined
  /** Made where there is none. */
  of(id: string): Lane
  all(): Iterable<Lane>
  delete(id: string): void
  /** What is to be done next; undefined when all is as it should be, or waits to be decided. */
  nextOf(lane: Lane): (() => Promise<void>) | undefined
}

export interface StoreLanesDeps {
  readonly store: Pick<InstanceStore, 'put' | 'amend' | 'release' | 'drain'>
  readonly node: string
  /** The store lists it under another claim, or not at all. */
  readonly onLost: (id: string) => void
}

export function createStoreLanes({ store, node, onLost }: StoreLanesDeps): StoreLanes {
  const lanes = new Map<string, Lane>()

  const recordOf = (id: string, { service, claim, state, declared }: Own): InstanceRecord => ({
    id,
    service,
    node,
    claim,
    state,
    declared,
  })
  const write = async ({ id }: Lane, own: Own): Promise<void> => {
    const record = recordOf(id, own)
    own.isTried = true
    await store.put(record, own.leaseMs)
    if (own.claim !== record.claim) return
    own.isWritten = true
    own.wrote = record.state
    own.settle(true)
  }
  const amend = async ({ id }: Lane, own: Own): Promise<void> => {
    const record = recordOf(id, own)
    const isOurs = await store.amend(record)
    if (own.claim !== record.claim) return
    own.wrote = record.state
    if (!isOurs) onLost(id)
  }
  return {
    get: (id) => lanes.get(id),
    of(id) {
      let lane = lanes.get(id)
      if (!lane) {
        lane = {
          id,
          own: undefined,
          leaving: undefined,
          drain: undefined,
          isBusy: false,
          isAwaited: false,
          doneIn: 0,
          restsUntil: 0,
          failures: 0,
        }
        lanes.set(id, lane)
      }
      return lane
    },
    all: () => lanes.values(),
    delete: (id) => void lanes.delete(id),
    nextOf(lane) {
      const { id, own, leaving, drain } = lane
      if (own && !own.isWritten) return own.waits ? undefined : () => write(lane, own)
      if (own && own.wrote !== own.state) return () => amend(lane, own)
      if (!own && leaving) {
        return async () => {
          await store.release({ id, claim: leaving.claim }, leaving.reason)
          if (lane.leaving === leaving) lane.leaving = undefined
        }
      }
      if (drain) {
        return async () => {
          await store.drain(id, drain.to)
          if (lane.drain === drain) lane.drain = undefined
        }
      }
      return undefined
    },
  }
}
