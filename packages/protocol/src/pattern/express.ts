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

const MEANINGFUL = '/:*({})?+[]!'

export function readExpress(path: string, warnings: string[]): readonly Part[] {
  return withSlash(read(path, { from: 0, to: path.length, depth: 0 }, warnings))
}

function read(path: string, stretch: Stretch, warnings: string[]): Part[] {
  const { to, depth } = stretch
  return readStretch(path, stretch, (character, at, parts) => {
    if (character === ':') return readParameter(path, at, parts, warnings)
    if (character === '*') return readStar(path, at, parts)
    if (character === '(') {
      const close = closing(path, at, '(', ')')
      const expression = path.slice(at + 1, close)
      if (readConstraint(expression).isAnything) parts.push({ kind: 'splat', name: '', least: 1 })
      else parts.push(constrained('', expression, warnings))
      return readMark(path, close + 1, parts)
    }
    if (character === '{') {
      const close = closing(path, at, '{', '}')
      const inner = { from: at + 1, to: close, depth: depth + 1 }
      parts.push({ kind: 'optional', parts: read(path, inner, warnings) })
      return close + 1
    }
    if (')}+[]!?'.includes(character)) {
      throw new PatternError(
        path,
        `${character} has a meaning in Express that the gateway can't follow; write \\${character} for the character`,
      )
    }
    return readText(path, at, to, parts)
  })
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
  if (readConstraint(expression).isAnything && close + 1 === path.length)
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

function readText(path: string, from: number, to: number, parts: Part[]): number {
  const { text, end } = readLiteral(path, { from, to }, MEANINGFUL)
  // Express 4: `colou?r`, the character before the mark may be missing.
  if (path[end] === '?' && end < to) {
    const last = text.at(-1)!
    parts.push(
      { kind: 'text', text: decodeText(text.slice(0, -1)) },
      { kind: 'optional', parts: [{ kind: 'text', text: last }] },
    )
    return end + 1
  }
  parts.push({ kind: 'text', text: decodeText(text) })
  return end
}
