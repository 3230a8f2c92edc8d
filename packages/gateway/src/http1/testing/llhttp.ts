/**
 * The other reader: llhttp as Node drives it, strict, over connections that exist in memory only.
 *
 * Node's parsers run inside `emit('data')`, so a verdict is there when the last piece has been given; only an
 * outgoing request needs a tick to take hold of its connection.
 *
 * @module
 */
import { ClientRequest, createServer, IncomingMessage, request, type ServerResponse } from 'node:http'
import { Duplex } from 'node:stream'
import { latin1 } from '../head.ts'
import type { Message, Verdict } from './verdict.ts'

const MAX_HEADER_SIZE = 1 << 20

class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    done()
  }
}

/** How many bytes the reader has been given. One for all: readers run one after another. */
let given = 0
/** Heads that Node's server began to handle, whether or not it showed them to us. */
let begun = 0

/** A request that notes what is pushed into it in place of a stream that gives it out later. */
class RecordedRequest extends IncomingMessage {
  body = ''
  endedAt = -1

  constructor(socket: ConstructorParameters<typeof IncomingMessage>[0]) {
    super(socket)
    begun += 1
  }

  override push(chunk: Buffer | null): boolean {
    if (chunk === null) this.endedAt = given
    else this.body += latin1(chunk, 0, chunk.length)
    return true
  }
}

/** Bytes in pieces: `ends` are positions after each piece, ascending, the last one the length. */
export type Pieces = readonly number[]

export interface RequestOracle {
  read(bytes: Buffer, pieces: Pieces): Verdict
}

/** Reads requests with Node's server. */
export function createRequestOracle(): RequestOracle {
  const server = createServer({
    IncomingMessage: RecordedRequest,
    insecureHTTPParser: false,
    requireHostHeader: true,
    maxHeaderSize: MAX_HEADER_SIZE,
    keepAliveTimeout: 0,
    headersTimeout: 0,
    requestTimeout: 0,
  })
  server.maxHeadersCount = 0
  let seen: [request: RecordedRequest, response: ServerResponse][] = []
  let why = ''
  let refusedAt = -1
  server.on('request', (incoming, response) => seen.push([incoming as RecordedRequest, response]))
  server.on('clientError', (error) => {
    why ||= reasonOf(error)
    refusedAt = given
  })

  return {
    read(bytes, pieces) {
      seen = []
      why = ''
      refusedAt = -1
      begun = 0
      const wire = new Wire()
      server.emit('connection', wire)
      feed(wire, bytes, pieces, () => why !== '')
      if (begun > seen.length && why === '') {
        why = 'Node answers for itself'
        refusedAt = 0
      }
      const messages = seen.map(([incoming, response]): Message => {
        const { method, url, httpVersionMinor, rawHeaders, rawTrailers, body, endedAt } = incoming
        return {
          first: `${method} ${url} ${httpVersionMinor}`,
          fields: rawHeaders,
          body,
          trailers: rawTrailers,
          keeps: response.shouldKeepAlive,
          isComplete: endedAt !== -1,
          end: endedAt === -1 ? bytes.length : endedAt,
        }
      })
      wire.destroy()
      return { messages, ending: why === '' ? 'open' : 'refused', why, refusedAt }
    },
  }
}

/** Reads the answer to one request with Node's client. */
export async function readResponse(
  bytes: Buffer,
  pieces: Pieces,
  asked: 'GET' | 'HEAD',
  closes: boolean,
): Promise<Verdict> {
  const wire = new Wire()
  const messages: Message[] = []
  let answer: IncomingMessage | undefined
  let why = ''
  let refusedAt = -1
  const outgoing = request({
    method: asked,
    host: 'localhost',
    createConnection: () => wire,
    maxHeaderSize: MAX_HEADER_SIZE,
    insecureHTTPParser: false,
  })
  outgoing.maxHeadersCount = 0
  outgoing.on('error', (error) => {
    why ||= reasonOf(error)
    refusedAt = given
  })
  outgoing.on('information', ({ statusCode, statusMessage, httpVersionMinor, rawHeaders }) => {
    messages.push({
      first: `${statusCode} ${httpVersionMinor} ${statusMessage}`,
      fields: rawHeaders,
      body: '',
      trailers: [],
      keeps: true,
      isComplete: true,
      end: given,
    })
  })
  const take = (incoming: IncomingMessage): Message => {
    const message: Message = {
      first: `${incoming.statusCode} ${incoming.httpVersionMinor} ${incoming.statusMessage}`,
      fields: incoming.rawHeaders,
      body: '',
      trailers: [],
      keeps: false,
      isComplete: false,
      end: bytes.length,
    }
    messages.push(message)
    return message
  }
  const finish = (message: Message): void => {
    message.isComplete = true
    message.end = given
  }
  outgoing.on('response', (incoming) => {
    answer = incoming
    const message = take(incoming)
    incoming.push = (chunk: Buffer | null) => {
      if (chunk !== null) {
        message.body += latin1(chunk, 0, chunk.length)
        return true
      }
      message.trailers = incoming.rawTrailers
      finish(message)
      return true
    }
  })
  outgoing.on('upgrade', (incoming) => finish(take(incoming)))
  outgoing.end()
  // A request without an agent says `Connection: close`; whether the answer would let the connection last is asked.
  outgoing.shouldKeepAlive = true
  await new Promise<void>((resolve) => process.nextTick(resolve))
  if (wire.listenerCount('data') === 0) throw new Error(`${ClientRequest.name} has not taken its connection`)

  feed(wire, bytes, pieces, () => why !== '')
  const refusal = why
  // An end in the middle is an error for Node's client, and an incomplete message in the verdict.
  if (closes && refusal === '' && wire.listenerCount('end') > 0) wire.emit('end')
  const final = messages.at(-1)
  if (answer && final && answer.statusCode !== 101)
    final.keeps = outgoing.shouldKeepAlive || (asked === 'HEAD' && !saysLength(final))
  outgoing.destroy()
  wire.destroy()
  return { messages, ending: refusal === '' ? 'open' : 'refused', why: refusal, refusedAt }
}

/**
 * llhttp decides before it is told that the request was HEAD: without a length it expects the end of the connection,
 * and what it says of lasting means nothing then.
 */
function saysLength({ fields }: Message): boolean {
  return fields.some((name, i) => i % 2 === 0 && /^(content-length|transfer-encoding)$/i.test(name))
}

function feed(wire: Wire, bytes: Buffer, pieces: Pieces, isOver: () => boolean): void {
  given = 0
  for (const end of pieces) {
    if (end === given) continue
    const piece = bytes.subarray(given, end)
    given = end
    wire.emit('data', piece)
    if (isOver()) return
  }
}

function reasonOf(error: Error & { reason?: string }): string {
  return error.reason ?? error.message
}
