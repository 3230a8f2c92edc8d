/**
 * Reader of Spring's PathPattern, the language of Medusa's `endpoints` (`medusa.md` 2.3).
 *
 * `{x}`, `{x:regex}`, `{*rest}`, `*`, `**`, `?`. As in Spring, `/a/**` and `/a/{*rest}` also match `/a`, a `*`
 * at the end also matches the empty segment, and text is compared with the decoded path.
 *
 * @module
 */
import type { Part } from './parts.ts'
import { partName } from './parts.ts'
import { PatternError } from './pattern.ts'
import { closing, constrained, withSlash } from './reader.ts'

export function readSpring(path: string, warnings: string[]): readonly Part[] {
  const parts: Part[] = []
  let at = 0
  while (at < path.length) {
    const from = at
    switch (path[at]) {
      case '/':
        parts.push({ kind: 'slash' })
        at++
        break
      case '{': {
        const close = closing(path, at, '{', '}')
        parts.push(readVariable(path, path.slice(at + 1, close), isAlone(path, from, close + 1), warnings))
        at = close + 1
        break
      }
      case '*': {
        while (path[at] === '*') at++
        const isRest = at - from > 1 && isAlone(path, from, at)
        parts.push(isRest ? { kind: 'splat', name: '', least: 0 } : readStar(path, from, at))
        break
      }
      case '?':
        warnings.push('? was read as one or more characters')
        parts.push({ kind: 'parameter', name: '' })
        at++
        break
      case '}':
        throw new PatternError(path, 'a } has no {')
      default:
        while (at < path.length && !'/{}*?'.includes(path[at]!)) at++
        parts.push({ kind: 'text', text: path.slice(from, at) })
    }
  }
  return withSlash(parts)
}

function readVariable(path: string, body: string, isWhole: boolean, warnings: string[]): Part {
  if (body.startsWith('*')) {
    if (!isWhole) throw new PatternError(path, `{${body}} must be a whole segment`)
    return { kind: 'splat', name: partName(body.slice(1)), least: 0 }
  }
  const colon = body.indexOf(':')
  if (body === '' || colon === 0) throw new PatternError(path, 'a {} has no name')
  if (colon < 0) return constrained(body, undefined, warnings)
  return constrained(body.slice(0, colon), body.slice(colon + 1), warnings)
}

/** A star takes no character as well, but inside a path it never takes a whole segment that is empty. */
function readStar(path: string, from: number, to: number): Part {
  if (isAlone(path, from, to) && to < path.length) return { kind: 'wildcard' }
  if (isAlone(path, from, to)) return { kind: 'optional', parts: [{ kind: 'wildcard' }] }
  // Text and one star: with and without something in its place. More stars are read as one parameter anyway.
  const star: Part = { kind: 'parameter', name: '' }
  return isOnlyStar(path, from, to) ? { kind: 'optional', parts: [star] } : star
}

function isAlone(path: string, from: number, to: number): boolean {
  return (from === 0 || path[from - 1] === '/') && (to === path.length || path[to] === '/')
}

function isOnlyStar(path: string, from: number, to: number): boolean {
  const begin = path.lastIndexOf('/', from) + 1
  const end = path.indexOf('/', to)
  const others = path.slice(begin, from) + path.slice(to, end < 0 ? path.length : end)
  return !/[*{?]/.test(others)
}
