/**
 * Somebody at a terminal: keys as they are pressed, and a screen whose last line can be written again.
 *
 * @module
 */
export interface Keyboard {
  /** Calls back with each key; Ctrl+C is `\u0003`. Returns the function that gives the terminal back. */
  onKey(listener: (key: string) => void): () => void
  /** Cells of a line, as wide as it is now. */
  columns(): number
  write(text: string): void
}

/** Undefined where nobody sits: keys and lines that are written again are for terminals on both sides. */
export function processKeyboard(): Keyboard | undefined {
  const { stdin, stdout, env } = process
  if (stdin.isTTY !== true || stdout.isTTY !== true || env.TERM === 'dumb') return undefined
  return {
    onKey(listener) {
      // Arrows and other keys that send several characters come as one text, and mean nothing here.
      const read = (text: string | Buffer): void => {
        const typed = String(text)
        if (typed.startsWith('\u001b') && typed.length > 1) return
        for (const key of typed) listener(key)
      }
      const end = (): void => listener('\u0003')
      stdin.setEncoding('utf8')
      stdin.setRawMode(true)
      stdin.on('data', read)
      stdin.on('end', end)
      stdin.resume()
      return () => {
        stdin.off('data', read)
        stdin.off('end', end)
        stdin.setRawMode(false)
        stdin.pause()
      }
    },
    columns: () => stdout.columns || 80,
    write: (text) => void stdout.write(text),
  }
}
