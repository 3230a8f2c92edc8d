/**
 * Reader of URLPattern paths and of Hono's: `:id`, `:id{[0-9]+}`, `:id([0-9]+)`, `:id?`, `:rest+`, `{text}?`, `*`.
 *
 * Where the two differ, Hono is followed: `*` at the end is everything below and the path itself (`/a/*` also
 * matches `/a`), elsewhere it is one segment. Text may be percent-encoded.
 *
 * @module
 */
import { readConstraint } from './constraint.ts'
import { type Part, partName } from './parts.ts'
import { PatternError } from './pattern.ts'
import {
  closing,
  constrained,
  decodeText,
  nameEnd,
  readLiteral,
  readMark,
  readStretch,
  type Stretch,
  withSlash,
} from './reader.ts'

export function readUrlPattern(path: string, warnings: string[]): readonly Part[] {
  return withSlash(read(path, { from: 0, to: path.length, depth: 0 }, warnings))
}

function read(path: string, stretch: Stretch, warnings: string[]): Part[] {
  const { to, depth } = stretch
  return readStretch(path, stretch, (character, at, parts) => {
    if (character === ':') return readParameter(path, at, parts, warnings)
    if (character === '*') {
      parts.push(readStar(path, at))
      return at + 1
    }
    if (character === '(') {
      const close = closing(path, at, '(', ')')
      parts.push(...readExpression(path, '', path.slice(at + 1, close), close + 1, warnings))
      return readMark(path, close + 1, parts)
    }
    if (character === '{') {
      const close = closing(path, at, '{', '}')
      const inner = read(path, { from: at + 1, to: close, depth: depth + 1 }, warnings)
      const mark = path[close + 1]
      if (mark === '+' || mark === '*') throw new PatternError(path, `a group can't be repeated with ${mark}`)
      if (mark === '?') parts.push({ kind: 'optional', parts: inner })
      else parts.push(...inner)
      return mark === '?' ? close + 2 : close + 1
    }
    if (')}'.includes(character)) {
      throw new PatternError(path, `${character} closes nothing; write \\${character} for the character`)
    }
    const { text, end } = readLiteral(path, { from: at, to }, '/:*({})')
    parts.push({ kind: 'text', text: decodeText(text) })
    return end
  })
}

function readParameter(path: string, at: number, parts: Part[], warnings: string[]): number {
  const end = nameEnd(path, at + 1)
  if (end === at + 1) throw new PatternError(path, 'a : has no name; write \\: for the character')
  const name = path.slice(at + 1, end)
  const open = path[end]
  // Hono's `:id{regex}` touches the name; a group of URLPattern that does is read the same way, as Hono would.
  if (open !== '(' && open !== '{') {
    parts.push(constrained(name, undefined, warnings))
    return readMark(path, end, parts)
  }
  const close = closing(path, end, open, open === '(' ? ')' : '}')
  parts.push(...readExpression(path, name, path.slice(end + 1, close), close + 1, warnings))
  return readMark(path, close + 1, parts)
}

/** `.*` and `.+` at the end of the path take slashes as well, in both. */
function readExpression(
  path: string,
  name: string,
  expression: string,
  next: number,
  warnings: string[],
): Part[] {
  if (readConstraint(expression).isAnything && next === path.length) {
    return [{ kind: 'splat', name: partName(name), least: 1 }]
  }
  return [constrained(name, expression, warnings)]
}

function readStar(path: string, at: number): Part {
  if (at === path.length - 1) return { kind: 'splat', name: '', least: 0 }
  return path[at - 1] === '/' && path[at + 1] === '/'
    ? { kind: 'wildcard' }
    : { kind: 'splat', name: '', least: 0 }
}
