/**
 * Tables for terminals of any width.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util'
import type { Style } from '@hydra-gateway/gateway/terminal'

export interface Column<Row> {
  readonly title: string
  readonly align?: 'left' | 'right'
  cell(row: Row): string
}

/** Cells a text takes in a terminal: colours take none, East Asian characters and emoji two. */
export function widthOf(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(stripVTControlCharacters(text)))
    width += isWide(segment) ? 2 : 1
  return width
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const WIDE =
  /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff01-\uff60]/u
const isWide = (grapheme: string) => WIDE.test(grapheme)

/** The lines of a table. Columns that don't fit are dropped from the right; the first two always stay. */
export function formatTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  style: Style,
): string[] {
  const cells = columns.map((column) => [column.title, ...rows.map((row) => column.cell(row))])
  const widths = cells.map((column) => Math.max(...column.map(widthOf)))
  let shown = columns.length
  const total = () => widths.slice(0, shown).reduce((sum, width) => sum + width + 2, 0)
  while (shown > 2 && total() > style.columns) shown--

  return Array.from({ length: rows.length + 1 }, (_, line) => {
    const texts = columns.slice(0, shown).map(({ align }, index) => {
      const text = cells[index]![line]!
      const shownText = line === 0 ? style.dim(text) : text
      const gap = ' '.repeat(widths[index]! - widthOf(text))
      return align === 'right' ? gap + shownText : shownText + (index === shown - 1 ? '' : gap)
    })
    return `  ${texts.join('  ')}`.trimEnd()
  })
}

/** A table that belongs to what stands above it: two cells to the right, in a terminal two cells narrower. */
export const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
export const narrower = (style: Style): Style => ({ ...style, columns: style.columns - 2 })

/** A name from outside, safe to print. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
}

/** A version as somebody gave it; `0` stands for none. */
export const versionOf = (version: string | number): string =>
  version === 0 ? '-' : printable(String(version))

/** `1,204` */
export const formatCount = (count: number) => count.toLocaleString('en')
