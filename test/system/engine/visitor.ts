/**
 * A visitor on a raw socket who keeps what he gets.
 *
 * @module
 */
import { connect, type Socket } from 'node:net'

export interface Visitor {
  readonly socket: Socket
  /** Everything so far, latin1. */
  readonly text: string
  readonly isClosed: boolean
  /** Waits until something is true, the connection closed, or 5 s passed. Rejects when `isTrue` throws. */
  until(isTrue: () => boolean): Promise<void>
}

const PATIENCE_MS = 5000

/** Opens a connection to a port of this machine. */
export function openVisitor(port: number): Visitor {
  const socket = connect({ port, host: '127.0.0.1' }).setNoDelay(true)
  let text = ''
  let isClosed = false
  let look = () => {}
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    look()
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    isClosed = true
    look()
  })
  return {
    socket,
    get text() {
      return text
    },
    get isClosed() {
      return isClosed
    },
    until: (isTrue) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, PATIENCE_MS)
        look = () => {
          try {
            if (!isClosed && !isTrue()) return
            clearTimeout(timer)
            resolve()
          } catch (error) {
            clearTimeout(timer)
            reject(error)
          }
        }
        look()
      }),
  }
}

/** Text for the message of a test that failed. */
export function show(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}
