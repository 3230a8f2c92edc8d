/**
 * How the terminal looks: the six states with their shapes, and the few colours there are.
 *
 * Colours are the 16 ANSI names, so that the reader's theme decides what red looks like; without colour the
 * shapes and words carry everything, without UTF-8 the shapes are letters.
 *
 * @module
 */
import type { ServiceState } from '@hydra-gateway/protocol'

export interface Style {
  /** Cells a line may have; Infinity when the output is no terminal. */
  readonly columns: number
  readonly isAscii: boolean
  bold(text: string): string
  /** Headings, times, and everything one may pass over. */
  dim(text: string): string
  /** Addresses and commands. */
  underline(text: string): string
  /** What went wrong. */
  bad(text: string): string
  /** What works, but wants to be looked at. */
  warning(text: string): string
  /** What went well. */
  good(text: string): string
  /** The row a key would act on; `text` brings no colours of its own. */
  chosen(text: string): string
  /** A state as shape and word, padded to `width` cells. */
  state(state: ServiceState, width?: number): string
  /** The mark before the name of the product; empty in ASCII. */
  readonly mark: string
  /** Plain letters for what ASCII does not have. */
  plain(text: string): string
}

const SHAPES: Readonly<Record<ServiceState, readonly [shape: string, ascii: string, sgr: string]>> = {
  available: ['●', 'o', '32'],
  degraded: ['▲', '!', '33'],
  down: ['✕', 'x', '1;31'],
  draining: ['◒', 'v', '35'],
  recovering: ['◌', '^', '36'],
  unknown: ['◇', '?', '0'],
}

const ASCII: Readonly<Record<string, string>> = { '…': '...', '’': "'", '→': '->', '✕': 'x', '▲': '!', ψ: '' }

/** Chooses by what the output is and what the environment says (`NO_COLOR`, `TERM`, the locale). */
export function createStyle({
  isTerminal,
  columns = 80,
  env,
  colour = true,
  ascii = false,
}: {
  isTerminal: boolean
  columns?: number | undefined
  env: Readonly<Record<string, string | undefined>>
  /** False for `--no-color`. */
  colour?: boolean
  /** True for `--ascii`. */
  ascii?: boolean
}): Style {
  const isColoured = isTerminal && colour && !env.NO_COLOR && env.TERM !== 'dumb'
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || ''
  const isAscii = ascii || !/utf-?8/i.test(locale)
  const sgr = (code: string) => (text: string) =>
    isColoured && text !== '' ? `\u001b[${code}m${text}\u001b[0m` : text

  return {
    columns: isTerminal ? columns : Number.POSITIVE_INFINITY,
    isAscii,
    bold: sgr('1'),
    dim: sgr('2'),
    underline: sgr('4'),
    bad: sgr('1;31'),
    warning: sgr('33'),
    good: sgr('32'),
    chosen: sgr('7'),
    state(state, width = 0) {
      const [shape, letter, code] = SHAPES[state]
      return (
        sgr(code)(`${isAscii ? letter : shape} ${state}`) + ' '.repeat(Math.max(0, width - state.length - 2))
      )
    },
    mark: isAscii ? '' : `${sgr('1')('ψ')} `,
    plain: (text) =>
      isAscii ? text.replace(/[^\u0000-\u007f]/g, (character) => ASCII[character] ?? '?') : text,
  }
}
