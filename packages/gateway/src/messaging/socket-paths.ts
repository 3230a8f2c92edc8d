/**
 * Where a WebSocket that no service declared is one for messages.
 *
 * @module
 */

/** Always there, whatever services claim `/`. */
export const SOCKET_PATH = '/_hydra/socket'
/** The client of messages, as a module for pages. */
export const SOCKET_SCRIPT_PATH = '/_hydra/socket.js'

/** Which paths they are: every one while the gateway stands in for hydra-router. */
export function openSocketPaths(isFlywheelOn: boolean): (path: string) => boolean {
  return isFlywheelOn ? () => true : (path) => path === '/' || path === SOCKET_PATH
}
