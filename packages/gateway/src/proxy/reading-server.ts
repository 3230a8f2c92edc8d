/**
 * A TCP server whose connections are read into buffers of our choosing.
 *
 * Node allocates 64 KiB for every read of a connection that a server accepted, whatever comes. For outgoing
 * connections there is `onread`, which halves what an upload costs and spares the collector; for accepted ones
 * there is no public way to ask for it. So the connection is taken as `net.Server` takes it, one step earlier: at
 * the handle, with the same options `net.Server` passes on. Where a future Node has no such step, connections come
 * the ordinary way and are read with 'data' events (docs/decisions/006).
 *
 * @module
 */
import { createServer, type OnReadOpts, type Server, Socket, type SocketConstructorOpts } from 'node:net'

/** Makes the socket of a connection; `onread` undefined for one that is read with 'data' events. */
export type SocketMaker = (onread: OnReadOpts | undefined) => Socket

/** What `net.Server` has inside while it listens. */
interface ServerHandle {
  onconnection: ((status: number, handle: object | undefined) => void) | null
}

/** Makes a server that gives a way to make a socket for each connection. It does not listen yet. */
export function createReadingServer(onConnection: (makeSocket: SocketMaker) => void): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => onConnection(() => socket))
  server.on('listening', () => {
    const { _handle: handle } = server as Server & { _handle?: ServerHandle | null }
    const ordinary = handle?.onconnection
    if (!handle || typeof ordinary !== 'function') return
    handle.onconnection = function onconnection(status, accepted) {
      // Errors are told of by the server itself.
      if (status !== 0 || !accepted) {
        ordinary.call(this, status, accepted)
        return
      }
      onConnection((onread) => {
        const options = { handle: accepted, allowHalfOpen: true, onread }
        const socket = new Socket(options as unknown as SocketConstructorOpts)
        socket.setNoDelay(true)
        return socket
      })
    }
  })
  return server
}
