/**
 * HTTP/2 for visitors: takes connections whose TLS handshake agreed on `h2`.
 *
 * @module
 */
import type { TLSSocket } from 'node:tls'
import { type Http2Parts, Http2Session } from './http2-session.ts'
import { type Http2Settings, http2Defaults } from './http2-settings.ts'

export interface Http2Deps extends Omit<Http2Parts, 'limits'> {
  readonly limits?: Http2Settings
}

export interface Http2 {
  /** Serves a connection; it is told to the engine, which drains and destroys it at a stop. */
  accept(socket: TLSSocket): void
}

/** Makes the HTTP/2 side of one listener. */
export function createHttp2({ limits = http2Defaults, ...deps }: Http2Deps): Http2 {
  const parts: Http2Parts = { ...deps, limits }
  return {
    accept(socket) {
      try {
        new Http2Session(socket, parts)
      } catch {
        // The connection broke between its handshake and here.
        socket.destroy()
      }
    },
  }
}
