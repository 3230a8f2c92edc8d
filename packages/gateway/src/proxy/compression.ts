/**
 * Compression of the gateway's own answers: pages, problem documents, the admin API. What services answer is
 * passed on as it is.
 *
 * Bodies that are there as a whole are compressed at once, those that may be cached only once; streams are flushed
 * with every chunk, so that nothing waits for more. Answers under 1 KB stay as they are.
 *
 * @module
 */
import { hash } from 'node:crypto'
import type { Transform } from 'node:stream'
import { promisify } from 'node:util'
import zlib, { type BrotliOptions, type ZlibOptions, type ZstdOptions } from 'node:zlib'
import { type Coding, chooseCoding } from './accept-encoding.ts'
import { beginBody, type CompressedStream, compressStream } from './compressed-stream.ts'
import { createLru } from './lru.ts'

type Headings = Readonly<Record<string, string>>

export interface Compression {
  /**
   * A response in the coding its reader prefers, as a new response of the same meaning, or the same one. What was
   * there for HEAD stays without a body. Rejects with what breaks the body before anything of it was given away.
   */
  compress(acceptEncoding: string | null | undefined, response: Response): Promise<Response>
  /** The same for a small whole answer, at once. Names of headers keep their case. */
  compressBytes(
    acceptEncoding: string | null | undefined,
    status: number,
    headers: Headings,
    body: string | Uint8Array,
  ): { readonly headers: Headings; readonly body: string | Uint8Array }
}

/** Smaller bodies hardly become smaller, and fit one packet as they are. */
const LEAST_BYTES = 1024
/** Up to here compressing costs less than a millisecond, so it need not leave the thread. */
const AT_ONCE_BYTES = 32 * 1024
/** Largest body that is kept compressed, and what all of them may need. */
const KEPT_BYTES = 2 * 1024 * 1024
const ALL_KEPT_BYTES = 8 * 1024 * 1024

const OPTIONS = {
  gzip: { level: 6 } satisfies ZlibOptions,
  br: {
    params: {
      [zlib.constants.BROTLI_PARAM_QUALITY]: 4,
      [zlib.constants.BROTLI_PARAM_MODE]: zlib.constants.BROTLI_MODE_TEXT,
      // 256 KB of what came before: memory of a stream, and enough for pages.
      [zlib.constants.BROTLI_PARAM_LGWIN]: 18,
    },
  } satisfies BrotliOptions,
  zstd: { params: { [zlib.constants.ZSTD_c_compressionLevel]: 3 } } satisfies ZstdOptions,
} as const

const atOnce: Readonly<Record<Coding, (bytes: Uint8Array) => Buffer>> = {
  gzip: (bytes) => zlib.gzipSync(bytes, OPTIONS.gzip),
  br: (bytes) => zlib.brotliCompressSync(bytes, OPTIONS.br),
  zstd: (bytes) => zlib.zstdCompressSync(bytes, OPTIONS.zstd),
}

const gzip = promisify<Uint8Array, ZlibOptions, Buffer>(zlib.gzip)
const brotli = promisify<Uint8Array, BrotliOptions, Buffer>(zlib.brotliCompress)
const zstd = promisify<Uint8Array, ZstdOptions, Buffer>(zlib.zstdCompress)
const elsewhere: Readonly<Record<Coding, (bytes: Uint8Array) => Promise<Buffer>>> = {
  gzip: (bytes) => gzip(bytes, OPTIONS.gzip),
  br: (bytes) => brotli(bytes, OPTIONS.br),
  zstd: (bytes) => zstd(bytes, OPTIONS.zstd),
}

const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_flush } = zlib.constants
const streams: Readonly<Record<Coding, CompressedStream>> = {
  gzip: () => zlib.createGzip({ ...OPTIONS.gzip, flush: Z_SYNC_FLUSH }),
  br: () => zlib.createBrotliCompress({ ...OPTIONS.br, flush: BROTLI_OPERATION_FLUSH }),
  zstd: () => zlib.createZstdCompress({ ...OPTIONS.zstd, flush: ZSTD_e_flush }),
}

/** What compresses a stream that goes on while it is read: it flushes with every write. */
export function createCoder(coding: Coding): Transform {
  return streams[coding]()
}

