/**
 * The JSON body of a request, up to a size.
 *
 * @module
 */
import type { IncomingMessage } from 'node:http'

/** More bytes than are taken. */
export class BodyTooLarge extends Error {
  constructor(mostBytes: number) {
    super(`a body may have ${mostBytes} bytes`)
    this.name = 'BodyTooLarge'
  }
}

/**
 * Reads it, or takes what a body parser in front of this has made of it.
 *
 * @throws BodyTooLarge; TypeError when it is no JSON; Error when the request was broken off
 */
export async function readJson(request: IncomingMessage, mostBytes: number): Promise<unknown> {
  if (request.readableEnded && 'body' in request) return parsed(request.body)
  if (Number(request.headers['content-length']) > mostBytes) throw new BodyTooLarge(mostBytes)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new BodyTooLarge(mostBytes)
    chunks.push(chunk)
  }
  return parse(Buffer.concat(chunks))
}

function parsed(body: unknown): unknown {
  if (typeof body === 'string') return parse(Buffer.from(body))
  return body instanceof Uint8Array ? parse(body) : body
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new TypeError('the body is not JSON')
  }
}
