/**
 * One connection of a visitor: its exchanges one after the other, however many were sent ahead, and an end
 * that does not destroy the last answer.
 *
 * @module
 */
import type { Socket } from 'node:net'

/** What waits its turn on a connection. */
export interface Turn {
  begin(): void
}

/** How long what a visitor still sends is thrown away after an answer that did not wait for it. */
const LINGER_MS = 1000
/** Requests that may be sent ahead of their answers. */
const MAX_WAITING = 64

export class Connection {
  readonly socket: Socket
  /** Address of the peer, fixed here: a closed socket has none. */
  readonly address: string
  readonly tls: boolean
  /** Set while an answer leaves unread request bytes behind. */
  mustLinger = false
  /** Nothing that arrives from now on is served. */
  isEnding = false
  /** Set once bytes came that are no request; what follows them can't be told apart. */
  isGarbled = false
  #current: Turn | undefined
  readonly #waiting: Turn[] = []
  #afterwards: (() => void) | undefined

  constructor(socket: Socket, address: string, tls: boolean) {
    this.socket = socket
    this.address = address
    this.tls = tls
    // An answer followed by a close while the visitor still sends would be destroyed by the reset it
    // provokes (RFC 9112, 9.6): say goodbye, then read on for a moment. `node:http` closes through here.
    const close = socket.destroySoon.bind(socket)
    socket.destroySoon = () => (this.mustLinger ? this.linger() : close())
    socket.once('close', () => {
      this.#waiting.length = 0
      this.#afterwards = undefined
    })
  }

  get isBusy(): boolean {
    return this.#current !== undefined
  }

  get current(): Turn | undefined {
    return this.#current
  }

  /** Begins a turn now or when those before it have ended. */
  enqueue(turn: Turn): void {
    if (this.isEnding || this.#afterwards) return
    if (!this.#current) {
      this.#current = turn
      turn.begin()
    } else if (this.#waiting.length < MAX_WAITING) this.#waiting.push(turn)
    else this.socket.destroy()
  }

  /** The current turn has ended. */
  next(): void {
    this.#current = undefined
    if (this.socket.destroyed) return
    const turn = this.#waiting.shift()
    if (turn) {
      this.#current = turn
      turn.begin()
    } else if (this.#afterwards) {
      this.#afterwards()
      this.#afterwards = undefined
    }
  }

  /** Runs once everything that was asked has been answered; nothing more is served then. */
  afterwards(run: () => void): void {
    if (this.#current) this.#afterwards = run
    else run()
  }

  /** Ends our side, discards what still arrives for a moment, then closes. */
  linger(): void {
    const { socket } = this
    this.isEnding = true
    socket.end()
    // The visitor has said goodbye already: there is nothing to read on for.
    if (socket.readableEnded) {
      socket.once('finish', () => socket.destroy())
      return
    }
    socket.resume()
    const timer = setTimeout(() => socket.destroy(), LINGER_MS)
    timer.unref()
    socket.once('end', () => socket.destroy())
    socket.once('close', () => clearTimeout(timer))
  }
}
