/**
 * A table at a terminal that is redrawn in place until somebody leaves, with a key for whatever can be done.
 *
 * @module
 */
import type { ReadStream, WriteStream } from 'node:tty'

export interface LiveTable {
  readonly stdin: ReadStream
  readonly stdout: WriteStream
  readonly signal: AbortSignal
  /** What is to be seen now. */
  lines(): readonly string[]
  onKey(key: string): void
  /** Reads facts anew, one time after the other. When it fails, the last ones stay. */
  refresh(): Promise<unknown>
  /** The terminal went away, or the signal came: settles `over`. */
  leave(): void
}

/** At most 4 drawings a second. */
const DRAW_EVERY_MS = 250

/** Draws and hands keys over until `over` is settled; what that resolves with. */
export async function showTable<Outcome>(
  { stdin, stdout, signal, lines, onKey, refresh, leave }: LiveTable,
  over: Promise<Outcome>,
): Promise<Outcome> {
  let drawn = ''
  const draw = (): void => {
    const text = `\u001b[H${lines()
      .map((line) => `${line}\u001b[K`)
      .join('\r\n')}\u001b[J`
    if (text !== drawn) stdout.write(text)
    drawn = text
  }
  const onData = (data: Buffer): void => {
    for (const key of data.toString()) onKey(key)
  }
  const forget = (): void => {
    drawn = ''
  }
  stdin.on('data', onData)
  stdin.once('end', leave)
  stdout.on('resize', forget)
  signal.addEventListener('abort', leave)
  if (signal.aborted) leave()
  let isAsking = false
  const timer = setInterval(() => {
    if (!isAsking) {
      isAsking = true
      refresh()
        .catch(() => {})
        .finally(() => {
          isAsking = false
        })
    }
    draw()
  }, DRAW_EVERY_MS)
  draw()
  try {
    return await over
  } finally {
    clearInterval(timer)
    stdin.off('data', onData)
    stdout.off('resize', forget)
  }
}
