/**
 * Makes servers of this process look like those of a Node that gives no way to take connections at the handle.
 *
 * @module
 */
import { Server } from 'node:net'

type Inside = Server & { _handle: unknown }

/** Takes effect for servers that listen from now on, until what it returns is called. */
export function hideHandleStep(): () => void {
  const { listen } = Server.prototype
  Server.prototype.listen = function (this: Inside, ...args: unknown[]) {
    let handle: unknown
    // Who asks while 'listening' is told finds nothing; the server itself goes on as ever.
    this.prependOnceListener('listening', () => {
      handle = this._handle
      this._handle = {}
    })
    this.once('listening', () => {
      this._handle = handle
    })
    return listen.apply(this, args as Parameters<typeof listen>)
  } as typeof listen
  return () => {
    Server.prototype.listen = listen
  }
}
