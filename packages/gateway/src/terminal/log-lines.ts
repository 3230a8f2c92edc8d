/**
 * The log for a person at a terminal: one short line for each event instead of JSON.
 *
 * @module
 */
import { fold } from './fold.ts'
import type { Style } from './style.ts'

const ATTENTION = new Set(['warn', 'error', 'fatal'])
const ALREADY_SAID = new Set(['level', 'time', 'msg'])

/** Cells of the time and the level, with the spaces around them. */
const HEAD_WIDTH = 19

/** Where pino may write to: takes its JSON lines, passes readable ones on. */
export function readableLog(write: (text: string) => void, style: Style): { write(line: string): void } {
  return {
    write(line) {
      write(formatLogLine(line, style))
    },
  }
}

/** One JSON log line as `14:03:27  warn  message  field=value …`; text that is no log line stays as it is. */
export function formatLogLine(line: string, style: Style): string {
  let event: Record<string, unknown>
  try {
    event = JSON.parse(line, (_, value) => (typeof value === 'string' ? shown(value) : value))
  } catch {
    return line
  }
  const level = String(event.level ?? 'info')
  const time = style.dim(localTime(event.time))
  const word = ATTENTION.has(level) ? style.bad(level.padEnd(5)) : style.dim(level.padEnd(5))
  const said = event.msg === 'exchange' ? formatExchange(event, style) : formatEvent(event, style)
  // The stack of an error, below its line, is for whoever reads code: it stays as it is.
  const [sentence = '', ...stack] = said.split('\n')
  const folded = fold(sentence, style.columns - HEAD_WIDTH).replaceAll('\n', `\n${' '.repeat(HEAD_WIDTH)}`)
  return style.plain(`${[`  ${time}  ${word}  ${folded}`, ...stack].join('\n')}\n`)
}

// What services say of themselves stands in the log: it must not move the cursor or turn text around.
const UNSHOWABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g
const shown = (text: string) => text.replace(UNSHOWABLE, '\ufffd')

/** A finished request: what was asked, what came of it, who answered. */
function formatExchange(event: Record<string, unknown>, style: Style): string {
  const { method, path, status, durationMs, service, instance, exchange, ...rest } = event
  const isBad = typeof status === 'number' && status >= 500
  const outcome = isBad ? style.bad(String(status)) : String(status ?? '')
  const who = service === undefined ? 'hydra' : `${service} ${shortId(instance)}`.trimEnd()
  const parts = [String(method).padEnd(6), path, outcome, `${Math.round(Number(durationMs))} ms`, who]
  const more = ['error', 'reason', 'outcome'].flatMap((name) =>
    rest[name] === undefined ? [] : [String(rest[name])],
  )
  return [...parts, ...more, style.dim(String(exchange))].join('  ')
}

function formatEvent(event: Record<string, unknown>, style: Style): string {
  const fields = Object.entries(event).flatMap(([name, value]) => {
    if (ALREADY_SAID.has(name) || value === undefined) return []
    return [style.dim(`${name}=`) + (name === 'instance' ? shortId(value) : formatValue(name, value))]
  })
  return [String(event.msg ?? ''), ...fields].join('  ')
}

/** Ids of instances are long and random; eight characters tell them apart. */
const shortId = (id: unknown) => (typeof id === 'string' ? id.slice(0, 8) : '')

function formatValue(name: string, value: unknown): string {
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value)
  // an error is for whoever mends it: its stack says where
  if (name === 'err' && typeof value === 'object' && value !== null && 'stack' in value)
    return `\n${value.stack}`
  return JSON.stringify(value)
}

function localTime(time: unknown): string {
  const date = new Date(typeof time === 'number' || typeof time === 'string' ? time : Number.NaN)
  if (Number.isNaN(date.getTime())) return '        '
  const two = (number: number) => String(number).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}
