/**
 * Pings sockets, so that one whose client vanished without a word is found out: after two rounds of silence it is gone.
 * A round is spread over its time, so that many sockets are not pinged at once.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'
import type { ClientSocket } from './client-socket.ts'

export interface Heartbeat {
  add(socket: ClientSocket): void
  delete(socket: ClientSocket): void
  stop(): void
}

/** Parts of a round. */
const PARTS = 16

export function createHeartbeat(
  settings: { readonly heartbeatMs: number },
  clock: Pick<Clock, 'after'>,
): Heartbeat {
  const parts = Array.from({ length: PARTS }, () => new Set<ClientSocket>())
  let next = 0
  let at = 0
  let isStopped = false

  const beat = (): void => {
    if (isStopped) return
    for (const socket of parts[at]!) {
      if (!socket.isAlive) {
        socket.cut()
        continue
      }
      socket.isAlive = false
      socket.ping()
    }
    at = (at + 1) % PARTS
    clock.after(settings.heartbeatMs / PARTS, beat)
  }
  clock.after(settings.heartbeatMs / PARTS, beat)

  return {
    add(socket) {
      next = (next + 1) % PARTS
      socket.part = next
      parts[next]!.add(socket)
    },
    delete: (socket) => void parts[socket.part]!.delete(socket),
    stop() {
      isStopped = true
    },
  }
}
