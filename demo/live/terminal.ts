/**
 * A terminal that is ours for a while: keys one by one, and its second screen.
 *
 * @module
 */
import type { ReadStream, WriteStream } from 'node:tty'

const ENTER = '\u001b[?1049h\u001b[?25l'
const LEAVE = '\u001b[?25h\u001b[?1049l'

/** Takes it. Returns what puts everything back, which happens in any case. */
export function takeTerminal(stdin: ReadStream, stdout: WriteStream): () => void {
  let isTaken = true
  const restore = (): void => {
    if (!isTaken) return
    isTaken = false
    stdout.write(LEAVE)
    if (stdin.isTTY) stdin.setRawMode(false)
    stdin.pause()
  }
  process.on('exit', restore)
  process.on('uncaughtException', (fault) => {
    restore()
    process.stderr.write(`${fault.stack ?? fault.message}\n`)
    process.exit(1)
  })
  stdout.write(ENTER)
  stdin.setRawMode(true)
  stdin.resume()
  return restore
}
