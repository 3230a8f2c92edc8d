/**
 * Reader of Express paths, versions 5 and 4 in one: `:id`, `:id?`, `:id(\d+)`, `{/:id}`, `*rest`, `/*`, `(.*)`.
 *
 * Express ignores case and a slash at the end unless told otherwise; here both are as written, because for the
 * gateway `/a` is not `/a/`. Text may be percent-encoded, as Express compares it with the encoded path.
 *
 * @module
 */

import { readConstraint } from './constraint.ts'
import { type Part, partName } from './parts.ts'
import { PatternError } from './pattern.ts'
import { closing, constrained, decodeText, nameEnd, withSlash } from './reader.ts'

const MEANINGFUL = '/:*({})?+[]!\\'

export function readExpress(path: string, warnings: string[]): readonly Part[] {
  return withSlash(read(path, 0, path.length, warnings, 0))
}

function read(path: string, from: number, to: number, warnings: string[], depth: number): Part[] {
  // The limit of optional parts is checked when they are combined; this one protects the reader itself.
  if (depth > 32) throw new PatternError(path, 'its groups are nested too deeply')
  const parts: Part[] = []
  let at = from
  while (at < to) {
    const character = path[at]!
    if (character === '/') {
      parts.push({ kind: 'slash' })
      at++
    } else if (character === ':') at = readParameter(path, at, parts, warnings)
    else if (character === '*') at = readStar(path, at, parts)
    else if (character === '(') {
      const close = closing(path, at, '(', ')')
      const expression = path.slice(at + 1, close)
      if (readConstraint(expression).isAnything) parts.push({ kind: 'splat', name: '', least: 1 })
      else parts.push(constrained('', expression, warnings))
      at = readMark(path, close + 1, parts)
    } else if (character === '{') {
      const close = closing(path, at, '{', '}')
      parts.push({ kind: 'optional', parts: read(path, at + 1, close, warnings, depth + 1) })
      at = close + 1
    } else if (')}+[]!?'.includes(character)) {
      throw new PatternError(
        path,
        `${character} has a meaning in Express that the gateway can't follow; write \\${character} for the character`,
      )
    } else at = readText(path, at, to, parts)
  }
  return parts
}

function readParameter(path: string, at: number, parts: Part[], warnings: string[]): number {
  const quoted = path[at + 1] === '"'
  const end = quoted ? path.indexOf('"', at + 2) : nameEnd(path, at + 1)
  if (end <= at + 1) throw new PatternError(path, 'a : has no name; write \\: for the character')
  const name = path.slice(quoted ? at + 2 : at + 1, end)
  const next = quoted ? end + 1 : end
  if (path[next] !== '(') {
    parts.push(constrained(name, undefined, warnings))
    return readMark(path, next, parts)
  }
  const close = closing(path, next, '(', ')')
  const expression = path.slice(next + 1, close)
  if (readConstraint(expression).isAnything && isLast(path, close + 1))
    parts.push({ kind: 'splat', name: partName(name), least: 1 })
  else parts.push(constrained(name, expression, warnings))
  return readMark(path, close + 1, parts)
}

/** `*name` of Express 5, and the `*` of Express 4, which also takes nothing after its slash. */
function readStar(path: string, at: number, parts: Part[]): number {
  const quoted = path[at + 1] === '"'
  const end = quoted ? path.indexOf('"', at + 2) : nameEnd(path, at + 1)
  if (end < 0) throw new PatternError(path, 'a quoted name has no end')
  const name = path.slice(quoted ? at + 2 : at + 1, end)
  parts.push({ kind: 'splat', name: partName(name), least: 1 })
  return quoted ? end + 1 : end
}

/** `?`, `+` or `*` behind a parameter, as Express 4 has them. */
function readMark(path: string, at: number, parts: Part[]): number {
  const mark = path[at]
  if (mark !== '?' && mark !== '+' && mark !== '*') return at
  const parameter = parts.pop()!
  const isSegment = parts.at(-1)?.kind === 'slash' && isEnd(path, at + 1)
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
  while (at < to && (path[at] === '\\' || !MEANINGFUL.includes(path[at]!))) {
    if (path[at] === '\\') at++
    if (at >= to) throw new PatternError(path, 'nothing follows the last \\')
    text += path[at]
    at++
  }
  // Express 4: `colou?r`, the character before the mark may be missing.
  if (path[at] === '?' && at < to) {
    const last = text.at(-1)!
    parts.push(
      { kind: 'text', text: decodeText(text.slice(0, -1)) },
      { kind: 'optional', parts: [{ kind: 'text', text: last }] },
    )
    return at + 1
  }
  parts.push({ kind: 'text', text: decodeText(text) })
  return at
}

function isEnd(path: string, at: number): boolean {
  return at === path.length || path[at] === '/' || path[at] === '}' || path[at] === '{'
}

function isLast(path: string, at: number): boolean {
  return at === path.length
}
