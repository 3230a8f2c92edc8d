/**
 * An exchange on `node:http`: one IncomingMessage and its ServerResponse. Only the engine's own files
 * (`listener`, `forward`, `attempt`, `upgrade`) may look inside.
 *
 * @module
 */
import { type IncomingMessage, ServerResponse, validateHeaderName, validateHeaderValue } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Route } from '../routing/route.ts'
import type { Instance } from '../routing/upstream.ts'
import type { Connection, Turn } from './connection.ts'
import type { Exchange, HeaderLines, Peer } from './exchange.ts'
import { requestBody, sendStream } from './fetch-body.ts'

/** What was settled about a request before anything was done with it. */
export interface ExchangeFacts {
  readonly id: string
  readonly startedAt: number
  readonly path: string
  readonly hasEncodedSlash: boolean
  readonly query: string
  readonly authority: string
  readonly host: string
  readonly secure: boolean
  readonly client: string
  readonly fromTrusted: boolean
  readonly isUpgrade: boolean
  readonly headers: HeaderLines
}

/** Request bytes worth reading to keep a connection, when the answer came before them. */
const SMALL_REST_BYTES = 64 * 1024
/** Up to here it is cheaper to copy a body behind its head than to write it by itself. */
const JOINED_BYTES = 8 * 1024
/** How long such a rest may take. */
const SMALL_REST_MS = 2000

export class NodeExchange implements Exchange, Turn {
  readonly id: string
  readonly startedAt: number
  readonly method: string
  readonly path: string
  readonly hasEncodedSlash: boolean
  readonly query: string
  readonly authority: string
  readonly host: string
  readonly secure: boolean
  readonly peer: Peer
  readonly peerAddress: string
  readonly fromTrusted: boolean
  readonly client: string
  readonly headers: HeaderLines
  readonly isUpgrade: boolean
  readonly hasBody: boolean
  route: Route | undefined = undefined
  instance: Instance | undefined = undefined
  visitor: string | undefined = undefined
  attempts = 0
  status = 0

  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly connection: Connection
  /** The visitor speaks HTTP/1.0: no interim answers, no chunks. */
  readonly isHttp10: boolean
  /** Set when the rest of the body can't be read or is not waited for: its connection ends with the answer. */
  isBodyLost = false
  readonly #closeAfter: () => boolean
  readonly #serve: (exchange: NodeExchange) => void
  readonly #upgradeHead: Buffer | undefined
  #added: string[] | undefined = undefined
  #listeners: ((outcome: 'finished' | 'aborted') => void)[] | undefined = undefined
  #outcome: 'finished' | 'aborted' | undefined = undefined
  #isAttached: boolean
  #isTaken = false

