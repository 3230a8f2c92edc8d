/**
 * Breaking a connection off so that its other end can't take what came for the whole.
 *
 * @module
 */
import type { Socket } from 'node:net'

/** Resets a connection. TLS has a word of its own for an end, so that there a plain close is a break already. */
export function reset(socket: Socket): void {
  // A reset of what was ended already would leave that end unfinished for ever; local sockets, without a port, know none.
  if ('encrypted' in socket || socket.writableEnded || socket.remotePort === undefined) socket.destroy()
  else socket.resetAndDestroy()
}