/** Makes the compression of one gateway; it keeps what may be cached. */
export function createCompression(): Compression {
  const kept = createLru<Buffer>(ALL_KEPT_BYTES, (bytes) => bytes.byteLength)
  const running = new Map<string, Promise<Buffer>>()

  /** Whole bytes, compressed or taken from where they are kept. */
  function shrink(coding: Coding, bytes: Uint8Array, mayKeep: boolean): Buffer | Promise<Buffer> {
    if (!mayKeep) return atOnce[coding](bytes)
    const key = keyOf(coding, bytes)
    const found = kept.get(key) ?? running.get(key)
    if (found) return found
    if (bytes.byteLength <= AT_ONCE_BYTES) return keep(key, atOnce[coding](bytes))
    const work = elsewhere[coding](bytes)
      .then((small) => keep(key, small))
      .finally(() => running.delete(key))
    running.set(key, work)
    return work
  }

  function keep(key: string, bytes: Buffer): Buffer {
    kept.set(key, bytes)
    return bytes
  }

  return {
    async compress(acceptEncoding, response) {
      const { status, statusText, body } = response
      const get = (name: string) => response.headers.get(name)
      if (!isCompressible(status, get)) return response
      const length = get('content-length')
      if (length !== null && Number(length) < LEAST_BYTES) return response
      const headers = new Headers(response.headers)
      headers.set('vary', varyWith(get('vary')))
      const coding = body === null ? undefined : chooseCoding(acceptEncoding)
      if (body === null || coding === undefined) {
        return new Response(body, { status, statusText, headers })
      }
      const mayKeep = isForCaches(get)
      const begun = await beginBody(body, mayKeep ? KEPT_BYTES : AT_ONCE_BYTES)
      if (!begun.isWhole) {
        headers.delete('content-length')
        const rest = compressStream(streams[coding], begun)
        return encoded(rest, status, statusText, headers, coding)
      }
      const whole = Buffer.concat(begun.chunks)
      if (whole.length < LEAST_BYTES)
        return new Response(whole, { status, statusText, headers: response.headers })
      const small = await shrink(coding, whole, mayKeep)
      if (small.length >= whole.length) return new Response(whole, { status, statusText, headers })
      headers.set('content-length', String(small.length))
      return encoded(small, status, statusText, headers, coding)
    },

    compressBytes(acceptEncoding, status, headers, body) {
      const asIs = { headers, body }
      if (body.length < LEAST_BYTES) return asIs
      const get = (name: string) => {
        const key = keyIn(headers, name)
        return key === undefined ? null : headers[key]!
      }
      if (!isCompressible(status, get)) return asIs
      const varied = withHeader(headers, 'vary', varyWith(get('vary')))
      const coding = chooseCoding(acceptEncoding)
      const bytes = typeof body === 'string' ? Buffer.from(body) : body
      if (coding === undefined || bytes.length > AT_ONCE_BYTES) return { headers: varied, body }
      const small = shrink(coding, bytes, isForCaches(get))
      if (small instanceof Promise || small.length >= bytes.length) return { headers: varied, body }
      let result = withHeader(varied, 'content-encoding', coding)
      const etag = get('etag')
      if (etag !== null) result = withHeader(result, 'etag', weak(etag))
      for (const name of ['content-length', 'accept-ranges']) result = without(result, name)
      return { headers: result, body: small }
    },
  }
}

function encoded(
  body: Buffer<ArrayBufferLike> | ReadableStream<Uint8Array>,
  status: number,
  statusText: string,
  headers: Headers,
  coding: Coding,
): Response {
  headers.set('content-encoding', coding)
  const etag = headers.get('etag')
  if (etag !== null) headers.set('etag', weak(etag))
  // Ranges of what was compressed on the way are of no use to anybody.
  headers.delete('accept-ranges')
  return new Response(body as ConstructorParameters<typeof Response>[0], { status, statusText, headers })
}

type Get = (name: string) => string | null

/** Whether an answer may be compressed at all, whoever reads it. */
function isCompressible(status: number, get: Get): boolean {
  if (status < 200 || status === 204 || status === 205 || status === 206 || status === 304) return false
  if (get('content-encoding') !== null || get('content-range') !== null) return false
  // RFC 9530: this one speaks of the bytes that are sent.
  if (get('content-digest') !== null) return false
  // RFC 9111, 5.2.2.6
  if (/(?:^|[\s,])no-transform(?=$|[\s,])/i.test(get('cache-control') ?? '')) return false
  return isTextual(get('content-type') ?? '')
}

const TEXTUAL =
  /^(?:application\/(?:json|javascript|ecmascript|xml|wasm|yaml|x-ndjson|x-javascript|manifest|openmetrics-text)|[^/]+\/[^/]+\+(?:json|xml|yaml|text)|font\/(?:ttf|otf)|image\/(?:bmp|x-icon))$/

/** Types that become much smaller. Event streams stay as they are: readers of them wait for single lines. */
function isTextual(contentType: string): boolean {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase()
  if (type.startsWith('text/')) return type !== 'text/event-stream'
  return TEXTUAL.test(type)
}

/** Whether others will be given the same bytes, so that keeping them compressed is worth it. */
function isForCaches(get: Get): boolean {
  const control = (get('cache-control') ?? '').toLowerCase()
  if (/no-store|private/.test(control)) return false
  return get('etag') !== null || /(?:max-age|s-maxage)\s*=\s*"?[1-9]|immutable/.test(control)
}

/** RFC 9110, 8.8.3.3: the same content in another coding is no longer the same bytes. */
function weak(etag: string): string {
  return etag.startsWith('W/') ? etag : `W/${etag}`
}

function varyWith(vary: string | null): string {
  if (vary === null || vary.trim() === '') return 'Accept-Encoding'
  const names = vary.split(',').map((name) => name.trim().toLowerCase())
  return names.includes('*') || names.includes('accept-encoding') ? vary : `${vary}, Accept-Encoding`
}

function keyOf(coding: Coding, bytes: Uint8Array): string {
  return `${coding} ${hash('sha256', bytes, 'base64')}`
}

/** The name a header has in a record, whatever its case. */
function keyIn(headers: Headings, name: string): string | undefined {
  for (const key of Object.keys(headers)) if (key.toLowerCase() === name) return key
  return undefined
}

function withHeader(headers: Headings, name: string, value: string): Headings {
  return { ...headers, [keyIn(headers, name) ?? name]: value }
}

function without(headers: Headings, name: string): Headings {
  const key = keyIn(headers, name)
  if (key === undefined) return headers
  const { [key]: _, ...rest } = headers
  return rest
}
