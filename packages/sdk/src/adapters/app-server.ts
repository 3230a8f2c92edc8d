/**
 * Which server an app listens on, for frameworks whose apps don't know: an app is the request listener of its
 * server, and Node tells of every server that begins to listen.
 *
 * It tells from the moment this module is loaded, which is before an app listens where the SDK is imported at
 * the top of a file. Servers and apps are held weakly.
 *
 * @module
 */
import { subscribe } from 'node:diagnostics_channel'
import type { NodeServer } from '../server.ts'

const servers = new WeakMap<object, NodeServer>()
const waiting = new WeakMap<object, (server: NodeServer) => void>()

// Experimental in Node: where it changes, an app has to be given with its server, or before it listens.
subscribe('tracing:net.server.listen:asyncStart', (message) => {
  const { server } = message as { server?: NodeServer & { listeners?(event: string): object[] } }
  for (const app of server?.listeners?.('request') ?? []) {
    server?.once('listening', () => {
      servers.set(app, server)
      waiting.get(app)?.(server)
      waiting.delete(app)
    })
    server?.once('close', () => servers.delete(app))
  }
})

/** The server an app listens on now. */
export function serverNowOf(app: object): NodeServer | undefined {
  return servers.get(app)
}

/** Calls back once with the next server the app listens on. */
export function onServer(app: object, listener: (server: NodeServer) => void): void {
  waiting.set(app, listener)
}
