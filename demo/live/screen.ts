/**
 * The screen of the demo: facts in, lines out. Nothing here writes.
 *
 * @module
 */
import { stripVTControlCharacters } from 'node:util'
import { createStyle, type Style } from '@hydra-gateway/gateway/terminal'
import type { ServiceState } from '@hydra-gateway/protocol'
import { HOW_TO_SIGN_IN } from '../shop/people.ts'
import type { DemoEvent } from './event.ts'
import type { Totals } from './figures.ts'

export interface Row {
  readonly state: ServiceState
  readonly service: string
  readonly version: string
  readonly serving: number
  readonly started: number
  readonly perSecond: number
  readonly medianMs: number | undefined
  readonly menu: readonly string[]
}

export interface ScreenFacts {
  readonly url: string
  /** What follows it from another terminal. */
  readonly watchCommand: string
  readonly rows: readonly Row[]
  readonly events: readonly DemoEvent[]
  /** Index of the row keys act on. */
  readonly chosen: number
  readonly totals: Totals
  readonly isLoaded: boolean
  readonly showsHelp: boolean
  /** Lines the terminal has. */
  readonly height: number
}

interface Column {
  readonly title: string
  readonly align?: 'right'
  cell(row: Row, style: Style): string
}

const COLUMNS: readonly Column[] = [
  { title: 'STATE', cell: ({ state }, style) => style.state(state) },
  { title: 'SERVICE', cell: ({ service }) => service },
  { title: 'VERSION', cell: ({ version }) => version },
  { title: 'INSTANCES', align: 'right', cell: ({ serving, started }) => `${serving} of ${started}` },
  { title: 'REQ/S', align: 'right', cell: ({ perSecond }) => String(Math.round(perSecond)) },
  {
    title: 'MEDIAN',
    align: 'right',
    cell: ({ medianMs }) => (medianMs === undefined ? '-' : formatMs(medianMs)),
  },
  {
    title: 'MENU',
    cell: ({ menu, state }) =>
      menu.length > 0 && (state === 'down' || state === 'draining')
        ? `${menu.length === 1 ? menu[0] : `${menu.length} items`}, disabled`
        : menu.join(', '),
  },
]
/** What a terminal of less than 80 columns does without. */
const WIDE_ONLY = new Set(['VERSION', 'MEDIAN', 'MENU'])
/** Figures and words keep their place while they change. */
const MIN_WIDTHS: Readonly<Record<string, number>> = { STATE: 12, REQ_S: 5, MEDIAN: 6 }

/** More would only be history. */
const MOST_EVENTS = 14

const KEYS: readonly (readonly [key: string, word: string, about: string])[] = [
  ['k', 'kill', 'SIGKILL for the youngest instance of the chosen service'],
  ['r', 'revive', 'start what was killed, or else replace each one politely'],
  ['a', 'add', 'one more instance of the chosen service'],
  ['l', 'load on/off', 'a few visitors of this machine, so that something happens'],
  ['o', 'open', 'say the address to open in a browser'],
  ['?', 'help', 'this text'],
  ['q', 'quit', 'stop everything and leave'],
]

/** Lines of the screen, no more than fit. */
export function renderScreen(facts: ScreenFacts, style: Style): string[] {
  const isWide = style.columns >= 80
  const top = [...header(facts, style, isWide), '', ...table(facts, style, isWide), '']
  const bottom = [...footer(facts, style, isWide)]
  const room = Math.min(MOST_EVENTS, Math.max(1, facts.height - top.length - bottom.length - 1))
  const middle = facts.showsHelp
    ? help(style).slice(0, room)
    : facts.events.slice(-room).map((event) => eventLine(event, style))
  // The keys keep their place while events come.
  while (middle.length < room) middle.push('')
  return [...top, ...middle, '', ...bottom]
    .map((line) => cut(style.plain(line), style.columns))
    .slice(0, facts.height)
}

