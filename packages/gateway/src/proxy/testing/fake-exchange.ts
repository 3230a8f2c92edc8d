/**
 * An exchange without a connection: what is written to it stays here, and the test is the visitor.
 *
 * @module
 */

import { RequestHead } from '../../http1/head.ts'
import { parseRequestHead } from '../../http1/request-head.ts'
import { createCompression } from '../compression.ts'
import type { TakenOver } from '../exchange.ts'
import { proxyDefaults } from '../settings.ts'
import { type BodySink, HELD, SENT, type Taken } from '../wire.ts'
import { WireExchange } from '../wire-exchange.ts'

export class FakeExchange extends WireExchange {
  answered = false
  isBlocked = false
  isBodyWhole = false
  /** Every write is held until `drain`. */
  holdsWrites = false
  /** Who reads the body now. */
  sink: BodySink | undefined = undefined
  /** What was done, in order: `head 200 5`, `write 5`, `flush`, `finish`, `inform 100`, `abort`. */
  readonly done: string[] = []
  readonly lines: string[] = []
  body = ''

  /** `request`: a request line, and header lines, without the last line ends. */
  constructor(request = 'GET /a HTTP/1.1', ...lines: string[]) {
    const head = new RequestHead()
    const bytes = Buffer.from([request, 'Host: shop.example', ...lines, '', ''].join('\r\n'))
    if (parseRequestHead(bytes, 0, bytes.length, proxyDefaults, head) <= 0) throw new Error('no request')
    const [path = '', query = ''] = head.target.split('?')
    const facts = {
      id: 'e1',
      startedAt: 0,
      path,
      hasEncodedSlash: false,
      isTargetCanonical: true,
      query: query && `?${query}`,
      authority: 'shop.example',
      host: 'shop.example',
      secure: false,
      client: '127.0.0.1',
      fromTrusted: false,
      isUpgrade: false,
    }
    super(
      facts,
      head,
      { address: '127.0.0.1', connection: {} },
      { compression: createCompression(), ended() {} },
    )
  }

  readBody(sink: BodySink): void {
    this.sink = sink
  }

  holdBody(): void {
    this.sink = undefined
  }

  loseBody(): void {
    this.done.push('lose')
  }

  relayHead(): void {
    throw new Error('nothing is relayed here')
  }

  ownHead(status: number, flat: readonly string[], bodyBytes: number): void {
    if (this.answered) throw new Error('two heads')
    this.answered = true
    this.status = status
    this.lines.push(...flat)
    this.done.push(`head ${status} ${bodyBytes}`)
  }

  write(bytes: Buffer): Taken {
    if (this.isBlocked) throw new Error('written while held')
    this.done.push(`write ${bytes.length}`)
    this.body += bytes.toString('latin1')
    this.isBlocked = this.holdsWrites
    return this.isBlocked ? HELD : SENT
  }

  finish(): void {
    this.done.push('finish')
  }

  flush(): void {
    this.done.push('flush')
    if (!this.isBlocked && this.done.includes('finish')) this.end('finished')
  }

  /** What was held has left. */
  drain(): void {
    this.isBlocked = false
    if (this.done.includes('finish')) this.end('finished')
    else this.onDrain?.()
  }

  inform(status: number): void {
    this.done.push(`inform ${status}`)
  }

  switchProtocols(): never {
    throw new Error('nothing is switched here')
  }

  takeOver(): TakenOver {
    throw new Error('there is no socket here')
  }

  watchPeer(): void {}

  abort(): void {
    this.done.push('abort')
    this.end('aborted')
  }

  /** The visitor goes away. */
  leave(): void {
    this.end('aborted')
  }
}
