/**
 * The text form of our own patterns, both ways. Its grammar stands in `pattern.ts`.
 *
 * @module
 */
import { assemble, checkLength, type Part, partName } from './parts.ts'
import {
  CHARACTER_CLASSES,
  type CharacterClass,
  type Pattern,
  PatternError,
  type Translation,
} from './pattern.ts'

/** Canonical text of a pattern: `parsePattern` makes the same pattern of it. */
export function formatPattern(pattern: Pattern): string {
  return pattern.text
}

/**
 * Reads our own form; optional segments make several patterns.
 *
 * @throws PatternError for text that is no pattern, or passes a limit
 */
export function parsePattern(path: string): Translation {
  checkLength(path)
  if (!path.startsWith('/')) throw new PatternError(path, 'it must begin with /')
  const parts: Part[] = []
  const warnings: string[] = []
  if (/%[0-9a-f]{2}/i.test(path)) {
    warnings.push('patterns are written decoded; the % in it stands for itself')
  }
  let at = 0
  while (at < path.length) {
    const character = path[at]!
    if (character === '/') {
      parts.push({ kind: 'slash' })
      at++
    } else if (character === '{') {
      const close = path.indexOf('}', at)
      if (close < 0) throw new PatternError(path, 'a { has no }')
      readBraces(path, path.slice(at + 1, close), isWhole(path, at, close + 1), parts)
      at = close + 1
    } else if (character === '*') {
      const end = path[at + 1] === '*' ? at + 2 : at + 1
      if (!isWhole(path, at, end))
        throw new PatternError(path, 'a * stands alone between slashes; write \\* for the character')
      parts.push(end === at + 1 ? { kind: 'wildcard' } : { kind: 'splat', name: '', least: 0 })
      at = end
    } else if (character === '}') {
      throw new PatternError(path, 'a } has no {; write \\} for the character')
    } else {
      at = readText(path, at, parts)
    }
  }
  return assemble(path, parts, warnings)
}

/** Whether what stands from `from` to `to` is a whole segment. */
function isWhole(path: string, from: number, to: number): boolean {
  return path[from - 1] === '/' && !isEscaped(path, from - 1) && (to === path.length || path[to] === '/')
}

function isEscaped(path: string, at: number): boolean {
  let backslashes = 0
  while (path[at - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}

function readText(path: string, from: number, parts: Part[]): number {
  let text = ''
  let at = from
  while (at < path.length && !'/{}*'.includes(path[at]!)) {
    if (path[at] === '\\') at++
    if (at === path.length) throw new PatternError(path, 'nothing follows the last \\')
    text += path[at]
    at++
  }
  parts.push({ kind: 'text', text })
  return at
}

function readBraces(path: string, body: string, whole: boolean, parts: Part[]): void {
  const mark = '?+*'.includes(body.at(-1) ?? ' ') ? body.at(-1) : undefined
  const [name = '', characters, ...more] = (mark ? body.slice(0, -1) : body).split(':')
  if (more.length > 0 || (name !== '' && partName(name) === '')) {
    throw new PatternError(path, `{${body}} is not {name}, {name:class}, {name?}, {name+} or {name*}`)
  }
  if (characters !== undefined && !isClass(characters)) {
    throw new PatternError(path, `"${characters}" is none of ${CHARACTER_CLASSES.join(', ')}`)
  }
  if (mark && !whole) throw new PatternError(path, `{${body}} must stand alone between slashes`)
  const parameter: Part = { kind: 'parameter', name, ...(characters === undefined ? {} : { characters }) }
  if (mark === undefined) parts.push(parameter)
  else if (mark === '?') parts.push({ kind: 'optional', parts: [parts.pop()!, parameter] })
  else if (characters !== undefined) throw new PatternError(path, `{${body}} can't have a character class`)
  else parts.push({ kind: 'splat', name, least: mark === '+' ? 1 : 0 })
}

function isClass(text: string): text is CharacterClass {
  return (CHARACTER_CLASSES as readonly string[]).includes(text)
}