/** `14:03:27  ✕ down        orders   ord-72 …`; without columns of its own where there is no room for them. */
export function eventLine({ at, state, service = '', text }: DemoEvent, style: Style): string {
  const time = style.dim(new Date(at).toLocaleTimeString('en-GB'))
  if (style.columns >= 80)
    return `  ${time}  ${state ? style.state(state, 12) : ' '.repeat(12)}  ${service.padEnd(8)} ${text}`
  // The name of an instance begins like that of its service.
  const who = service === '' || text.startsWith(`${service.slice(0, 3)}-`) ? '' : `${service}  `
  return `  ${time}  ${state ? `${style.state(state)}  ` : ''}${who}${text}`
}

function header({ url, watchCommand }: ScreenFacts, style: Style, isWide: boolean): string[] {
  const name = `${style.mark}${style.bold('hydra demo')}`
  const address = style.underline(url)
  if (!isWide) return [name, address]
  const first = name + ' '.repeat(Math.max(2, 78 - widthOf(name) - widthOf(address))) + address
  return [first, style.dim(`  ${HOW_TO_SIGN_IN}`), style.dim(`  ${watchCommand}`)]
}

function table({ rows, chosen }: ScreenFacts, style: Style, isWide: boolean): string[] {
  const columns = COLUMNS.filter(({ title }) => isWide || !WIDE_ONLY.has(title))
  const plain = createStyle({ isTerminal: false, env: { LANG: style.isAscii ? 'C' : 'C.UTF-8' } })
  const widths = columns.map(({ title, cell }) =>
    Math.max(
      MIN_WIDTHS[title.replace('/', '_')] ?? 0,
      widthOf(title),
      ...rows.map((row) => widthOf(cell(row, plain))),
    ),
  )
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => {
        const gap = ' '.repeat(widths[index]! - widthOf(cell))
        return columns[index]!.align === 'right' ? gap + cell : cell + gap
      })
      .join('  ')
  return [
    style.dim(`     ${line(columns.map(({ title }) => title))}`.trimEnd()),
    ...rows.map((row, index) => {
      // Colours inside would end the reverse video of the chosen row.
      const isChosen = index === chosen
      const text = line(columns.map(({ cell }) => cell(row, isChosen ? plain : style)))
      return isChosen ? style.chosen(`> ${index + 1}  ${text}`) : `  ${index + 1}  ${text}`.trimEnd()
    }),
  ]
}

function footer({ totals, isLoaded, rows }: ScreenFacts, style: Style, isWide: boolean): string[] {
  const failed = `Failed ${formatCount(totals.failed)}`
  const figures = [
    `Answered ${formatCount(totals.answered)}`,
    `Fallbacks ${formatCount(totals.fallbacks)}`,
    totals.failed > 0 ? style.bad(failed) : failed,
    `Load ${isLoaded ? 'on' : 'off'}`,
  ].join(isWide ? '   ' : '  ')
  const keys = KEYS.map(([key, word]) => `${style.bold(key)} ${word}`)
  const choose = `Choose ${style.bold(`1 to ${rows.length}`)}`
  const lines = isWide
    ? [`${choose}, then  ${keys.slice(0, 3).join('   ')}`, keys.slice(3).join('   ')]
    : [`${choose}  ${keys.slice(0, 3).join('  ')}`, keys.slice(3).join('  ')]
  return [figures, '', ...lines].map((line) => (line === '' ? '' : `  ${line}`))
}

function help(style: Style): string[] {
  return [
    ...KEYS.map(([key, word, about]) => `  ${style.bold(key)}  ${word.padEnd(11)}  ${style.dim(about)}`),
    style.dim('  MEDIAN is of whole pages: who is asked for fragments alone has none.'),
  ]
}

/** `1,204` */
export const formatCount = (count: number): string => count.toLocaleString('en')

function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

/** Cells of a text, without its colours. */
export const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length

/** Cuts a line to the width of the terminal, and ends the colours that were cut. */
export function cut(line: string, columns: number): string {
  if (widthOf(line) <= columns) return line
  let width = 0
  let text = ''
  for (const [part] of line.matchAll(/\u001b\[[0-9;]*m|./gsu)) {
    if (!part.startsWith('\u001b') && ++width > columns) continue
    text += part
  }
  return text
}
