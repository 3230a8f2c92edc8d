/**
 * Help: what there is, in as few words as it takes.
 *
 * @module
 */
import { fold, type Style } from '@hydra-gateway/gateway/terminal'
import type { ArgsDef } from 'citty'
import { COMMON_ARGS, type Command } from './command.ts'
import { wrap } from './wrap.ts'

/** The help of one command. `names` lead to it: `['hydra', 'services', 'forget']`. */
export function formatHelp(command: Command, names: readonly string[], style: Style): string {
  const { subCommands = [], examples = [] } = command
  const words = Object.entries(command.args).filter(([, { type }]) => type === 'positional')
  const call = [
    ...names,
    ...(subCommands.length > 0 && words.length === 0 ? [names.length === 1 ? '<command>' : '[command]'] : []),
    ...words.map(([name, { required }]) =>
      required === false ? `[${name.toUpperCase()}]` : name.toUpperCase(),
    ),
    '[options]',
  ].join(' ')

  const sections = [
    [fold(`${style.mark}${style.bold(names.join(' '))}  ${command.summary}`, style.columns, 2)],
    ...(command.about ? [[fold(`  ${command.about.replaceAll('\n', ' ')}`, widthOf(style))]] : []),
    [`  ${style.dim('Call')}`, `    ${call}`],
  ]
  if (subCommands.length > 0) {
    const rows = subCommands.map(({ name, summary }): [string, string] => [name, summary])
    sections.push([`  ${style.dim('Commands')}`, ...inColumns(rows, style)])
  }
  const own = [
    ...words.map(([name, arg]): [string, string] => [name.toUpperCase(), arg.description ?? '']),
    ...flags(command.args),
  ]
  if (own.length > 0) sections.push([`  ${style.dim('Options')}`, ...inColumns(own, style)])
  sections.push([`  ${style.dim('Options of every command')}`, ...inColumns(flags(COMMON_ARGS), style)])
  if (examples.length > 0) sections.push([`  ${style.dim('Examples')}`, ...inColumns(examples, style)])
  if (names.length === 1)
    sections.push([`  ${style.underline('hydra <command> --help')} says more about one.`])
  return style.plain(`${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`)
}

function flags(args: ArgsDef): [string, string][] {
  return Object.entries(args).flatMap(([name, arg]): [string, string][] => {
    if (arg.type === 'positional') return []
    if (arg.type === 'boolean') {
      return arg.default === true
        ? [[`--no-${name}`, `No ${lowerFirst(arg.description ?? '')}`]]
        : [[`--${name}`, arg.description ?? '']]
    }
    return [[`--${name} ${arg.valueHint ?? 'VALUE'}`, arg.description ?? '']]
  })
}

/** Cells a line of help may have: longer ones are hard to read, and a pipe has no end. */
const widthOf = ({ columns }: Style) => Math.min(columns, 100)

const lowerFirst = (text: string) => text.slice(0, 1).toLowerCase() + text.slice(1)

function inColumns(rows: readonly (readonly [string, string])[], style: Style): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  const columns = widthOf(style)
  // too narrow for two columns: what it does stands below what it is called
  if (columns - width - 6 < 20) {
    return rows.flatMap(([left, right]) => [
      `    ${style.bold(left)}`,
      ...wrap(right, columns - 6).map((line) => `      ${line}`),
    ])
  }
  return rows.flatMap(([left, right]) => {
    const [first = '', ...more] = wrap(right, columns - width - 6)
    return [
      `    ${style.bold(left)}${' '.repeat(width - left.length)}  ${first}`,
      ...more.map((line) => ' '.repeat(width + 6) + line),
    ]
  })
}
