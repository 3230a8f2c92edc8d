/**
 * A page that comes compressed, inflated in front of whoever takes it.
 *
 * @module
 */
import type { Transform } from 'node:stream'
import zlib from 'node:zlib'
import type { Composition } from '../proxy/composition.ts'
import { SENT } from '../proxy/wire.ts'

/** The codings that can be undone, by the names RFC 9110 gives them. */
const INFLATERS: Readonly<Record<string, (first: number) => Transform>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress(),
  // Some servers mean the bare form by it: a zlib head says 8 in its low digits.
  deflate: (first) => ((first & 0x0f) === 8 ? zlib.createInflate() : zlib.createInflateRaw()),
}

/** Whether a body with this `Content-Encoding` can be read; '' is one that is not compressed. */
export function isReadable(contentEncoding: string): boolean {
  return isIdentity(contentEncoding) || Object.hasOwn(INFLATERS, contentEncoding)
}

export function isIdentity(contentEncoding: string): boolean {
  return contentEncoding === '' || contentEncoding === 'identity'
}

/**
 * Inflates in front of a page. Memory is that of one window and one piece: while the page takes nothing, nothing more
 * is inflated. `onBroken`: the bytes are not what they should be.
 */
export function inflatedPage(
  coding: string,
  page: Composition,
  onBroken: (cause: unknown) => void,
): Composition {
  let inflater: Transform | undefined
  let isOver = false
  let isWhole = false

  function open(first: number): Transform {
    const made = INFLATERS[coding]!(first)
    made.on('data', (bytes: Buffer) => {
      if (isOver) return
      page.write(bytes)
      page.flush()
      if (page.isBlocked) made.pause()
    })
    made.once('end', () => {
      if (isOver) return
      isOver = true
      page.finish()
      page.flush()
    })
    made.on('drain', () => wake())
    made.once('error', (cause) => {
      if (isOver) return
      isOver = true
      onBroken(cause)
    })
    page.onDrain = () => {
      if (isOver) return
      made.resume()
      wake()
    }
    return made
  }

  function wake(): void {
    const { onDrain } = sink
    sink.onDrain = undefined
    onDrain?.()
  }

  const sink: Composition = {
    onDrain: undefined,
    get isBlocked() {
      return !isWhole && inflater?.writableNeedDrain === true
    },
    write(bytes) {
      if (isOver || bytes.length === 0) return SENT
      inflater ??= open(bytes[0]!)
      // The memory is read into again before it was inflated.
      inflater.write(Buffer.from(bytes))
      return SENT
    },
    finish() {
      isWhole = true
      if (inflater) inflater.end()
      else {
        isOver = true
        page.finish()
      }
    },
    flush: () => page.flush(),
    cancel() {
      isOver = true
      inflater?.destroy()
      page.cancel()
    },
  }
  return sink
}
