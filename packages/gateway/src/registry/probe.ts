/**
 * Probing: whether something listens at an instance's address.
 *
 * An instance that refused a connection rests until one succeeds; an instance without a heartbeat, such as a
 * static one, is also asked while it serves. A probe is a TCP connection that is closed again, nothing is sent.
 *
 * @module
 */
import { connect as netConnect } from 'node:net'
import type { Clock } from '../observe/clock.ts'
import type { Address } from '../routing/upstream.ts'
import type { VitalsBook } from '../routing/vitals.ts'

export interface Probed {
  readonly id: string
  readonly address: Pick<Address, 'host' | 'port'>
  /** True for an instance nobody hears from: it is probed while it serves, too. */
  readonly always: boolean
}

export interface Prober {
  /** Begins to look after an instance; again with another address, the address is replaced. */
  watch(instance: Probed): void
  unwatch(id: string): void
  /** Whether a connection succeeds now, within the timeout. Changes nothing. */
  probeNow(address: Pick<Address, 'host' | 'port'>): Promise<boolean>
  /** Ends all probing; what is under way changes nothing any more. */
  stop(): void
}

/** Resolves with whether the address took a connection in time. Never rejects. */
export type Connect = (address: Pick<Address, 'host' | 'port'>, timeoutMs: number) => Promise<boolean>

interface ProberDeps {
  readonly clock: Clock
  readonly vitals: Pick<VitalsBook, 'of' | 'rest' | 'revive'>
  /** @default a TCP connection */
  readonly connect?: Connect
  readonly settings?: {
    /** @default 1000 */
    readonly everyMs?: number
    /** @default 500 */
    readonly timeoutMs?: number
    /** Most connections tried at a time. @default 64 */
    readonly atOnce?: number
  }
}

export function createProber({
  clock,
  vitals,
  connect = createConnect(clock),
  settings = {},
}: ProberDeps): Prober {
  const { everyMs = 1000, timeoutMs = 500, atOnce = 64 } = settings
  const watched = new Map<string, Probed>()
  /** Instances whose probe waits or runs: one at a time for each, however slow. */
  const busy = new Set<Probed>()
  const waiting: (() => void)[] = []
  let running = 0

  const probeNow = async (address: Probed['address']): Promise<boolean> => {
    if (running < atOnce) running++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await connect(address, timeoutMs)
    } finally {
      // Whoever waits longest takes over the place.
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }

  const probe = async (instance: Probed): Promise<void> => {
    if (busy.has(instance)) return
    busy.add(instance)
    const isThere = await probeNow(instance.address)
    busy.delete(instance)
    // Gone or moved meanwhile: the answer is about somebody else.
    if (watched.get(instance.id) !== instance) return
    if (isThere) vitals.revive(instance.id)
    else vitals.rest(instance.id)
  }

  const stopTicking = clock.every(everyMs, () => {
    for (const instance of watched.values()) {
      if (instance.always || vitals.of(instance.id).resting) void probe(instance)
    }
  })

  return {
    watch(instance) {
      watched.set(instance.id, instance)
      if (instance.always) void probe(instance)
    },
    unwatch: (id) => void watched.delete(id),
    probeNow,
    stop() {
      stopTicking()
      watched.clear()
    },
  }
}

function createConnect(clock: Clock): Connect {
  return ({ host, port }, timeoutMs) =>
    new Promise((resolve) => {
      const socket = netConnect({ host, port })
      const settle = (isThere: boolean): void => {
        cancel()
        socket.destroy()
        resolve(isThere)
      }
      // After a busy moment the timer comes first although the connection is there: sockets are read once more.
      const cancel = clock.after(timeoutMs, () => setImmediate(() => settle(false)))
      socket.once('connect', () => settle(true))
      // Also after the end: a reset may still arrive at a socket that was destroyed.
      socket.on('error', () => settle(false))
    })
}
