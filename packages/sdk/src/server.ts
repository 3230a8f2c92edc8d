/**
 * A Node server, watched: when it listens, what it is busy with, and how to end it without losing a request.
 *
 * Knows nothing of the gateway: the client first takes the service out of rotation, then asks this to finish.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

// biome-ignore lint/suspicious/noExplicitAny: each kind of server declares its own overloads; any will do
type Listen = (event: any, listener: (...args: any[]) => void) => unknown

/** A server of `node:http`, `node:https` or `node:http2`. */
export interface NodeServer {
  readonly listening: boolean
  address(): AddressInfo | string | null
  close(done?: (error?: Error) => void): unknown
  on: Listen
  off: Listen
  once: Listen
  prependListener: Listen
  // biome-ignore lint/suspicious/noExplicitAny: as for listeners
  emit: (event: any, ...args: any[]) => boolean
  listenerCount(event: string): number
  closeIdleConnections?(): void
  closeAllConnections?(): void
}

/** Where an app listens. `address` is absent when any address of this machine will do. */
export interface Listening {
  readonly port: number
  readonly address?: string
}

/** Answers some requests; true for those. */
export type RequestDoor = (request: IncomingMessage, answer: ServerResponse) => boolean

export interface WatchedServer {
  /** Resolves once the server listens; rejects when it does so where no gateway can reach it. */
  readonly listening: Promise<Listening>
  /** Requests being answered now, streams of events left out. */
  busy(): number
  /** Shows every request to `door` before the app sees it; those it answers, which it says, the app never sees. */
  serveFirst(door: RequestDoor): void
  /** Calls back when the server was closed by somebody else. */
  onClosed(listener: () => void): void
  /**
   * Answers what was begun, then closes: WebSockets are told at once (1012, service restart), requests may
   * take until `graceMs` have passed, then whatever is left is cut.
   */
  finish(graceMs: number): Promise<void>
}

/**
 * How long nothing must arrive before the server closes. What the gateway sent before it took the service out
 * of rotation may still be on its way.
 */
const QUIET_MS = 100

/** A WebSocket Close frame from server to client with the code 1012 (RFC 6455 5.5.1, IANA: service restart). */
const CLOSE_1012 = Buffer.from([0x88, 0x02, 0x03, 0xf4])

/** Watches a server. `close` replaces its own `close` when a framework has a better one. */
export function watchServer(server: NodeServer, close?: () => Promise<unknown>): WatchedServer {
  const answers = new Set<ServerResponse>()
  const upgraded = new Set<Duplex>()
  const connections = new Set<Duplex>()
  let finishing = false
  let lastEndAt = 0

  server.prependListener('connection', (socket: Duplex) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  const track = (_request: IncomingMessage, answer: ServerResponse) => {
    answers.add(answer)
    // The gateway keeps connections for later requests; none shall come on one that is about to close.
    if (finishing) answer.shouldKeepAlive = false
    answer.once('close', () => {
      answers.delete(answer)
      lastEndAt = performance.now()
    })
  }
  server.prependListener('request', track)
  onUpgrade(server, (socket) => {
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
  })

  const busy = () => {
    let count = 0
    for (const answer of answers) if (!isEventStream(answer)) count++
    return count
  }

  const cutEventStreams = () => {
    // Destroyed rather than ended: an app that goes on writing to it is not thrown at.
    for (const answer of answers) if (isEventStream(answer)) answer.destroy()
  }

  return {
    listening: new Promise((resolve, reject) => {
      const listens = () => {
        const address = server.address()
        if (address && typeof address === 'object') resolve({ port: address.port, address: address.address })
        else reject(new Error('the server listens on a socket file; the gateway needs a port'))
      }
      if (server.listening) listens()
      else server.once('listening', listens)
    }),
    busy,
    serveFirst(door) {
      // Where every framework gets its requests from, and before any of its parts: a body parser would have read the
      // body, and a sign-in would ask the gateway for a session. Listeners can't keep a request from one another.
      const emit = server.emit
      server.emit = function (this: NodeServer, event, ...args) {
        if (event === 'request' || event === 'checkContinue') {
          const [request, answer] = args as [IncomingMessage, ServerResponse]
          if (door(request, answer)) {
            if (event === 'checkContinue' && !answer.headersSent) answer.writeContinue()
            track(request, answer)
            return true
          }
        }
        return emit.call(this, event, ...args)
      }
    },
    onClosed(listener) {
      server.once('close', () => {
        if (!finishing) listener()
      })
    },
    async finish(graceMs) {
      finishing = true
      const deadline = performance.now() + graceMs
      for (const socket of upgraded) if (!socket.writableEnded) socket.end(CLOSE_1012)
      lastEndAt = performance.now()
      while (performance.now() < deadline) {
        if (busy() === 0 && performance.now() - lastEndAt >= QUIET_MS) break
        await delay(10)
      }
      cutEventStreams()
      const closed = close ? close() : closeServer(server)
      server.closeIdleConnections?.()
      const cut = setTimeout(
        () => {
          server.closeAllConnections?.()
          for (const socket of connections) socket.destroy()
        },
        Math.max(0, deadline - performance.now()),
      )
      await closed
      clearTimeout(cut)
    },
  }
}

function closeServer(server: NodeServer): Promise<void> {
  // The only error is that the server isn't running, which is what was wanted.
  return new Promise((resolve) => server.close(() => resolve()))
}

/**
 * Listens to upgrades only where the app does: a server without such a listener answers them as plain
 * requests, one with a listener leaves them to it.
 */
function onUpgrade(server: NodeServer, seen: (socket: Duplex) => void): void {
  const upgrade = (_request: IncomingMessage, socket: Duplex) => seen(socket)
  if (server.listenerCount('upgrade') > 0) {
    server.on('upgrade', upgrade)
    return
  }
  const watch = (event: string) => {
    if (event !== 'upgrade') return
    server.off('newListener', watch)
    server.on('upgrade', upgrade)
  }
  server.on('newListener', watch)
}

function isEventStream(answer: ServerResponse): boolean {
  if (!answer.headersSent) return false
  const type = answer.getHeader('content-type')
  if (type !== undefined) return String(type).startsWith('text/event-stream')
  // Headers given to writeHead are kept in the text of the head only.
  const head = (answer as { _header?: unknown })._header
  return typeof head === 'string' && /^content-type: *text\/event-stream/im.test(head)
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
