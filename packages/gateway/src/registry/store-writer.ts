/**
 * The store's writer: keeps in the store what this node says of its own members.
 *
 * What is to be there is kept here, by instance, and whatever differs is written: one operation of an instance at a time, the
 * latest wins. So nothing queues while the store is away. Once it was looked at again the registry decides what still
 * holds (`shared-members.ts`), as others may have heard an instance meanwhile: no registration that was kept back is
 * written before. Every record has a claim, made anew each time it is written; a word under an older one changes nothing.
 *
 * @module
 */
import { randomUUID } from 'node:crypto'
import type { Clock } from '../observe/clock.ts'
import type { Log } from '../observe/log.ts'
import type { InstanceRecord, InstanceStore, Lease, StoredDrain } from '../store/port.ts'
import type { Reach } from '../store/reach.ts'
import { createEndedClaims } from './ended-claims.ts'
import { createPortions } from './portions.ts'
import { createRenewals } from './renewals.ts'
import { createStoreLanes, type Lane, type Own } from './store-lanes.ts'

/** What one of our members declared, and what it is. */
export interface Said extends Pick<InstanceRecord, 'id' | 'service' | 'state' | 'declared'> {
  /** How long the store lists it, unless it is renewed. */
  readonly leaseMs: number
}

/** A record of ours, as it should be in the store. */
export interface OwnRecord {
  readonly service: string
  readonly declared: unknown
  readonly claim: string
  readonly state: InstanceRecord['state']
  /** The store took it under this claim, as far as we know. */
  readonly isWritten: boolean
}

export interface StoreWriter {
  /**
   * Writes what was heard here, under a new claim. Resolves with whether the store has it, once that is known: false when
   * it is away. `isPaced`: with others, a few at a time.
   */
  put(said: Said, options?: { readonly isPaced?: boolean }): Promise<boolean>
  /** Writes it once more, under a new claim, with others a few at a time. */
  putAgain(id: string): void
  setState(id: string, state: InstanceRecord['state']): void
  /** Renews a lease for so long, with all that are heard within a moment. */
  renew(lease: Lease, forMs: number): void
  /** It is not ours any more. With a reason the store is told that it left; `isLasting`: also should it come up again. */
  end(id: string, left?: { readonly reason: string; readonly isLasting?: boolean }): void
  /** Why the record under this claim left, as this node said: an older copy of the store may list it again. */
  endOf(claim: string): string | undefined
  release(lease: Lease, reason: string): void
  drain(id: string, drain: StoredDrain | undefined): void
  forget(service: string): void
  rerank(service: string, from: number): void

  own(id: string): OwnRecord | undefined
  ownIds(): Iterable<string>
  /** What a look found is a record as we wrote it. */
  confirm(id: string, state: InstanceRecord['state']): void
  /** Another node's word stands in the store, and whether ours is newer will show: nobody waits for it. */
  holdBack(id: string): void
  /** False while something of it is being written, or was since that look began: what it found may be older. */
  isSettled(id: string, look: number): boolean
  /** Has the store looked at again once that is so. */
  await(id: string): void
  /** A drain, or its end, that is not written yet. */
  hasDrain(id: string): boolean
  /** Ids whose record may not be as it should, since the last call. */
  takeDoubtful(): string[]
  /** Services that were forgotten here while the store was away, once. */
  takeForgotten(): string[]
  /** Members that only this node knows of. */
  readonly localOnly: number

  readonly isOpen: boolean
  /** A look begins; its number. */
  begin(): number
  /** The store was looked at: writing goes on. True when it had stopped. */
  open(): boolean
  /** Stops writing until the store was looked at. `looking`: whoever waits for an answer waits for that. */
  close(why: 'away' | 'looking'): void
  stop(): void
}

export interface StoreWriterDeps {
  readonly store: InstanceStore
  readonly node: string
  readonly leaseMs: number
  readonly reach: Reach
  /** The store should be looked at; false when nobody does. */
  readonly wantLook: () => boolean
  readonly clock: Pick<Clock, 'after' | 'monotonic'>
  /** 0 to 1: nodes that write again do so at moments of their own. */
  readonly random: () => number
  readonly log: Pick<Log, 'warn' | 'info'>
}

/** Operations under way at a time; the others wait for one of them. */
const AT_ONCE = 64
/** Who is refused by a store that answers is not tried again before, ms; twice as long each time, up to the second. */
const REST_MS = 1000
const MOST_REST_MS = 30_000
/** Services that were forgotten meanwhile, kept in mind. */
const MOST_FORGOTTEN = 100
/** Whoever registers waits for so many attempts at most. */
const MOST_FAILURES = 2

