/**
 * The server behind a listener: plain HTTP/1.1, or with certificates TLS, where a visitor chooses between HTTP/2 and
 * HTTP/1.1.
 *
 * @module
 */
import type { Server } from 'node:net'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { Certificates } from '../tls/certificates.ts'
import { createTlsServer } from '../tls/server.ts'
import { Http1Connection } from './http1-connection.ts'
import { type Http2Settings, http2Defaults } from './http2-settings.ts'
import { createReadingServer } from './reading-server.ts'
import type { VisitorEngine } from './visitor-engine.ts'

export interface VisitorServerDeps {
  readonly engine: VisitorEngine
  /** Absent: no TLS, and so no HTTP/2, which no browser speaks without. */
  readonly certificates?: Certificates | undefined
  readonly http2?: Http2Settings | undefined
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>
  readonly metrics: Pick<Metrics, 'refused'>
}

/** What a listener needs of it. */
export interface VisitorServer extends Server {
  /** Connections it took, also those that never said anything. */
  readonly taken: number
  /** Closes connections that are not ready for a request yet. Absent where there are none. */
  dropHandshakes?(): void
}

/** Makes the server; it does not listen yet. HTTP/2 is loaded where it is spoken only: it takes 10 MB. */
export async function createVisitorServer({
  engine,
  certificates,
  http2: limits = http2Defaults,
  log,
  metrics,
}: VisitorServerDeps): Promise<VisitorServer> {
  let taken = 0
  const counting = <S extends Server>(server: S): S & { readonly taken: number } =>
    Object.defineProperty(server, 'taken', { get: () => taken }) as S & { readonly taken: number }
  if (!certificates) {
    return counting(
      createReadingServer((makeSocket) => {
        taken++
        new Http1Connection(makeSocket, engine, false)
      }),
    )
  }
  const { createHttp2 } = await import('./http2.ts')
  const http2 = createHttp2({ engine, limits, log, metrics })
  const server = createTlsServer({
    certificates,
    handshakeTimeoutMs: engine.settings.clientHeadTimeoutMs,
    onConnection(socket) {
      if (socket.alpnProtocol === 'h2') http2.accept(socket)
      else new Http1Connection(() => socket, engine, true)
    },
    onRefused: (reason) => metrics.refused('request', reason),
    log,
  })
  server.on('connection', () => taken++)
  return counting(server)
}
