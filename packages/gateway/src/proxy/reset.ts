/**
 * Breaking a connection off so that its other end can't take what came for the whole.
 *
 * @module
 */
import type { Socket } from 'node:net'

/** Resets a connection. TLS has a word of its own for an end, so that there a plain close is a break already. */
export function reset(socket: Socket): void {
  // A reset of what was ended already would leave that end unfinished for ever.
  if ('encrypted' in socket || socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