export function createStoreWriter(deps: StoreWriterDeps): StoreWriter {
  const { store, node, leaseMs, reach, wantLook, clock, random, log } = deps
  const queue = new Set<Lane>()
  /** Lanes that wait for the store to be looked at. */
  const stuck = new Set<Lane>()
  /** Lanes with nothing to write, kept until a look has begun that knows what was written. */
  const idle = new Set<Lane>()
  const doubtful = new Set<string>()
  const ended = createEndedClaims({ leaseMs, clock })
  const forgotten = new Set<string>()
  let gate: 'open' | 'looking' | 'away' = reach.isReachable ? 'open' : 'away'
  let looks = 0
  let running = 0
  let isStopped = false

  const isAway = (error: unknown): boolean =>
    !reach.isReachable || (error instanceof Error && error.name === 'StoreAway')

  const close = (why: 'away' | 'looking'): void => {
    if (gate === 'away' && why === 'looking') return
    gate = why
    for (const lane of [...queue, ...paced.takeAll()]) stuck.add(lane)
    queue.clear()
    for (const lane of stuck) hold(lane)
  }
  /** What is not written now waits for a decision. */
  const hold = ({ own }: Lane): void => {
    if (!own || own.isWritten) return
    own.waits = true
    if (gate === 'away' || own.failures >= MOST_FAILURES) own.settle(false)
  }
  /** Something was not answered. Was it slow, or is the store away? A look tells, and decides what is to be written again. */
  const doubt = (): void => {
    const isToldByLook = reach.isReachable && gate !== 'away' && wantLook()
    close(isToldByLook ? 'looking' : 'away')
  }

  // ---- one operation of an instance at a time ----------------------------------------------------------

  /** The store may have it otherwise than we say. */
  const onLost = (id: string): void => {
    doubtful.add(id)
    wantLook()
  }
  const lanes = createStoreLanes({ store, node, onLost })

  const pump = (lane: Lane): void => {
    if (lane.isBusy || isStopped) return
    const next = lanes.nextOf(lane)
    if (!next) {
      if (!lane.own) idle.add(lane)
    } else if (gate !== 'open') {
      stuck.add(lane)
      hold(lane)
    } else if (clock.monotonic() < lane.restsUntil) stuck.add(lane)
    else if (running >= AT_ONCE) queue.add(lane)
    else void run(lane, next)
  }
  const run = async (lane: Lane, operation: () => Promise<void>): Promise<void> => {
    lane.isBusy = true
    running++
    try {
      await operation()
      lane.failures = 0
    } catch (error) {
      failed(lane, error)
    }
    running--
    lane.isBusy = false
    lane.doneIn = looks
    pump(lane)
    if (lane.isAwaited && !lane.isBusy && !queue.has(lane)) {
      lane.isAwaited = false
      wantLook()
    }
    const [waiting] = queue
    if (!waiting) return
    queue.delete(waiting)
    pump(waiting)
  }
  const failed = (lane: Lane, error: unknown): void => {
    stuck.add(lane)
    if (isAway(error)) {
      if (lane.own) lane.own.failures++
      doubt()
      return
    }
    // The store is there and doesn't take this one: the others go on.
    const restMs = Math.min(MOST_REST_MS, REST_MS * 2 ** lane.failures)
    lane.restsUntil = clock.monotonic() + restMs
    if (lane.failures++ === 0)
      log.warn({ err: error, instance: lane.id }, 'store: it does not take this instance')
    if (!lane.own || lane.own.isWritten) return
    lane.own.waits = true
    lane.own.settle(false)
    doubtful.add(lane.id)
  }

  const paced = createPortions<Lane>({
    onTurn(lane) {
      if (lane.own) lane.own.waits = false
      pump(lane)
    },
    clock,
    random,
  })

  const renewals = createRenewals({
    store,
    isOpen: () => gate === 'open',
    onLost({ id, claim }) {
      const own = lanes.get(id)?.own
      if (own && own.claim !== claim) return
      onLost(id)
    },
    onFailed(error) {
      if (isAway(error)) doubt()
      else log.warn({ err: error }, 'store: leases were not renewed')
    },
    clock,
  })

  const stopReach = reach.onChange((isReachable) => {
    if (isReachable) wantLook()
    else close('away')
  })

  return {
    put({ id, service, state, declared, leaseMs }, { isPaced = false } = {}) {
      const lane = lanes.of(id)
      const before = lane.own
      return new Promise((resolve) => {
        const own: Own = {
          service,
          declared,
          leaseMs,
          claim: randomUUID(),
          state,
          isWritten: false,
          isTried: false,
          wrote: undefined,
          waits: isPaced,
          failures: 0,
          settle: resolve,
        }
        // Who asked before is answered with who asked last.
        if (before && !before.isWritten) {
          const { settle } = before
          own.settle = (isWritten) => {
            settle(isWritten)
            resolve(isWritten)
          }
        }
        paced.delete(lane)
        Object.assign(lane, { own, leaving: undefined })
        if (isPaced && gate === 'open') paced.add(lane)
        else {
          own.waits = false
          pump(lane)
        }
      })
    },
    putAgain(id) {
      const lane = lanes.get(id)
      if (!lane?.own || gate !== 'open' || paced.has(lane) || lane.isBusy) return
      if (clock.monotonic() < lane.restsUntil) return void doubtful.add(id)
      Object.assign(lane.own, { claim: randomUUID(), isWritten: false, waits: true })
      paced.add(lane)
    },
    setState(id, state) {
      const lane = lanes.get(id)
      if (!lane?.own || lane.own.state === state) return
      lane.own.state = state
      pump(lane)
    },
    renew(lease, forMs) {
      const own = lanes.get(lease.id)?.own
      if (gate !== 'open' || (own && !own.isWritten)) return
      renewals.add(lease, forMs)
    },
    end(id, left) {
      const lane = lanes.get(id)
      renewals.drop(id)
      doubtful.delete(id)
      if (!lane?.own) return
      const { claim, settle, isTried } = lane.own
      settle(true)
      lane.own = undefined
      paced.delete(lane)
      // What the store never heard of need not be ended there: whatever comes and goes while it is away leaves nothing.
      if (left && isTried) {
        ended.keep(claim, left.reason, left.isLasting ?? false)
        lane.leaving = { claim, reason: left.reason }
      }
      // What was asked of it was asked of who is gone.
      lane.drain = undefined
      pump(lane)
    },
    endOf: ended.reasonOf,
    release({ id, claim }, reason) {
      const lane = lanes.of(id)
      if (lane.own) return
      lane.leaving = { claim, reason }
      pump(lane)
    },
    drain(id, to) {
      const lane = lanes.of(id)
      lane.drain = { to }
      pump(lane)
    },
    forget(service) {
      const keep = (error: unknown): void => {
        if (isAway(error)) doubt()
        else log.warn({ err: error, service }, 'store: the service was not forgotten')
        if (forgotten.size < MOST_FORGOTTEN) forgotten.add(service)
      }
      if (gate === 'open') store.forget(service).catch(keep)
      else if (forgotten.size < MOST_FORGOTTEN) forgotten.add(service)
    },
    rerank(service, from) {
      // Every node finds the same, and whoever is first changes it; if nobody can, its place here is kept.
      if (gate !== 'open') return
      store.rerank(service, from).catch((error) => {
        if (isAway(error)) doubt()
      })
    },
    own: (id) => lanes.get(id)?.own,
    *ownIds() {
      for (const { id, own } of lanes.all()) if (own) yield id
    },
    confirm(id, state) {
      const lane = lanes.get(id)
      if (!lane?.own) return
      const { own } = lane
      paced.delete(lane)
      Object.assign(own, { isWritten: true, waits: false, wrote: state })
      own.settle(true)
      pump(lane)
    },
    holdBack(id) {
      const lane = lanes.get(id)
      if (!lane?.own) return
      paced.delete(lane)
      lane.own.waits = true
      lane.own.settle(true)
    },
    isSettled(id, look) {
      const lane = lanes.get(id)
      return !lane || !(lane.isBusy || queue.has(lane) || lane.doneIn >= look)
    },
    await(id) {
      const lane = lanes.get(id)
      if (!lane) return
      if (lane.isBusy || queue.has(lane)) lane.isAwaited = true
      else wantLook()
    },
    hasDrain: (id) => lanes.get(id)?.drain !== undefined,
    takeDoubtful() {
      const ids = [...doubtful]
      doubtful.clear()
      return ids
    },
    takeForgotten() {
      const services = [...forgotten]
      forgotten.clear()
      return services
    },
    get localOnly() {
      let count = 0
      for (const { own } of lanes.all()) if (own && !own.isWritten) count++
      return count
    },
    get isOpen() {
      return gate === 'open'
    },
    begin() {
      looks++
      for (const lane of idle) {
        const { own, leaving, drain, isBusy } = lane
        if (own || leaving || drain || isBusy) continue
        lanes.delete(lane.id)
        stuck.delete(lane)
      }
      idle.clear()
      return looks
    },
    open() {
      const wasOpen = gate === 'open'
      gate = 'open'
      const waiting = [...stuck]
      stuck.clear()
      for (const lane of waiting) {
        if (lane.own && !lane.own.isWritten) doubtful.add(lane.id)
        pump(lane)
      }
      return !wasOpen
    },
    close,
    stop() {
      isStopped = true
      stopReach()
      paced.stop()
      renewals.stop()
      for (const { own } of lanes.all()) own?.settle(false)
    },
  }
}
