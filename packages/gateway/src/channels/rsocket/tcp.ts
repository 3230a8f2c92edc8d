/**
 * RSocket over TCP: every frame led by its length in three bytes.
 *
 * @module
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { plainAddress } from '@hydra-gateway/protocol'
import {
  createFrameReader,
  MAX_FRAME_BYTES,
  type RSocketError,
  sendTogether,
  withLength,
} from '@hydra-gateway/protocol/rsocket'
import type { Clock } from '../../observe/clock.ts'
import type { Log } from '../../observe/log.ts'
import { type Accept, GOODBYE_MS, type Wire } from './carrier.ts'

export interface TcpListener {
  readonly port: number
  /** Takes no more connections; resolves when the open ones have ended. */
  close(): Promise<void>
}

export interface TcpDeps {
  readonly port: number
  readonly host: string | undefined
  /** A socket that listens already, opened by somebody else. */
  readonly fd?: number | undefined
  readonly accept: Accept
  /** Of strangers. Answers of services that are known may have all that a frame can have. */
  readonly maxFrameBytes: number
  readonly clock: Clock
  readonly log: Log
}

/** All services of a large site may come back at once. */
const BACKLOG = 4096

/** Opens the port. Rejects when it can't be had. */
export function listenTcp({
  port,
  host,
  fd,
  accept,
  maxFrameBytes,
  clock,
  log,
}: TcpDeps): Promise<TcpListener> {
  const server = createServer({ noDelay: true }, (socket) => carry(socket, { accept, maxFrameBytes, clock }))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Twice: of a file descriptor's options it is not read.
    server.listen({ ...(fd === undefined ? { port, host } : { fd }), backlog: BACKLOG }, BACKLOG, () => {
      server.off('error', reject)
      // Out of file descriptors, for one: those that are connected stay.
      server.on('error', (error) => log.error({ err: error }, 'RSocket port: no connection accepted'))
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () => new Promise((closed) => server.close(() => closed())),
      })
    })
  })
}

function carry(
  socket: Socket,
  { accept, maxFrameBytes, clock }: Pick<TcpDeps, 'accept' | 'maxFrameBytes' | 'clock'>,
): void {
  const hold = sendTogether(socket)
  const wire: Wire = {
    send(frame) {
      hold()
      socket.write(withLength(frame))
    },
    end() {
      socket.end()
      clock.after(GOODBYE_MS, () => socket.destroy())
    },
    pendingBytes: () => socket.writableLength,
    destroy: () => socket.destroy(),
  }
  // A socket without a listener for errors ends the process; one that is refused has none of its own.
  socket.on('error', (error) => accepted?.lost(error.message))
  const accepted = accept(plainAddress(socket.remoteAddress ?? ''), wire)
  if (!accepted) return void socket.destroy()
  const reader = createFrameReader({
    maxFrameBytes: () => (accepted.isKnown() ? MAX_FRAME_BYTES : maxFrameBytes),
    onFrame: accepted.receive,
    isOpen: accepted.isOpen,
  })
  socket.on('data', (chunk) => {
    // What comes after the end is read and dropped: closing with unread bytes would lose the reason on its way.
    if (!accepted.isOpen()) return
    try {
      reader.push(chunk)
    } catch (error) {
      accepted.refuse('frame-too-large', error as RSocketError)
    }
  })
  socket.on('end', () => accepted.lost('the service closed the connection'))
  socket.on('close', accepted.gone)
}
