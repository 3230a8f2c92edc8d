/**
 * A terminal whose lines only grow downwards, with one line below them that says which keys there are.
 *
 * @module
 */
import type { Keyboard } from '../keyboard.ts'

export interface Screen {
  print(lines: readonly string[]): void
  /** The line below all others; it is cut where the terminal ends. */
  foot(text: string): void
  columns(): number
  /** Takes the line below away. */
  close(): void
}

const CLEAR_LINE = '\r\u001b[2K'

export function createScreen(keyboard: Pick<Keyboard, 'columns' | 'write'>): Screen {
  const { write, columns } = keyboard
  let foot = ''
  let shown = ''
  const draw = (text: string): void => {
    if (text !== shown) write(CLEAR_LINE + text)
    shown = text
  }
  return {
    print(lines) {
      if (lines.length === 0) return
      write(`${shown === '' ? '' : CLEAR_LINE}${lines.join('\n')}\n`)
      shown = ''
      draw(foot)
    },
    foot(text) {
      foot = text
      draw(foot)
    },
    columns,
    close() {
      draw('')
    },
  }
}
