/**
 * The head of a request for fragments, in bytes: what is the same for an instance is put together once.
 *
 * @module
 */
import { DEPTH_HEADER, type FragmentContext, RENDERED_FRAGMENTS_MIME } from '@hydra-gateway/protocol'
import type { Slab } from '../http1/slab.ts'
import type { Instance } from '../routing/upstream.ts'

/** The head up to the number of `Content-Length`. */
export function callPrefix({ address, hostHeader, isOurs }: Instance, publicKey: string): Buffer {
  const { host, port } = address
  const authority = hostHeader ?? `${host.includes(':') ? `[${host}]` : host}:${port}`
  return Buffer.from(
    [
      `POST /h/fragment/${encodeURIComponent(publicKey)}/requestFragment HTTP/1.1`,
      `Host: ${authority}`,
      'Content-Type: application/json',
      `Accept: ${isOurs ? RENDERED_FRAGMENTS_MIME : 'application/json'}`,
      'Accept-Encoding: identity',
      'Content-Length: ',
    ].join('\r\n'),
    'latin1',
  )
}

const DEPTH = Buffer.from(`\r\n${DEPTH_HEADER}: `)
const TRACE = Buffer.from('\r\ntraceparent: ')
const REQUEST_ID = Buffer.from('\r\nX-Request-Id: ')
const END = Buffer.from('\r\n\r\n')

/** Both come with what others send: only what is well-formed becomes a line. */
const TRACE_PARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const PLAIN_ID = /^[\x21-\x7e]{1,128}$/

/** Writes the head. */
export function putCallHead(
  slab: Slab,
  prefix: Buffer,
  bodyBytes: number,
  context: FragmentContext | undefined,
  exchange: string | undefined,
): void {
  slab.bytes(prefix)
  slab.decimal(bodyBytes)
  if (context !== undefined) {
    const { depth, traceparent } = context
    if (Number.isSafeInteger(depth) && depth! >= 0) {
      slab.bytes(DEPTH)
      slab.decimal(depth!)
    }
    if (traceparent && TRACE_PARENT.test(traceparent)) {
      slab.bytes(TRACE)
      slab.latin1(traceparent)
    }
  }
  if (exchange !== undefined && PLAIN_ID.test(exchange)) {
    slab.bytes(REQUEST_ID)
    slab.latin1(exchange)
  }
  slab.bytes(END)
}
