/**
 * Cookies of requests: ours are found, and kept from services. All other bytes of the header stay as they came: browsers
 * and apps disagree about quoting, and it is not ours to settle.
 *
 * @module
 */
import { hidesOurName, isOurName, unprefixedName } from './own-cookies.ts'

/** Where a visitor was sent before (signed); never for services. */
export const ROUTE_COOKIE = 'HYDRA-ROUTE'
/** Switches tracing on for a visitor; never for services. */
export const DEBUG_COOKIE = 'HYDRA-DEBUG'

/** Of every name of ours. */
const LETTERS = 'HYDRA-'
const SEMICOLON = 59
const SPACE = 32
const TAB = 9

/** Values of a cookie of ours in all `Cookie` lines; HTTP/2 may split one header into several. */
export function cookieValues(lines: readonly string[], name: string): string[] {
  const values: string[] = []
  for (const line of lines) {
    for (let at = line.indexOf(name); at >= 0; at = line.indexOf(name, at + name.length)) {
      const end = at + name.length
      if (line.charCodeAt(end) !== EQUALS || !isPairStart(line, at)) continue
      const semicolon = line.indexOf(';', end)
      values.push(line.slice(end + 1, semicolon < 0 ? line.length : semicolon).trim())
    }
  }
  return values
}

const EQUALS = 61

/** Whether a pair begins there: only blanks stand between it and the pair before it. */
function isPairStart(line: string, at: number): boolean {
  for (let i = at - 1; i >= 0; i--) {
    const code = line.charCodeAt(i)
    if (code === SEMICOLON) return true
    if (code !== SPACE && code !== TAB) return false
  }
  return true
}

/**
 * The cookies of a request as a service gets them, of all `Cookie` lines: without ours; those it keeps to itself, whose
 * names begin with its prefix, by the names it knows. `undefined` when nothing is left.
 */
export function forwardCookies(lines: readonly string[], prefix?: string): string | undefined {
  if (prefix !== undefined) return withOwn(lines, prefix)
  let text = ''
  for (const line of lines) {
    const { length } = line
    let runAt = -1
    let from = 0
    let letters = line.indexOf(LETTERS)
    // What lies between two of ours goes on in one piece.
    while (from <= length) {
      const semicolon = line.indexOf(';', from)
      const to = semicolon < 0 ? length : semicolon
      const at = afterBlanks(line, from, to)
      if (letters >= 0 && letters < from) letters = line.indexOf(LETTERS, from)
      const isOurs = mayBeOurs(line.charCodeAt(at)) && isOurName(nameOf(line.slice(at, to)))
      if (isOurs || (letters >= 0 && letters < to && hidesOurName(line.slice(at, to)))) {
        if (runAt >= 0) text = joined(text, line.slice(runAt, from - 1))
        runAt = -1
      } else if (runAt < 0) runAt = at
      from = to + 1
    }
    if (runAt >= 0) text = joined(text, line.slice(runAt))
  }
  return text.trim() === '' ? undefined : text
}

function withOwn(lines: readonly string[], prefix: string): string | undefined {
  const others: string[] = []
  const own = new Map<string, string>()
  for (const pair of lines.flatMap((line) => line.split(';'))) {
    const name = nameOf(pair)
    if (!isOurName(name)) {
      if (pair.trim() !== '' && !hidesOurName(pair)) others.push(pair.trim())
      continue
    }
    const unprefixed = unprefixedName(name, prefix)
    // Browsers send the one with the longest path first, and that is the one meant.
    if (unprefixed === undefined || own.has(unprefixed)) continue
    const text = unprefixed + restOf(pair).trimEnd()
    if (!hidesOurName(text)) own.set(unprefixed, text)
  }
  const kept = [...others.filter((pair) => !own.has(nameOf(pair))), ...own.values()]
  return kept.length === 0 ? undefined : kept.join('; ')
}

function afterBlanks(line: string, from: number, to: number): number {
  let at = from
  while (at < to && (line.charCodeAt(at) === SPACE || line.charCodeAt(at) === TAB)) at++
  return at
}

/** `H`, or `_` as in `__Host-`. */
function mayBeOurs(code: number): boolean {
  return code === 0x48 || code === 0x5f
}

function joined(text: string, pairs: string): string {
  return text === '' ? pairs : `${text}; ${pairs}`
}

/** With the equals sign, if there is one. */
function restOf(pair: string): string {
  const equals = pair.indexOf('=')
  return equals < 0 ? '' : pair.slice(equals)
}

function nameOf(pair: string): string {
  const equals = pair.indexOf('=')
  return (equals < 0 ? pair : pair.slice(0, equals)).trim()
}
