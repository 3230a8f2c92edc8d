/**
 * A server that speaks TLS only: hands over connections once their handshake is done, and says what was wrong with
 * those whose handshake was not.
 *
 * @module
 */
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { plainAddress } from '@hydra-gateway/protocol'
import type { Log } from '../observe/log.ts'
import type { Certificates } from './certificates.ts'
import { TLS_RULES } from './pair.ts'

export interface TlsServerDeps {
  readonly certificates: Certificates
  /** How long a handshake may take, ms. */
  readonly handshakeTimeoutMs: number
  /** A connection that is ready; `socket.alpnProtocol` is what was agreed on: `h2`, `http/1.1`, or false for neither. */
  readonly onConnection: (socket: TLSSocket) => void
  /** A handshake failed, by reason (a short constant word). */
  readonly onRefused: (reason: string) => void
  readonly log: Pick<Log, 'info' | 'debug'>
}

export interface TlsServer extends Server {
  /** Closes connections whose handshake is not done: they asked for nothing yet, and a stop would wait for them. */
  dropHandshakes(): void
}

/** What browsers are offered, the better one first. */
const PROTOCOLS = ['h2', 'http/1.1']

/** Makes the server; it listens where it is told to, as any other. */
export function createTlsServer(deps: TlsServerDeps): TlsServer {
  const { certificates, handshakeTimeoutMs, onConnection, onRefused, log } = deps
  const server = createServer({
    ALPNProtocols: PROTOCOLS,
    SNICallback: (name, done) => done(null, certificates.secureContextFor(name)),
    handshakeTimeout: handshakeTimeoutMs,
    ...TLS_RULES,
    allowHalfOpen: true,
    noDelay: true,
  })
  certificates.keepCurrent(server)
  /** By the other end, which a connection has in common with the one inside it. */
  const handshakes = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const key = endOf(socket)
    handshakes.set(key, socket)
    socket.once('close', () => {
      if (handshakes.get(key) === socket) handshakes.delete(key)
    })
  })
  server.on('secureConnection', (socket) => {
    handshakes.delete(endOf(socket))
    onConnection(socket)
  })
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const reason = reasonOf(error)
    const client = plainAddress(socket.remoteAddress ?? 'unknown')
    socket.destroy()
    // Who leaves before saying anything is looking whether the port is open.
    if (reason === undefined) return
    onRefused(reason)
    if (reason === 'plain-http') log.info({ client, reason }, 'plain HTTP at a port that speaks TLS')
    else log.debug({ client, reason, err: error.message }, 'TLS handshake failed')
  })
  return Object.assign(server, {
    dropHandshakes() {
      for (const socket of handshakes.values()) socket.destroy()
    },
  })
}

function endOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

function reasonOf({ code = '' }: NodeJS.ErrnoException): string | undefined {
  if (code === 'ERR_SSL_HTTP_REQUEST') return 'plain-http'
  if (code === 'ERR_TLS_HANDSHAKE_TIMEOUT') return 'tls-timeout'
  if (code === 'ECONNRESET' || code === 'EPIPE') return undefined
  return 'tls-handshake'
}
