/**
 * A part of the bench when it is done: its figures as one table for people, and its rows for programs.
 *
 * @module
 */
export interface Part {
  readonly name: string
  readonly title: string
  /** Heads of the columns, without target and verdict. */
  readonly columns: readonly string[]
  readonly rows: readonly PartRow[]
  /** Sentences below the table. */
  readonly notes: readonly string[]
  /** The rows as they were measured. */
  readonly data: unknown
  readonly seconds: number
}

export interface PartRow {
  /** Text first, then figures. */
  readonly cells: readonly string[]
  readonly target?: Target
}

export interface Target {
  /** Such as `p95 ≤ 100 ms`. */
  readonly text: string
  readonly isMet: boolean
  /** Words for it. @default met or missed */
  readonly verdict?: string
}

/** Everything a part is but its name and the time it took. */
export type Outcome = Omit<Part, 'name' | 'seconds'>

/** How many targets a part has, and how many of them were met. */
export function countTargets(parts: readonly Part[]): { met: number; all: number } {
  const targets = parts.flatMap(({ rows }) => rows.flatMap(({ target }) => target ?? []))
  return { met: targets.filter(({ isMet }) => isMet).length, all: targets.length }
}

/** The part for a terminal: aligned columns. */
export function formatPart(part: Part): string {
  const table = tableOf(part)
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  const isFigure = widths.map((_, column) => isFigureColumn(part, column))
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        isFigure[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
  const [head, ...body] = lines
  const rule = '─'.repeat(Math.max(...lines.map(({ length }) => length)))
  return [part.title, rule, head, rule, ...body, ...part.notes.map((note) => `  ${note}`)].join('\n')
}

/** The part as Markdown. */
export function markdownPart(part: Part): string {
  const [head, ...body] = tableOf(part).map((row) => `| ${row.join(' | ')} |`)
  const rule = `|${tableOf(part)[0]!
    .map((_, column) => (isFigureColumn(part, column) ? ' ---: ' : ' --- '))
    .join('|')}|`
  const notes = part.notes.map((note) => `- ${note}`)
  return [`### ${part.title}`, '', head, rule, ...body, ...(notes.length > 0 ? ['', ...notes] : [])].join(
    '\n',
  )
}

/** Head and rows; target and verdict stand last where some row has them. */
function tableOf({ columns, rows }: Part): readonly (readonly string[])[] {
  if (rows.every(({ target }) => target === undefined)) return [columns, ...rows.map(({ cells }) => cells)]
  return [
    [...columns, 'target', 'verdict'],
    ...rows.map(({ cells, target }) => [
      ...cells,
      target?.text ?? '',
      target === undefined ? '' : (target.verdict ?? (target.isMet ? 'met' : 'missed')),
    ]),
  ]
}

/** Columns that hold figures in every row are aligned to the right. */
function isFigureColumn({ rows, columns }: Part, column: number): boolean {
  return column < columns.length && rows.every(({ cells }) => /^[\d\s.,–-]*$/.test(cells[column]!))
}
