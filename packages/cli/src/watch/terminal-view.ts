/**
 * `hydra watch` at a terminal: a line for each event, and keys to pause, to filter, to leave.
 *
 * @module
 */
import type { Style } from '@hydra-gateway/gateway/terminal'
import type { ServiceState, SiteEvent, WatchHello } from '@hydra-gateway/protocol'
import type { Keyboard } from '../keyboard.ts'
import { formatCount, printable, widthOf } from '../table.ts'
import { createLines, type Line, opening, plainLine, terminalLines, type Widths } from './lines.ts'
import { createScreen } from './screen.ts'

export interface View {
  onHello(hello: WatchHello, isNew: boolean): void
  onEvent(event: SiteEvent): void
  onAway(reason: string): void
  close(): void
}

export interface TerminalViewDeps {
  readonly url: string
  readonly style: Style
  readonly keyboard: Keyboard
  readonly now: () => number
  readonly onQuit: () => void
  /** Lines that wait while it is paused; of more, the first are counted and passed over. @default 10000 */
  readonly mostWaiting?: number
}

const MOST_FILTER = 60

const CTRL_C = '\u0003'
const ESCAPE = '\u001b'
const ENTER = new Set(['\r', '\n'])
const RUB_OUT = new Set(['\u007f', '\b'])

export function createTerminalView(deps: TerminalViewDeps): View {
  const { url, style, keyboard, now, onQuit, mostWaiting = 10_000 } = deps
  const lines = createLines()
  const screen = createScreen(keyboard)
  const widths: Widths = { name: 'gateway'.length, version: 0 }
  let waiting: Line[] = []
  let passedOver = 0
  let isPaused = false
  let filter = ''
  /** What is typed as a filter just now. */
  let typing: string | undefined
  let isGreeted = false

  const print = (line: Line): void => {
    if (filter !== '' && !plainLine(line).toLowerCase().includes(filter.toLowerCase())) return
    screen.print(terminalLines(line, style, screen.columns(), widths))
  }
  const show = (line: Line): void => {
    if (!isPaused) {
      print(line)
      return
    }
    waiting.push(line)
    if (waiting.length > mostWaiting) {
      waiting.shift()
      passedOver++
    }
    drawFoot()
  }
  const note = (word: ServiceState, text: string): void =>
    print({ at: now(), word, name: 'gateway', version: '', instance: '', text })

  function drawFoot(): void {
    screen.foot(style.plain(typing === undefined ? keys() : prompt(typing)))
  }
  const prompt = (typed: string): string => {
    const room = Math.max(1, screen.columns() - '  filter  _ '.length)
    const shown = `filter  ${printable([...typed].slice(-room).join(''))}${style.dim('_')}`
    return fitting([shown, `${style.bold('Enter')} use it`, `${style.bold('Esc')} leave it`])
  }
  const keys = (): string => {
    const count = waiting.length === 1 ? '1 line waits' : `${formatCount(waiting.length)} lines wait`
    return fitting([
      ...(isPaused ? [`paused, ${count}`] : []),
      `${style.bold('space')} ${isPaused ? 'go on' : 'pause'}`,
      `${style.bold('f')} filter${filter === '' ? '' : ` "${printable(filter)}"`}`,
      `${style.bold('q')} quit`,
    ])
  }
  /** What does not fit is left out from the right: a line that wraps can't be taken away again. */
  const fitting = (parts: readonly string[]): string => {
    for (let count = parts.length; count > 0; count--) {
      const foot = `  ${parts.slice(0, count).join('   ')}`
      if (widthOf(foot) < screen.columns()) return foot
    }
    return ''
  }
  const goOn = (): void => {
    isPaused = false
    const held = waiting
    waiting = []
    if (passedOver > 0) {
      const text = `${formatCount(passedOver)} lines came while it was paused, and are not kept`
      print({ at: now(), word: 'missed', name: '', version: '', instance: '', text })
    }
    passedOver = 0
    for (const line of held) print(line)
  }

  const type = (key: string): void => {
    if (key === ESCAPE) typing = undefined
    else if (ENTER.has(key)) {
      filter = typing?.trim() ?? ''
      typing = undefined
    } else if (RUB_OUT.has(key)) typing = typing?.slice(0, -1)
    else if (key >= ' ' && typing !== undefined && typing.length < MOST_FILTER) typing += key
  }
  const releaseKeys = keyboard.onKey((key) => {
    if (key === CTRL_C) return onQuit()
    if (typing !== undefined) type(key)
    else if (key === 'q' || key === 'Q') return onQuit()
    else if (key === 'f' || key === 'F') typing = filter
    else if (key === ' ' && isPaused) goOn()
    else if (key === ' ') isPaused = true
    drawFoot()
  })

  return {
    onHello(hello, isNew) {
      for (const { name } of hello.services)
        widths.name = Math.max(widths.name, Math.min(16, widthOf(printable(name))))
      lines.learn(hello)
      if (!isGreeted) screen.print(opening(hello, url, style).map(style.plain))
      else note('available', isNew ? 'it was started again' : 'it is back')
      isGreeted = true
      drawFoot()
    },
    onEvent(event) {
      const line = lines.read(event)
      if (line) show(line)
    },
    onAway(reason) {
      note('unknown', `${reason}; trying again every second`)
    },
    close() {
      releaseKeys()
      screen.close()
    },
  }
}
