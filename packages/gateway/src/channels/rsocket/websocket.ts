/**
 * RSocket over WebSocket at `/h/rsocket`: every binary message is one frame.
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import { ERROR_CODES, MAX_FRAME_BYTES, RSocketError, sendTogether } from '@hydra-gateway/protocol/rsocket'
import type { WebSocket } from 'ws'
import type { Clock } from '../../observe/clock.ts'
import type { TakenOver } from '../../proxy/exchange.ts'
import { createWebSockets } from '../../proxy/websockets.ts'
import { type Accept, type Accepted, GOODBYE_MS, type Wire } from './carrier.ts'

export interface UpgraderDeps {
  readonly accept: Accept
  /** Of strangers. Answers of services that are known may have all that a frame can have. */
  readonly maxFrameBytes: number
  readonly clock: Clock
  readonly onRefused: (peerAddress: string, reason: string) => void
}

/** Makes what answers upgrade requests. */
export function createUpgrader({ accept, maxFrameBytes, clock, onRefused }: UpgraderDeps): {
  handle(upgrade: TakenOver, peerAddress: string, wasCutHere?: () => boolean): void
} {
  const peers = new WeakMap<Duplex, string>()
  const open = createWebSockets({
    maxBytes: MAX_FRAME_BYTES,
    clock,
    onRefused: (socket) => onRefused(peers.get(socket) ?? '', 'bad-handshake'),
  })

  return {
    handle(upgrade, peerAddress, wasCutHere) {
      const { socket } = upgrade
      peers.set(socket, peerAddress)
      open(upgrade, (webSocket) => {
        const accepted = carry(webSocket, socket, peerAddress, accept, clock, wasCutHere)
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
  socket: Duplex,
  peerAddress: string,
  accept: Accept,
  clock: Clock,
  wasCutHere: Wire['wasCutHere'],
): Accepted | undefined {
  const hold = sendTogether(socket)
  const wire: Wire = {
    ...(wasCutHere ? { wasCutHere } : {}),
    send(frame) {
      hold()
      webSocket.send(frame, { binary: true })
    },
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
