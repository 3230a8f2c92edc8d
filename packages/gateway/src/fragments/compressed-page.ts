/**
 * A page that is compressed on its way to the visitor: flushed whenever the page waits, so that what there is of it can
 * be shown.
 *
 * @module
 */
import type { Transform } from 'node:stream'
import type { AnswerSink } from '../proxy/composition.ts'
import { SENT } from '../proxy/wire.ts'

/** Compresses in front of whoever takes the bytes; `coder` flushes with every write. */
export function compressedPage(coder: Transform, visitor: AnswerSink, onBroken: () => void): AnswerSink {
  let gathered: Buffer[] = []
  let isWhole = false
  let isEnding = false

  const wake = () => sink.onDrain?.()
  const sink: AnswerSink = {
    onDrain: undefined,
    get isBlocked() {
      return coder.writableNeedDrain || visitor.isBlocked
    },
    write(bytes) {
      gathered.push(Buffer.from(bytes))
      return SENT
    },
    finish() {
      isWhole = true
    },
    flush() {
      visitor.flush()
      if (gathered.length > 0) {
        const bytes = gathered.length === 1 ? gathered[0]! : Buffer.concat(gathered)
        gathered = []
        coder.write(bytes)
      }
      if (!isWhole || isEnding) return
      isEnding = true
      coder.end()
    },
  }
  coder.on('data', (bytes: Buffer) => {
    visitor.write(bytes)
    visitor.flush()
    if (visitor.isBlocked) coder.pause()
  })
  coder.on('drain', wake)
  coder.once('end', () => {
    visitor.finish()
    visitor.flush()
  })
  coder.once('error', onBroken)
  visitor.onDrain = () => {
    coder.resume()
    wake()
  }
  return sink
}
