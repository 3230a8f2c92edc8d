/**
 * One socket of a client: text frames in, text frames out, within its limits. What frames mean is decided elsewhere
 * (`frames.ts`).
 *
 * @module
 */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../observe/clock.ts'
import { CLOSE_CODES, type ClientLine } from './client-session.ts'
import type { MessageSettings } from './settings.ts'
import { textFrame } from './text-frame.ts'

/** What all sockets of a node share. */
export interface SocketHost {
  readonly settings: Pick<MessageSettings, 'burst' | 'perSecond' | 'maxBehindBytes'>
  readonly clock: Pick<Clock, 'monotonic' | 'after'>
  /** A text frame. A promise holds back others beyond `MOST_IN_FLIGHT`. */
  onText(socket: ClientSocket, text: string): void | Promise<void>
  /** A frame above the rate: it is not looked at. */
  onTooMany(socket: ClientSocket, text: string): void
  /** A text of so many characters is on its way to a client. */
  onSent(characters: number): void
  /** So many bytes more have come, or fewer are left, of messages that are not whole. */
  onUnfinished(bytes: number): void
  /** It is closed. `code`: what we said, 0 when it went by itself. */
  onClosed(socket: ClientSocket, code: number): void
}

/** Frames of one client that are worked at: beyond, nothing more is read. */
const MOST_IN_FLIGHT = 64
/** What a frame costs of the rate: one for each of these that it begins. */
const BYTES_PER_TOKEN = 16 * 1024
/** Of a frame without what it carries: clients mask theirs. */
const CONTROL_HEAD_BYTES = 6
/** How long a goodbye may take. */
export const GOODBYE_MS = 2000

/** What we said when ws itself finds something wrong, by its words. */
const FAULT_CODES: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CLOSE_CODES.invalidText,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CLOSE_CODES.tooLarge,
}

export class ClientSocket implements ClientLine {
  readonly address: string
  /** It said something since it was pinged. */
  isAlive = true
  /** Where in the round of pings it is. */
  part = 0
  readonly #host: SocketHost
  readonly #webSocket: WebSocket
  /** What `#webSocket` writes to. */
  readonly #stream: Duplex
  /** What is left of the burst, as of `#refilledAt`. Below 0: frames that were refused. */
  #allowance: number
  #refilledAt: number
  /** What has come and is no whole message yet; what came together with the end of one is not in it. */
  #unfinished = 0
  #inFlight = 0
  #isPaused = false
  /** What we said goodbye with. */
  #code = 0
  #isClosing = false

