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
import { closing, constrained, decodeText, nameEnd, withSlash } from './reader.ts'

export function readUrlPattern(path: string, warnings: string[]): readonly Part[] {
  return withSlash(read(path, 0, path.length, warnings, 0))
}

function read(path: string, from: number, to: number, warnings: string[], depth: number): Part[] {
  if (depth > 32) throw new PatternError(path, 'its groups are nested too deeply')
  const parts: Part[] = []
  let at = from
  while (at < to) {
    const character = path[at]!
    if (character === '/') {
      parts.push({ kind: 'slash' })
      at++
    } else if (character === ':') at = readParameter(path, at, parts, warnings)
    else if (character === '*') {
      parts.push(readStar(path, at))
      at++
    } else if (character === '(') {
      const close = closing(path, at, '(', ')')
      parts.push(...readExpression(path, '', path.slice(at + 1, close), close + 1, warnings))
      at = readMark(path, close + 1, parts)
    } else if (character === '{') {
      const close = closing(path, at, '{', '}')
      const inner = read(path, at + 1, close, warnings, depth + 1)
      const mark = path[close + 1]
      if (mark === '+' || mark === '*') throw new PatternError(path, `a group can't be repeated with ${mark}`)
      if (mark === '?') parts.push({ kind: 'optional', parts: inner })
      else parts.push(...inner)
      at = mark === '?' ? close + 2 : close + 1
    } else if (')}'.includes(character)) {
      throw new PatternError(path, `${character} closes nothing; write \\${character} for the character`)
    } else at = readText(path, at, to, parts)
  }
  return parts
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

function readMark(path: string, at: number, parts: Part[]): number {
  const mark = path[at]
  if (mark !== '?' && mark !== '+' && mark !== '*') return at
  const parameter = parts.pop()!
  const isSegment =
    parts.at(-1)?.kind === 'slash' && (at + 1 === path.length || '/{}'.includes(path[at + 1]!))
  if (mark === '?') {
    const before = isSegment ? [parts.pop()!] : []
    parts.push({ kind: 'optional', parts: [...before, parameter] })
    return at + 1
  }
  if (!isSegment) throw new PatternError(path, `${mark} may only follow a parameter that is a whole segment`)
  parts.push({ kind: 'splat', name: 'name' in parameter ? parameter.name : '', least: mark === '+' ? 1 : 0 })
  return at + 1
}

function readText(path: string, from: number, to: number, parts: Part[]): number {
  let text = ''
  let at = from
  while (at < to && !'/:*({})'.includes(path[at]!)) {
    if (path[at] === '\\') at++
    if (at >= to) throw new PatternError(path, 'nothing follows the last \\')
    text += path[at]
    at++
  }
  parts.push({ kind: 'text', text: decodeText(text) })
  return at
}
