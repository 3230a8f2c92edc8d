/**
 * A configuration with mistakes, as the terminal says it: all of them, each with what is there and what to write.
 *
 * @module
 */
import { CONFIG_FILES } from '../config/file.ts'
import type { ConfigError } from '../config/problems.ts'
import type { Style } from './style.ts'

export interface ProblemsOptions {
  /** What did not happen because of them, in a sentence. @default '' */
  readonly consequence?: string
  /** It was `hydra check` that found them. @default false */
  readonly isCheck?: boolean
}

/** The whole message, with a newline at its end. */
export function formatProblems(
  { problems, file }: ConfigError,
  style: Style,
  { consequence = '', isCheck = false }: ProblemsOptions = {},
): string {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
  const headline = `${style.plain('✕')} ${file ?? 'The configuration'} has ${count}.${consequence ? ` ${consequence}` : ''}`
  const widest = Math.max(...problems.map(({ at }) => at.length))
  const blocks = problems.map(({ at, line, is, write }) => {
    const place =
      line === undefined
        ? ''
        : `${' '.repeat(Math.min(widest, 40) - Math.min(at.length, 40))}   ${style.dim(`line ${line}`)}`
    return [
      `  ${style.bold(at)}${place}`,
      `    ${style.dim('is')}     ${is}`,
      `    ${style.dim('write')}  ${write}`,
    ].join('\n')
  })
  const isFound = file === undefined || CONFIG_FILES.includes(file)
  const again = `  Check again without starting:  ${style.underline(`hydra check${isFound ? '' : ` ${file}`}`)}`
  return style.plain(`${[style.bad(headline), ...blocks, ...(isCheck ? [] : [again])].join('\n\n')}\n`)
}