  /** `stream` is what the WebSocket reads from and writes to. */
  constructor(host: SocketHost, webSocket: WebSocket, stream: Duplex, address: string) {
    this.#host = host
    this.#webSocket = webSocket
    this.#stream = stream
    this.address = address
    this.#allowance = host.settings.burst
    this.#refilledAt = host.clock.monotonic()
    // Before ws reads it.
    stream.prependListener('data', (piece: Buffer) => this.#came(piece.length))
    webSocket.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage(data, isBinary))
    webSocket.on('pong', (data: Buffer) => this.#onControl(data))
    webSocket.on('ping', (data: Buffer) => this.#onControl(data))
    // ws says goodbye by itself where its peer broke a rule.
    webSocket.on('error', (error: Error & { code?: string }) => {
      if (!this.#isClosing) this.#code = FAULT_CODES[error.code ?? ''] ?? 0
      this.#isClosing = true
      this.#cutLater()
    })
    webSocket.on('close', () => {
      this.#came(-this.#unfinished)
      host.onClosed(this, this.#code)
    })
  }

  get isOpen(): boolean {
    return !this.#isClosing && this.#webSocket.readyState === this.#webSocket.OPEN
  }

  /** We ended it: what else it said is not looked at. */
  get isCut(): boolean {
    return this.#isClosing
  }

  get behindBytes(): number {
    return this.#stream.writableLength
  }

  get unfinishedBytes(): number {
    return this.#unfinished
  }

  send(text: string, onSettled?: (isSent: boolean) => void): boolean {
    if (!this.isOpen) return false
    const stream = this.#stream
    // What waited before counts: one large message alone is nobody's fault.
    if (stream.writableLength > this.#host.settings.maxBehindBytes) {
      this.close(CLOSE_CODES.tooSlow, 'too slow: messages wait longer than they may')
      return false
    }
    this.#host.onSent(text.length)
    // Past ws, which writes head and text each by itself: without compression it keeps nothing back that could be overtaken.
    if (onSettled) stream.write(textFrame(text), (error) => onSettled(!error))
    else stream.write(textFrame(text))
    return true
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return
    this.#isClosing = true
    this.#code = code
    this.#webSocket.close(code, reason)
    // What it still sends is not looked at, but its own goodbye has to be read.
    if (this.#isPaused) this.#webSocket.resume()
    this.#cutLater()
  }

  /** Says goodbye to one that would go on with what it began: nothing is waited for. */
  cutUnfinished(): void {
    this.close(CLOSE_CODES.tryLater, 'too much of messages that are not whole has come')
    this.#webSocket.terminate()
  }

  /** Ends it without a word. */
  cut(): void {
    this.#isClosing = true
    this.#webSocket.terminate()
  }

  ping(): void {
    if (this.isOpen) this.#webSocket.ping()
  }

  #cutLater(): void {
    this.#host.clock.after(GOODBYE_MS, () => this.#webSocket.terminate())
  }

  /**
   * Costs as a frame of text does. Between the pieces of a message such frames would be free otherwise, and what was read
   * together with a piece stays in memory as long as the piece does.
   */
  #onControl({ length }: Buffer): void {
    this.isAlive = true
    this.#came(-Math.min(this.#unfinished, CONTROL_HEAD_BYTES + length))
    if (this.#isAllowed(0)) return
    if (!this.#isClosing) this.#cutFlood()
    // Its goodbye would be waited for while it sends on.
    else if (this.#allowance < -2 * this.#host.settings.burst) this.#webSocket.terminate()
  }

  #came(bytes: number): void {
    this.#unfinished += bytes
    this.#host.onUnfinished(bytes)
  }

  /** Whether it went on when it was refused already. */
  #cutFlood(): boolean {
    if (this.#allowance >= -this.#host.settings.burst) return false
    this.close(CLOSE_CODES.throttled, 'too many messages')
    return true
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#came(-this.#unfinished)
    if (this.#isClosing) return
    this.isAlive = true
    if (isBinary) {
      this.close(CLOSE_CODES.unsupported, 'messages are text frames')
      return
    }
    const text = data.toString()
    if (!this.#isAllowed(data.length)) {
      if (!this.#cutFlood()) this.#host.onTooMany(this, text)
      return
    }
    const working = this.#host.onText(this, text)
    if (!working) return
    this.#inFlight++
    if (this.#inFlight >= MOST_IN_FLIGHT && !this.#isPaused) {
      this.#isPaused = true
      this.#webSocket.pause()
    }
    void working.finally(() => this.#done())
  }

  #done(): void {
    this.#inFlight--
    if (!this.#isPaused || this.#inFlight >= MOST_IN_FLIGHT / 2) return
    this.#isPaused = false
    this.#webSocket.resume()
  }

  /** A token bucket. Frames that are refused cost too, so that whoever goes on is cut in the end. */
  #isAllowed(bytes: number): boolean {
    const { settings, clock } = this.#host
    const now = clock.monotonic()
    const refilled = this.#allowance + ((now - this.#refilledAt) / 1000) * settings.perSecond
    this.#refilledAt = now
    this.#allowance = Math.min(settings.burst, refilled) - Math.max(1, Math.ceil(bytes / BYTES_PER_TOKEN))
    return this.#allowance >= 0
  }
}
