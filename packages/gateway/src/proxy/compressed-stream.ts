/**
 * A stream of bytes, compressed chunk by chunk at the pace of its reader; and how much of a body is there at once.
 *
 * @module
 */
import type { Transform } from 'node:stream'

/** Makes what compresses: a stream of `node:zlib` that flushes with every write. */
export type CompressedStream = () => Transform

type Reader = ReadableStreamDefaultReader<Uint8Array>
type Read = ReturnType<Reader['read']>

/** A body of which something was read. */
export interface BegunBody {
  readonly chunks: Uint8Array[]
  readonly reader: Reader
  /** A read that is under way. */
  readonly pending: Read | undefined
  readonly isWhole: boolean
}

/**
 * Reads what of a body is there already, within this turn of the event loop and up to `mostBytes`: whether it is
 * the whole decides how it is compressed.
 */
export async function beginBody(body: ReadableStream<Uint8Array>, mostBytes: number): Promise<BegunBody> {
  const reader = body.getReader()
  const turn = new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)))
  const chunks: Uint8Array[] = []
  for (let size = 0; size <= mostBytes; ) {
    const pending = reader.read()
    const read = await Promise.race([pending, turn])
    if (read === undefined) return { chunks, reader, pending, isWhole: false }
    if (read.done) return { chunks, reader, pending: undefined, isWhole: true }
    chunks.push(read.value)
    size += read.value.byteLength
  }
  return { chunks, reader, pending: undefined, isWhole: false }
}

/**
 * What was read of a body first, then the rest of it. Nothing more is read before somebody reads the result, and
 * whoever stops reading it stops the source.
 */
export function compressStream(
  create: CompressedStream,
  { chunks, reader, pending }: BegunBody,
): ReadableStream<Uint8Array> {
  const first = [...chunks]
  let underWay = pending
  let coder: Transform | undefined
  // An error of the source is told to whoever reads; until then nobody may call it unhandled.
  underWay?.catch(() => {})

  async function next(): Promise<Uint8Array | undefined> {
    const chunk = first.shift()
    if (chunk) return chunk
    const read = await (underWay ?? reader.read())
    underWay = undefined
    return read.done ? undefined : read.value
  }

  let hasGiven = false
  let isCancelled = false
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        coder ??= open(create, (bytes) => {
          if (isCancelled) return
          hasGiven = true
          controller.enqueue(bytes)
        })
        hasGiven = false
        try {
          // A pull that gives nothing is not repeated, so it goes on until it gave something.
          while (!hasGiven) {
            const chunk = await next()
            if (isCancelled) return
            if (chunk === undefined) {
              await finish(coder)
              if (!isCancelled) controller.close()
              return
            }
            if (chunk.byteLength > 0) await write(coder, chunk)
          }
        } catch (error) {
          coder.destroy()
          if (isCancelled) return
          reader.cancel(error).catch(() => {})
          throw error
        }
      },
      cancel(reason) {
        isCancelled = true
        coder?.destroy()
        return reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

function open(create: CompressedStream, give: (bytes: Uint8Array) => void): Transform {
  const coder = create()
  coder.on('data', (bytes: Buffer) => {
    if (!coder.destroyed) give(bytes)
  })
  // Whoever writes hears of it as well.
  coder.on('error', () => {})
  return coder
}

/** Resolves when a chunk was compressed and what came of it was given on. */
function write(coder: Transform, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    coder.write(chunk, (error) => (error ? reject(error) : resolve()))
  })
}

function finish(coder: Transform): Promise<void> {
  return new Promise((resolve, reject) => {
    coder.once('end', resolve)
    coder.once('close', resolve)
    coder.once('error', reject)
    coder.end()
  })
}