  constructor(
    facts: ExchangeFacts,
    incoming: IncomingMessage,
    outgoing: ServerResponse | undefined,
    connection: Connection,
    { serve, closeAfter, upgradeHead }: ExchangeOwner,
  ) {
    this.id = facts.id
    this.startedAt = facts.startedAt
    this.method = incoming.method!
    this.path = facts.path
    this.hasEncodedSlash = facts.hasEncodedSlash
    this.query = facts.query
    this.authority = facts.authority
    this.host = facts.host
    this.secure = facts.secure
    this.peerAddress = connection.address
    this.peer = { address: connection.address, connection }
    this.fromTrusted = facts.fromTrusted
    this.client = facts.client
    this.headers = facts.headers
    this.isUpgrade = facts.isUpgrade
    const length = facts.headers.get('content-length')
    this.hasBody =
      (length !== undefined && length !== '0') || facts.headers.get('transfer-encoding') !== undefined
    this.incoming = incoming
    this.outgoing = outgoing ?? new ServerResponse(incoming)
    this.connection = connection
    this.isHttp10 = incoming.httpVersionMinor === 0
    this.#closeAfter = closeAfter
    this.#serve = serve
    this.#upgradeHead = upgradeHead
    this.#isAttached = outgoing !== undefined
    if (outgoing) outgoing.once('close', () => this.#end(outgoing.writableFinished))
    else connection.socket.once('close', () => this.#end(this.#isTaken || this.outgoing.writableFinished))
    // A visitor who leaves says so here as well; `close` above is what counts.
    incoming.on('error', ignore)
    this.outgoing.on('error', ignore)
  }

  begin(): void {
    this.#serve(this)
  }

  get answered(): boolean {
    return this.#isTaken || this.outgoing.headersSent
  }

  get ended(): boolean {
    return this.#outcome !== undefined
  }

  addHeader(name: string, value: string): void {
    if (!isSendable(name, value)) return
    this.#added ??= []
    this.#added.push(name, value)
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body: string | Uint8Array = ''): void {
    if (this.answered || this.ended) return
    const bytes = typeof body === 'string' ? Buffer.from(body) : body
    const flat: string[] = []
    for (const name of Object.keys(headers)) {
      const value = headers[name]!
      if (name.toLowerCase() !== 'content-length' && isSendable(name, value)) flat.push(name, value)
    }
    if (status !== 204 && status !== 304) flat.push('Content-Length', String(bytes.byteLength))
    this.sendHead(status, undefined, flat)
    if (this.method === 'HEAD' || bytes.byteLength === 0) this.outgoing.end()
    else this.endWith(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  }

  async respond(response: Response): Promise<void> {
    if (this.answered || this.ended) {
      await response.body?.cancel()
      return
    }
    const flat: string[] = []
    for (const [name, value] of response.headers) flat.push(name, value)
    const { status, body } = response
    const isBodiless = this.method === 'HEAD' || status === 204 || status === 304 || body === null
    if (body === null && status !== 204 && status !== 304 && !response.headers.has('content-length')) {
      flat.push('Content-Length', '0')
    }
    this.sendHead(status, response.statusText || undefined, flat)
    if (!isBodiless) return sendStream(body, this)
    this.outgoing.end()
    await body?.cancel()
  }

  toRequest(): Request {
    const headers = new Headers()
    const { flat } = this.headers
    for (let i = 0; i < flat.length; i += 2) headers.append(flat[i]!, flat[i + 1]!)
    const leaving = new AbortController()
    this.onEnd((outcome) => outcome === 'aborted' && leaving.abort())
    const hasBody = this.hasBody && this.method !== 'GET' && this.method !== 'HEAD'
    return new Request(`${this.secure ? 'https' : 'http'}://${this.authority}${this.path}${this.query}`, {
      method: this.method,
      headers,
      signal: leaving.signal,
      redirect: 'manual',
      ...(hasBody ? { body: requestBody(this), duplex: 'half' as const } : {}),
    })
  }

  takeOver() {
    if (!this.isUpgrade || this.answered || this.ended) throw new Error('this exchange has no socket to give')
    this.#isTaken = true
    this.status = 101
    const headers: Record<string, string> = {}
    const { flat } = this.headers
    for (let i = 0; i < flat.length; i += 2) {
      const name = flat[i]!.toLowerCase()
      headers[name] = name in headers ? `${headers[name]}, ${flat[i + 1]!}` : flat[i + 1]!
    }
    const { socket } = this.connection
    socket.setTimeout(0)
    socket.setNoDelay(true)
    return {
      socket: socket as Duplex,
      head: this.#upgradeHead ?? Buffer.alloc(0),
      method: this.method,
      url: this.path + this.query,
      headers,
    }
  }

  abort(): void {
    const { socket } = this.connection
    // After a reset no reader can take what came for the whole, not even where the close is the end.
    if (this.answered && !this.connection.tls) socket.resetAndDestroy()
    else socket.destroy()
  }

  onEnd(listener: (outcome: 'finished' | 'aborted') => void): void {
    if (this.#outcome !== undefined) {
      listener(this.#outcome)
      return
    }
    this.#listeners ??= []
    this.#listeners.push(listener)
  }

  /**
   * Writes the head of the answer with what was added to it; the body is written to `outgoing`.
   * Throws when a line can't be sent; nothing has left then.
   */
  sendHead(status: number, reason: string | undefined, flat: string[]): void {
    const lines = this.#added ? flat.concat(this.#added) : flat
    lines.push('X-Request-Id', this.id)
    this.#attach()
    const leavesRest = this.#leavesRest()
    if (leavesRest || this.isUpgrade || this.#closeAfter()) this.outgoing.shouldKeepAlive = false
    if (reason === undefined) this.outgoing.writeHead(status, lines)
    else this.outgoing.writeHead(status, reason, lines)
    this.connection.mustLinger = leavesRest || this.isUpgrade
    this.status = status
  }

  /** Ends the answer with its last bytes; a small whole body leaves together with its head. */
  endWith(chunk: Buffer): void {
    const { outgoing } = this
    if (chunk.length > JOINED_BYTES || !outgoing.socket) {
      outgoing.end(chunk)
      return
    }
    // Head and body as one string are one write of one piece. As two pieces they cost half as much again.
    outgoing.write(chunk.toString('latin1'), 'latin1')
    outgoing.socket.uncork()
    outgoing.end()
  }

  /** The head of a 101 as text, for the socket that `takeOver` gives: it never passes through `outgoing`. */
  switchHead(reason: string, flat: readonly string[]): string {
    const lines = flat.concat(this.#added ?? [], 'X-Request-Id', this.id)
    let text = `HTTP/1.1 101 ${reason}\r\n`
    for (let i = 0; i < lines.length; i += 2) text += `${lines[i]}: ${lines[i + 1]}\r\n`
    return `${text}\r\n`
  }

  /** Passes an interim answer on. */
  inform(status: number, flat: readonly string[]): void {
    if (this.isHttp10 || this.answered || this.ended || this.isUpgrade) return
    if (status === 100) this.outgoing.writeContinue()
    else this.outgoing.writeInformation(status, flat as string[])
  }

  /** True when the answer can't wait for the rest of the request: the connection has to end then. */
  #leavesRest(): boolean {
    const { incoming } = this
    if (!this.hasBody || incoming.complete || this.isUpgrade) return false
    if (this.isBodyLost) return true
    if (Number(this.headers.get('content-length') ?? Number.POSITIVE_INFINITY) > SMALL_REST_BYTES) return true
    const timer = setTimeout(() => incoming.complete || this.connection.socket.destroy(), SMALL_REST_MS)
    timer.unref()
    this.outgoing.once('close', () => incoming.complete && clearTimeout(timer))
    return false
  }

  /** The answer to a refused handshake: `node:http` has given the socket away by then, so it is tied back. */
  #attach(): void {
    if (this.#isAttached) return
    this.#isAttached = true
    const { socket } = this.connection
    this.outgoing.assignSocket(socket)
    socket.on('drain', () => this.outgoing.emit('drain'))
    this.outgoing.once('finish', () => {
      this.outgoing.detachSocket(socket)
      this.connection.linger()
    })
  }

  #end(isWhole: boolean): void {
    if (this.#outcome !== undefined) return
    this.#outcome = isWhole ? 'finished' : 'aborted'
    // What is left of the request is thrown away, so that it does not stand before the next one.
    if (this.hasBody && !this.incoming.readableEnded) this.incoming.resume()
    const listeners = this.#listeners
    this.#listeners = undefined
    if (listeners) for (const listener of listeners) listener(this.#outcome)
    this.connection.next()
  }
}

/** How an exchange is served once its turn has come. */
export interface ExchangeOwner {
  readonly serve: (exchange: NodeExchange) => void
  /** True while the gateway stops: the answer is the last of its connection. */
  readonly closeAfter: () => boolean
  /** Bytes that came behind the head of an upgrade. */
  readonly upgradeHead?: Buffer
}

/** The engine's side of an exchange. */
export function nodeExchange(exchange: Exchange): NodeExchange {
  if (exchange instanceof NodeExchange) return exchange
  throw new TypeError('this exchange belongs to another engine')
}

function isSendable(name: string, value: string): boolean {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
    return true
  } catch {
    return false
  }
}

function ignore(): void {}
