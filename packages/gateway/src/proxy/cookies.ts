/**
 * Cookies of requests: ours are found, and kept from services. All other bytes of the header stay as they came: browsers
 * and apps disagree about quoting, and it is not ours to settle.
 *
 * @module
 */
import type { RequestHead } from '../http1/head.ts'
import { COOKIE } from '../http1/names.ts'
import { isOurName, unprefixedName } from './own-cookies.ts'

/** Where a visitor was sent before (signed); never for services. */
export const ROUTE_COOKIE = 'HYDRA-ROUTE'
/** Switches tracing on for a visitor; never for services. */
export const DEBUG_COOKIE = 'HYDRA-DEBUG'

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
  const kept: string[] = []
  let own: Map<string, string> | undefined
  const all = lines.length === 1 ? lines[0]! : lines.join('; ')
  for (const pair of all.split(';')) {
    const name = nameOf(pair)
    if (!isOurName(name)) {
      kept.push(pair)
      continue
    }
    const unprefixed = prefix === undefined ? undefined : unprefixedName(name, prefix)
    if (unprefixed === undefined) continue
    own ??= new Map()
    // Browsers send the one with the longest path first, and that is the one meant.
    if (!own.has(unprefixed)) own.set(unprefixed, unprefixed + restOf(pair).trimEnd())
  }
  if (own === undefined) {
    const text = kept.join(';').replace(/^[ \t]+/, '')
    return text.trim() === '' ? undefined : text
  }
  const others = kept
    .filter((pair) => pair.trim() !== '' && !own.has(nameOf(pair)))
    .map((pair) => pair.trim())
  return [...others, ...own.values()].join('; ')
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

/** `HYDRA-` somewhere in there. */
function holdsOurs(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to - 5; i++) {
    if (
      bytes[i] === 0x48 &&
      bytes[i + 1] === 0x59 &&
      bytes[i + 2] === 0x44 &&
      bytes[i + 3] === 0x52 &&
      bytes[i + 4] === 0x41 &&
      bytes[i + 5] === 0x2d
    ) {
      return true
    }
  }
  return false
}

/** Whether a cookie of ours may be among those of a request. */
export function holdsOurCookies(head: RequestHead): boolean {
  const { count, id, valueAt, valueEnd } = head.lines()
  for (let i = 0; i < count; i++) {
    if (id[i] === COOKIE && holdsOurs(head.bytes, valueAt[i]!, valueEnd[i]!)) return true
  }
  return false
}
