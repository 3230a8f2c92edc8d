/**
 * A configuration with mistakes, as the terminal says it: all of them, each with what is there and what to write.
 *
 * @module
 */
import { CONFIG_FILES } from '../config/file.ts'
import type { ConfigError } from '../config/problems.ts'
import { fold } from './fold.ts'
import type { Style } from './style.ts'

/** Cells of `is` and `write` with the spaces behind them. */
const NAMES = 7

export interface ProblemsOptions {
  /** What did not happen because of them, in a sentence. @default '' */
  readonly consequence?: string
  /** It was `hydra check` that found them. @default false */
  readonly isCheck?: boolean
}

/** The whole message, with a newline at its end. */
export function formatProblems(
  { problems, file, isOfFile }: ConfigError,
  style: Style,
  { consequence = '', isCheck = false }: ProblemsOptions = {},
): string {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const subject = (isOfFile ? file : undefined) ?? 'The configuration'
  const headline = `✕ ${subject} has ${count}.${consequence ? ` ${consequence}` : ''}`
  const widest = Math.max(...problems.map(({ at }) => at.length))
  const blocks = problems.map(({ at, line, is, write }) => {
    const place =
      line === undefined
        ? ''
        : `${' '.repeat(Math.min(widest, 40) - Math.min(at.length, 40))}   ${style.dim(`line ${line}`)}`
    return [
      `  ${style.bold(at)}${place}`,
      fold(`    ${style.dim('is')}     ${is}`, style.columns, NAMES),
      fold(`    ${style.dim('write')}  ${write}`, style.columns, NAMES),
    ].join('\n')
  })
  const isFound = file === undefined || CONFIG_FILES.includes(file)
  const again = `  Check again without starting:  ${style.underline(`hydra check${isFound ? '' : ` ${file}`}`)}`
  return style.plain(
    `${[style.bad(fold(headline, style.columns)), ...blocks, ...(isCheck ? [] : [again])].join('\n\n')}\n`,
  )
}
