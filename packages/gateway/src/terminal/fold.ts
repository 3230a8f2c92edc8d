/**
 * Lines that fit. A terminal breaks a long line in the middle of a word, and goes on at its left edge.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util'

/** A line is not made narrower than this: below it, words would stand one below the other. */
const NARROWEST = 20

/**
 * Breaks lines longer than `columns` cells between words. What goes on begins where the text of the line began: behind
 * its spaces, its mark, and `hang` cells more. A word that is longer stays whole; colours take no cells.
 */
export function fold(text: string, columns: number, hang = 0): string {
  const width = Math.max(columns, NARROWEST)
  return text
    .split('\n')
    .map((line) => foldLine(line, width, hang))
    .join('\n')
}

function foldLine(line: string, width: number, hang: number): string {
  if (cellsOf(line) <= width) return line
  const [start] = /^ *(?:[▲✕✓] )?/.exec(stripVTControlCharacters(line))!
  const indent = ' '.repeat(start.length + hang)
  // Each word has the spaces before it, of which there may be many: what stands in columns stays there.
  const [first = '', ...words] = line.match(/ *[^ ]+/g) ?? [line]
  const lines: string[] = []
  let current = first
  for (const word of words) {
    if (cellsOf(current) + cellsOf(word) <= width || cellsOf(current) <= start.length) current += word
    else {
      lines.push(current)
      current = indent + word.trimStart()
    }
  }
  return [...lines, current].join('\n')
}

const cellsOf = (text: string) => stripVTControlCharacters(text).length
