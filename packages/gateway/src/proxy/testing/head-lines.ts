/**
 * Header lines as the engine passes them on, for tests that think in lines: they are put together in bytes, read and
 * written by the engine's own parts, and read back.
 *
 * @module
 */
import { FAULTS } from '../../http1/faults.ts'
import { type HeadLimits, RequestHead, ResponseHead } from '../../http1/head.ts'
import { parseRequestHead } from '../../http1/request-head.ts'
import { parseResponseHead } from '../../http1/response-head.ts'
import { Slab } from '../../http1/slab.ts'
import type { Instance } from '../../routing/upstream.ts'
import type { HeaderLines } from '../exchange.ts'
import type { Http1Connection } from '../http1-connection.ts'
import { Http1Exchange } from '../http1-exchange.ts'
import { putRequestHead } from '../request-lines.ts'
import { proxyDefaults } from '../settings.ts'
import { findTrace } from '../trace.ts'

/** What is true of a request beside its lines. */
export interface RequestFacts {
  readonly id: string
  readonly method: string
  /** Without a Content-Length among the lines, it comes in chunks. */
  readonly hasBody: boolean
  readonly isUpgrade: boolean
  readonly peerAddress: string
  readonly fromTrusted: boolean
  readonly secure: boolean
  /** What the gateway took for the authority; the Host line of a request that has none. */
  readonly authority: string
  readonly headers: HeaderLines
  /** What the instance is told of who calls. */
  readonly loginCookie?: string
  readonly loginHeader?: string
}

/** Written heads are longer than what came. */
const LIMITS: HeadLimits = { maxHeadBytes: 64 * 1024, maxHeaderLines: 1000, maxTargetBytes: 8192 }

/** Why the codec refuses such a request, in its word; undefined for one it accepts. */
export function refusalOf(facts: RequestFacts): string | undefined {
  const bytes = requestBytes(facts)
  const end = parseRequestHead(bytes, 0, bytes.length, LIMITS, new RequestHead())
  return end < 0 ? FAULTS[-end]!.word : undefined
}

/** The header lines of a request towards an instance, Host first. Throws when the codec refuses what was asked. */
export function requestHeaders(
  facts: RequestFacts,
  instance: Pick<Instance, 'service' | 'channel' | 'hostHeader' | 'cookiePrefix'>,
): string[] {
  const { exchange, slab } = exchangeOf(readRequest(requestBytes(facts)), facts)
  exchange.loginCookie = facts.loginCookie
  exchange.loginHeader = facts.loginHeader
  putRequestHead(slab, exchange, instance, '/a')
  return readRequest(slab.end()).flat()
}

/**
 * The header lines of an answer of an instance on their way to the visitor, without the id and without any framing
 * but its length.
 */
export function answerHeaders(
  lines: HeaderLines,
  status: number,
  channel: Instance['channel'],
  isUpgrade = false,
  cookiePrefix?: string,
): string[] {
  const answer = readAnswer(headBytes(`HTTP/1.1 ${status} Any`, lines.flat))
  const asked = readRequest(headBytes('GET /a HTTP/1.1', ['Host', 'shop.example']))
  const { exchange, written } = exchangeOf(asked, { ...NOBODY, isUpgrade })
  const source = { channel, ...(cookiePrefix === undefined ? {} : { cookiePrefix }) }
  if (isUpgrade) exchange.switchProtocols(answer, source)
  else exchange.relayHead(answer, answer.isChunked ? -1 : answer.contentLength, source)
  exchange.flush()
  const head = readAnswer(written())
  const flat = head.flat()
  const ours = head.isChunked ? [['Transfer-Encoding', 'chunked']] : []
  for (const [name, value] of [...ours, ['X-Request-Id', NOBODY.id]]) {
    const at = flat.findIndex((text, i) => i % 2 === 0 && text === name && flat[i + 1] === value)
    if (at < 0) throw new Error(`the answer has no line ${name}: ${value}`)
    flat.splice(at, 2)
  }
  return flat
}

const NOBODY: Omit<RequestFacts, 'headers' | 'method' | 'hasBody'> = {
  id: 'ID',
  isUpgrade: false,
  peerAddress: '127.0.0.1',
  fromTrusted: false,
  secure: false,
  authority: 'shop.example',
}

/** An exchange whose connection keeps what is written to it. */
function exchangeOf(head: RequestHead, facts: typeof NOBODY) {
  const pieces: Buffer[] = []
  const slab = new Slab()
  const connection = {
    peer: { address: facts.peerAddress, connection: {} },
    engine: { slab, settings: proxyDefaults, sent() {} },
    socket: { write: (bytes: Buffer) => void pieces.push(Buffer.from(bytes)), writableLength: 0 },
    endsWith: () => false,
    checkBlocked: () => false,
    giveAway: () => ({}),
  }
  const exchange = new Http1Exchange(
    {
      id: facts.id,
      startedAt: 0,
      path: '/a',
      isTargetCanonical: true,
      hasEncodedSlash: false,
      query: '',
      authority: facts.authority,
      host: 'shop.example',
      secure: facts.secure,
      client: facts.peerAddress,
      fromTrusted: facts.fromTrusted,
      isUpgrade: facts.isUpgrade,
    },
    head,
    connection as unknown as Http1Connection,
  )
  exchange.hasTrace = findTrace(head) > 0
  return { exchange, slab, written: () => Buffer.concat(pieces) }
}

function requestBytes({ method, authority, hasBody, headers }: RequestFacts): Buffer {
  const host = headers.get('host') === undefined ? ['Host', authority] : []
  const isChunked = hasBody && headers.get('content-length') === undefined
  const framing = isChunked ? ['Transfer-Encoding', 'chunked'] : []
  return headBytes(`${method} /a HTTP/1.1`, [...host, ...headers.flat, ...framing])
}

function headBytes(first: string, flat: readonly string[]): Buffer {
  let text = `${first}\r\n`
  for (let i = 0; i < flat.length; i += 2) text += `${flat[i]}: ${flat[i + 1]}\r\n`
  return Buffer.from(`${text}\r\n`, 'latin1')
}

function readRequest(bytes: Buffer): RequestHead {
  const head = new RequestHead()
  whole(bytes, parseRequestHead(bytes, 0, bytes.length, LIMITS, head))
  return head
}

function readAnswer(bytes: Buffer): ResponseHead {
  const head = new ResponseHead()
  whole(bytes, parseResponseHead(bytes, 0, bytes.length, LIMITS, head))
  return head
}

/** One head and nothing behind it. */
function whole(bytes: Buffer, end: number): void {
  if (end === bytes.length) return
  const why = end < 0 ? FAULTS[-end]!.word : `it ends at ${end}`
  throw new Error(`not one head, ${why}: ${JSON.stringify(bytes.toString('latin1'))}`)
}
