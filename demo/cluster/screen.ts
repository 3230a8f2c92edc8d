/**
 * The screen of the cluster demo: facts in, lines out. Nothing here writes.
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import { cut, formatCount, widthOf } from '../live/screen.ts'
import { HOW_TO_SIGN_IN } from '../shop/people.ts'
import type { ClusterEvent, Row } from './cluster.ts'

export interface Counters {
  readonly answered: number
  readonly failed: number
  readonly askedAgain: number
  readonly slowestMs: number
  readonly perSecond: number
}

/** What is heard in the chat. */
export interface Heard {
  readonly said: number
  readonly heard: number
  readonly lost: number
  readonly recovered: number
  readonly caughtUp: number
}

export interface ScreenFacts {
  readonly url: string
  readonly nodesCommand: string
  readonly rows: readonly Row[]
  readonly events: readonly ClusterEvent[]
  readonly counters: Counters
  readonly talk: Heard
  /** Lines the terminal has. */
  readonly height: number
}

/** More would only be history. */
const MOST_EVENTS = 12
const STATE_WIDTH = 12
const NAME_WIDTH = 8

/** Lines of the screen, no more than fit. */
export function renderScreen(facts: ScreenFacts, style: Style): string[] {
  const { url, nodesCommand, rows, events, counters, talk, height } = facts
  const isWide = style.columns >= 80
  const name = `${style.mark}${style.bold('hydra demo:cluster')}`
  const address = style.underline(url)
  const head = isWide
    ? [
        name + ' '.repeat(Math.max(2, 78 - widthOf(name) - widthOf(address))) + address,
        style.dim(`  ${HOW_TO_SIGN_IN}`),
        style.dim(`  ${nodesCommand}`),
      ]
    : [name, address]
  const top = [...head, '', ...table(rows, style, isWide), '']
  const bottom = ['', ...footer(rows, counters, talk, style, isWide)]
  const room = Math.min(MOST_EVENTS, Math.max(1, height - top.length - bottom.length))
  const middle = events.slice(-room).map((event) => eventLine(event, style))
  // The keys keep their place while events come.
  while (middle.length < room) middle.push('')
  return [...top, ...middle, ...bottom].map((line) => cut(style.plain(line), style.columns)).slice(0, height)
}

function table(rows: readonly Row[], style: Style, isWide: boolean): string[] {
  const line = (key: string, state: string, name: string, a: string, b: string, about: string): string =>
    `  ${key}  ${state}  ${name.padEnd(NAME_WIDTH)}  ${a.padStart(7)}  ${b.padStart(7)}${isWide ? `  ${about}` : ''}`.trimEnd()
  return [
    style.dim(line(' ', 'STATE'.padEnd(STATE_WIDTH), 'WHAT', 'AT A', 'AT B', 'PROCESSES')),
    ...rows.map(({ key, state, name, serving, started, pids, about }) => {
      const [a = '', b = ''] = serving.map((count) => (count === undefined ? '-' : `${count} of ${started}`))
      const detail = [pids.join(', '), about].filter(Boolean).join('   ')
      return line(style.bold(key), style.state(state, STATE_WIDTH), name, a, b, style.dim(detail))
    }),
  ]
}

/** `14:03:27  ✕ down        node b   kill -9 4711` */
function eventLine({ at, state, name, text }: ClusterEvent, style: Style): string {
  const time = style.dim(new Date(at).toLocaleTimeString('en-GB'))
  const shape = state ? style.state(state, STATE_WIDTH) : ' '.repeat(STATE_WIDTH)
  return `  ${time}  ${shape}  ${(name ?? '').padEnd(NAME_WIDTH)}  ${text}`
}

/** `Chat 1,204 lines   Lost 0   Sockets back 3   Gaps told and filled 6` */
function chatLine(
  { said, lost, recovered, caughtUp }: Heard,
  style: Style,
  gap: string,
  isWide: boolean,
): string {
  const losses = `Lost ${formatCount(lost)}`
  return [
    `Chat ${formatCount(said)} lines`,
    lost > 0 ? style.bad(losses) : style.good(losses),
    ...(isWide
      ? [`Sockets back ${formatCount(recovered)}`, `Gaps told and filled ${formatCount(caughtUp)}`]
      : []),
  ].join(gap)
}

function footer(
  rows: readonly Row[],
  counters: Counters,
  talk: Heard,
  style: Style,
  isWide: boolean,
): string[] {
  const keys = rows.map(({ key }) => key).join(' ')
  const { answered, failed, askedAgain, slowestMs, perSecond } = counters
  const failures = `Failed ${formatCount(failed)}`
  const gap = isWide ? '   ' : '  '
  const figures = [
    `Answered ${formatCount(answered)}`,
    failed > 0 ? style.bad(failures) : style.good(failures),
    `Asked again ${formatCount(askedAgain)}`,
    ...(isWide ? [`${Math.round(perSecond)} pages/s`, `slowest ${Math.round(slowestMs)} ms`] : []),
  ].join(gap)
  return [
    `  ${figures}`,
    `  ${chatLine(talk, style, gap, isWide)}`,
    '',
    `  ${style.bold(keys)}  kill -9 what stands in that row${isWide ? '; it comes back by itself' : ''}`,
    `  ${style.bold('q'.padEnd(keys.length))}  quit`,
  ]
}
