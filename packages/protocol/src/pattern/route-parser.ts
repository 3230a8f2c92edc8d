/**
 * Reader of the paths hydra services register (`flywheel.md` 3.1), the grammar of `route-parser` 0.0.5: `:name`,
 * `*rest`, groups in `( )` that may be missing, everything else as written. Text is compared with the decoded path.
 *
 * Such services wrote their paths for Express. Where the grammar has no sense for what they meant, Express's is taken:
 * `*` alone is anything, `:id?` may be missing, and of `:id([0-9]+)` the group is a constraint.
 *
 * @module
 */
import { readConstraint } from './constraint.ts'
import { type Part, partName } from './parts.ts'
import { PatternError } from './pattern.ts'
import { closing, constrained, decodeText, readStretch, type Stretch, withSlash } from './reader.ts'

const ANY_REST = 'what stands for any number of segments was read as one, because more follows it'

export function readRouteParser(path: string, warnings: string[]): readonly Part[] {
  const parts = read(path, { from: 0, to: path.length, depth: 0 }, warnings)
  return withSlash(settle(parts, false, warnings))
}

function read(path: string, stretch: Stretch, warnings: string[]): Part[] {
  const { to, depth } = stretch
  return readStretch(path, stretch, (character, at, parts) => {
    if (character === ':' || character === '*') {
      const { name, end } = readName(path, at, character)
      if (character === '*') {
        parts.push({ kind: 'splat', name: partName(name), least: 1 })
        return end
      }
      if (name !== '') return readParameter(path, name, { from: end, to }, parts, warnings)
    }
    if (character === ')') throw new PatternError(path, 'a ) closes nothing')
    if (character !== '(') return readText(path, at, to, parts)
    const close = closing(path, at, '(', ')')
    const body = path.slice(at + 1, close)
    if (body === '') throw new PatternError(path, 'a group in ( ) is empty')
    if (isExpression(body)) return readConstrained(path, '', { from: at, to: close }, parts, warnings)
    const inner = read(path, { from: at + 1, to: close, depth: depth + 1 }, warnings)
    parts.push({ kind: 'optional', parts: inner })
    return close + 1
  })
}

const NAMES = { ':': /:+(\w+)/y, '*': /\*+(\w*)/y } as const

/** The name behind `:` or `*`, however many of them there are; empty when there is none. */
function readName(path: string, at: number, mark: ':' | '*'): { name: string; end: number } {
  const pattern = NAMES[mark]
  pattern.lastIndex = at
  const found = pattern.exec(path)
  return { name: found?.[1] ?? '', end: found ? pattern.lastIndex : at }
}

function readParameter(
  path: string,
  name: string,
  { from, to }: Pick<Stretch, 'from' | 'to'>,
  parts: Part[],
  warnings: string[],
): number {
  if (path[from] === '(' && from < to) {
    const close = closing(path, from, '(', ')')
    if (isExpression(path.slice(from + 1, close)))
      return readConstrained(path, name, { from, to: close }, parts, warnings)
  }
  parts.push({ kind: 'parameter', name: partName(name) })
  return readMark(path, from, parts)
}

/** A regular expression in the brackets from `from` to `to`. */
function readConstrained(
  path: string,
  name: string,
  { from, to }: Pick<Stretch, 'from' | 'to'>,
  parts: Part[],
  warnings: string[],
): number {
  const expression = path.slice(from + 1, to)
  if (readConstraint(expression).isAnything && to + 1 === path.length)
    parts.push({ kind: 'splat', name: partName(name), least: 1 })
  else parts.push(constrained(name, expression, warnings))
  return readMark(path, to + 1, parts)
}

/** What of Express stands behind a parameter: `?`, or a `*` that is the name of nothing. */
function readMark(path: string, at: number, parts: Part[]): number {
  const mark = path[at]
  if (mark !== '?' && (mark !== '*' || /\w/.test(path[at + 1] ?? ''))) return at
  const isEnd = at + 1 === path.length || '/()'.includes(path[at + 1]!)
  const parameter = parts.at(-1)!
  const isSegment = isEnd && parts.at(-2)?.kind === 'slash'
  if (mark === '?') {
    parts.push({ kind: 'optional', parts: parts.splice(isSegment ? -2 : -1) })
    return at + 1
  }
  if (!isSegment) return at
  parts[parts.length - 1] = { kind: 'splat', name: 'name' in parameter ? parameter.name : '', least: 0 }
  return at + 1
}

/**
 * Whether what stands in brackets is a regular expression, and no group that may be missing: it has characters no path
 * has, beside those of parameters in it. A group mostly begins with a slash, which no constraint of a segment does.
 */
function isExpression(body: string): boolean {
  if (body.startsWith('/')) return false
  const rest = body.replace(/:\w+(?:\([^()]*\))?\??/g, '')
  return /[\\[\]|+^${}?]|\*(?!\w)/.test(rest)
}

function readText(path: string, from: number, to: number, parts: Part[]): number {
  let end = from
  // Colons that name nothing, however many: they are not looked at one by one.
  while (end < to && path[end] === ':') end++
  while (end < to && !'/:*()'.includes(path[end]!)) end++
  parts.push({ kind: 'text', text: decodeText(path.slice(from, end)) })
  return end
}

/**
 * A splat takes all that may follow it, so that is left away. Where something must follow it, which our patterns can't
 * say, it takes one segment.
 */
function settle(parts: readonly Part[], isFollowed: boolean, warnings: string[]): readonly Part[] {
  let settled: Part[] = []
  let mustFollow = isFollowed
  for (const part of parts.toReversed()) {
    if (part.kind === 'optional') {
      settled.push({ kind: 'optional', parts: settle(part.parts, mustFollow, warnings) })
      continue
    }
    if (part.kind !== 'splat') settled.push(part)
    else if (!mustFollow) settled = [part]
    else {
      warnings.push(ANY_REST)
      settled.push({ kind: 'parameter', name: part.name })
    }
    mustFollow = true
  }
  return settled.reverse()
}
