/**
 * Connections to one instance. Busy ones are bounded, idle ones are few, short-lived and silent.
 *
 * @module
 */
import type { HeadLimits } from '../http1/head.ts'
import type { Slab } from '../http1/slab.ts'
import type { Address } from '../routing/upstream.ts'
import { type ConnectionOwner, type ConnectionUser, ServiceConnection } from './service-connection.ts'
import type { ProxySettings } from './settings.ts'

/** Somebody who wants a connection. */
export interface PoolUser extends ConnectionUser {
  /** A connection is there, connected and his, after he had to wait for it. */
  onConnection(connection: ServiceConnection): void
  /** He has a body to send, which may take as long as the visitor likes. */
  readonly isUpload: boolean
  /** He counts among the uploads; kept by the pool. */
  isUploading: boolean
  /** A connection is being made for him; `onConnected` or `onConnectError` follows. */
  onConnecting(connection: ServiceConnection): void
}

export interface Pool {
  readonly address: Address
  /** False when as many requests wait as may. */
  hasRoom(isUpload: boolean): boolean
  /** True while it has no connection and nobody waits. */
  readonly isEmpty: boolean
  /** An idle connection; or none, and the user is told when one is there, or being made. */
  acquire(user: PoolUser): ServiceConnection | undefined
  /** Makes a connection of its own that never comes back here: for upgrades. */
  openAlone(user: ConnectionUser): ServiceConnection
  /** The user waits no longer. */
  cancel(user: PoolUser): void
  /** The body of an upload is through, or given up. */
  uploaded(user: PoolUser): void
  /** Takes back a connection whose request and answer have both ended cleanly. */
  release(connection: ServiceConnection): void
  /** Closes idle connections: one of them turned out to be dead. */
  dropIdle(): void
  /** Closes connections that were idle for too long. `now` is in the time of the deadlines. */
  sweep(now: number): void
  /** Closes idle connections now and busy ones as they end. */
  close(): void
}

export type PoolSettings = Pick<
  ProxySettings,
  | 'maxConnectionsPerInstance'
  | 'maxQueuedPerInstance'
  | 'upstreamKeepAliveMs'
  | 'maxHeadBytes'
  | 'maxHeaderLines'
  | 'maxTargetBytes'
>

export interface PoolDeps {
  readonly settings: PoolSettings
  /** Where requests are put together. */
  readonly slab: Slab
  /** The time that `sweep` is called with. */
  readonly now: () => number
  /** Counts connections that open (1) and close (-1). */
  readonly onConnections: (change: 1 | -1) => void
}

/** How much sooner than the instance an idle connection is closed, so that no request meets the closing. */
const EARLIER_MS = 1000
/** Answers may have larger heads than requests: cookies are set with many attributes. */
const LEAST_HEAD_BYTES = 64 * 1024

/** Makes the pool of an address. */
export function createPool(address: Address, { settings, slab, now, onConnections }: PoolDeps): Pool {
  const limitsNow = (): HeadLimits => ({
    maxHeadBytes: Math.max(settings.maxHeadBytes, LEAST_HEAD_BYTES),
    maxHeaderLines: Math.max(settings.maxHeaderLines, 1000),
    maxTargetBytes: settings.maxTargetBytes,
  })
  // Connections keep the object; what it says follows the settings.
  const limits = limitsNow()
  /** Used last is taken first: the others grow old and are closed. */
  const idle: ServiceConnection[] = []
  const waiting: PoolUser[] = []
  /** Slow visitors must not take every connection from those who only ask. */
  const mostUploads = (): number => Math.max(1, Math.floor((settings.maxConnectionsPerInstance * 3) / 4))
  const waitingUploads: PoolUser[] = []
  let uploads = 0
  let open = 0
  let alone = 0
  let isClosed = false

  const owner: ConnectionOwner = {
    gone(connection) {
      open--
      onConnections(-1)
      const at = idle.indexOf(connection)
      if (at >= 0) idle.splice(at, 1)
      const next = waiting.shift()
      if (next) connectFor(next)
    },
  }
  const ownerOfAlone: ConnectionOwner = {
    gone() {
      alone--
      onConnections(-1)
    },
  }

  function connectFor(user: PoolUser): void {
    open++
    onConnections(1)
    user.onConnecting(new ServiceConnection(address, limits, slab, owner, user))
  }

  function acquire(user: PoolUser): ServiceConnection | undefined {
    for (let connection = idle.pop(); connection; connection = idle.pop()) {
      if (!connection.isClosed) return connection
    }
    if (open < settings.maxConnectionsPerInstance) connectFor(user)
    else waiting.push(user)
    return undefined
  }

  function closeIdle(isDue: (connection: ServiceConnection) => boolean): void {
    for (let i = idle.length - 1; i >= 0; i--) {
      const connection = idle[i]!
      if (!isDue(connection)) continue
      idle.splice(i, 1)
      connection.destroy()
    }
  }

  return {
    address,
    hasRoom(isUpload) {
      if (isUpload && uploads >= mostUploads()) return waitingUploads.length < settings.maxQueuedPerInstance
      return (
        idle.length > 0 ||
        open < settings.maxConnectionsPerInstance ||
        waiting.length < settings.maxQueuedPerInstance
      )
    },
    get isEmpty() {
      return open === 0 && alone === 0 && waiting.length === 0 && waitingUploads.length === 0
    },
    acquire(user) {
      // Who asks again, because a kept connection was dead, has his place among the uploads already.
      if (user.isUpload && !user.isUploading) {
        if (uploads >= mostUploads()) {
          waitingUploads.push(user)
          return undefined
        }
        uploads++
        user.isUploading = true
      }
      return acquire(user)
    },
    uploaded(user) {
      if (!user.isUploading) return
      user.isUploading = false
      uploads--
      const next = waitingUploads.shift()
      if (!next) return
      uploads++
      next.isUploading = true
      const connection = acquire(next)
      if (connection) next.onConnection(connection)
    },
    openAlone(user) {
      alone++
      onConnections(1)
      return new ServiceConnection(address, limits, slab, ownerOfAlone, user)
    },
    cancel(user) {
      for (const users of [waiting, waitingUploads]) {
        const at = users.indexOf(user)
        if (at >= 0) users.splice(at, 1)
      }
    },
    release(connection) {
      connection.leave()
      const { keepAliveSeconds } = connection
      const keptMs =
        keepAliveSeconds < 0
          ? settings.upstreamKeepAliveMs
          : Math.min(settings.upstreamKeepAliveMs, keepAliveSeconds * 1000 - EARLIER_MS)
      const next = waiting.shift()
      if (next) next.onConnection(connection)
      else if (isClosed || keptMs <= 0) connection.destroy()
      else {
        connection.idleUntil = now() + keptMs
        idle.push(connection)
      }
    },
    dropIdle: () => closeIdle(() => true),
    sweep(at) {
      Object.assign(limits, limitsNow())
      closeIdle(({ idleUntil }) => idleUntil <= at)
    },
    close() {
      isClosed = true
      closeIdle(() => true)
    },
  }
}
