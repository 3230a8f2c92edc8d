/**
 * RSocket over WebSocket at `/h/rsocket`: every binary message is one frame.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { ERROR_CODES, MAX_FRAME_BYTES, RSocketError } from '@hydra-gateway/protocol/rsocket'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../../observe/clock.ts'
import { type Accept, type Accepted, GOODBYE_MS, type Wire } from './carrier.ts'

/** An upgrade request whose connection is ours now, as `Exchange.takeOver()` gives it. */
export interface Upgrade {
  readonly socket: Duplex
  readonly head: Buffer
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export interface UpgraderDeps {
  readonly accept: Accept
  /** Of strangers. Answers of services that are known may have all that a frame can have. */
  readonly maxFrameBytes: number
  readonly clock: Clock
  readonly onRefused: (peerAddress: string, reason: string) => void
}

/** Makes what answers upgrade requests. */
export function createUpgrader({ accept, maxFrameBytes, clock, onRefused }: UpgraderDeps): {
  handle(upgrade: Upgrade, peerAddress: string): void
} {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
  })
  const peers = new WeakMap<Duplex, string>()
  server.on('wsClientError', (error: Error, socket: Duplex) => {
    onRefused(peers.get(socket) ?? '', 'bad-handshake')
    const body = `${error.message}\n`
    socket.end(
      `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    clock.after(GOODBYE_MS, () => socket.destroy())
  })

  return {
    handle({ socket, head, method, url, headers }, peerAddress) {
      peers.set(socket, peerAddress)
      const lowerCase = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
      )
      // The four members of a request that ws looks at.
      const request = { method, url, headers: lowerCase, socket } as unknown as IncomingMessage
      server.handleUpgrade(request, socket, head, (webSocket) => {
        const accepted = carry(webSocket, peerAddress, accept, clock)
        if (accepted) boundStranger(socket, webSocket, accepted, maxFrameBytes)
      })
    },
  }
}

const { CONNECTION_ERROR } = ERROR_CODES
/** What a stranger's first frame is led by. */
const WEBSOCKET_HEAD_BYTES = 14

/** ws has one limit for the life of a connection; until its keys were right, all that came together is bounded. */
function boundStranger(
  socket: Duplex,
  webSocket: WebSocket,
  accepted: Accepted,
  maxFrameBytes: number,
): void {
  let left = maxFrameBytes + WEBSOCKET_HEAD_BYTES
  const count = (chunk: Buffer): void => {
    left -= chunk.length
    if (accepted.isKnown() || !accepted.isOpen()) socket.off('data', count)
    else if (left < 0) {
      socket.off('data', count)
      const text = `a frame here may have ${maxFrameBytes} bytes`
      webSocket.close(1009)
      accepted.refuse('frame-too-large', new RSocketError(CONNECTION_ERROR, text, 'HYDRA_TOO_LARGE'))
    }
  }
  socket.on('data', count)
}

function carry(
  webSocket: WebSocket,
  peerAddress: string,
  accept: Accept,
  clock: Clock,
): Accepted | undefined {
  const wire: Wire = {
    send: (frame) => webSocket.send(frame, { binary: true }),
    end() {
      webSocket.close(1000)
      clock.after(GOODBYE_MS, () => webSocket.terminate())
    },
    pendingBytes: () => webSocket.bufferedAmount,
    destroy: () => webSocket.terminate(),
  }
  webSocket.on('error', (error) => accepted && onError(error, accepted))
  const accepted = accept(peerAddress, wire)
  if (!accepted) {
    webSocket.terminate()
    return undefined
  }
  webSocket.on('message', (data: Buffer, isBinary) => {
    if (!accepted.isOpen()) return
    if (isBinary) return accepted.receive(data)
    accepted.refuse('malformed-frame', new RSocketError(CONNECTION_ERROR, 'frames are binary messages'))
  })
  webSocket.on('close', accepted.gone)
  // Refused already: what it still sends is not worth gathering.
  if (!accepted.isOpen()) webSocket.pause()
  return accepted
}

/** ws found something wrong and is closing; its codes say whether the peer broke a rule or the link broke. */
function onError(error: Error & { code?: string }, accepted: Accepted) {
  if (!error.code?.startsWith('WS_ERR_')) return accepted.lost(error.message)
  const tooLarge = error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'
  const refusal = new RSocketError(CONNECTION_ERROR, error.message, tooLarge ? 'HYDRA_TOO_LARGE' : undefined)
  accepted.refuse(tooLarge ? 'frame-too-large' : 'malformed-frame', refusal)
}
