/**
 * What the readers of foreign dialects have in common: stretches and slashes, the marks behind
 * parameters, finding the end of a name or a bracket, and decoding.
 *
 * @module
 */
import { readConstraint } from './constraint.ts'
import { type Part, partName } from './parts.ts'
import { PatternError } from './pattern.ts'

const NAME = /[\p{ID_Continue}$]*/uy

/** End of the identifier that begins at `from`; `from` itself when there is none. */
export function nameEnd(path: string, from: number): number {
  NAME.lastIndex = from
  NAME.test(path)
  return NAME.lastIndex
}

/** Index of the bracket that closes the one at `from`. A backslash takes the meaning from what follows it. */
export function closing(path: string, from: number, open: string, close: string): number {
  let depth = 0
  for (let at = from; at < path.length; at++) {
    const character = path[at]
    if (character === '\\') at++
    else if (character === open) depth++
    else if (character === close && --depth === 0) return at
  }
  throw new PatternError(path, `a ${open} has no ${close}`)
}

/** A parameter with what its constraint, if any, allows us to check. */
export function constrained(name: string, expression: string | undefined, warnings: string[]): Part {
  if (expression === undefined) return { kind: 'parameter', name: partName(name) }
  const { characters, warning } = readConstraint(expression)
  if (warning !== undefined) warnings.push(warning)
  return { kind: 'parameter', name: partName(name), ...(characters === undefined ? {} : { characters }) }
}

/**
 * Reads a stretch of a path. Slashes are the same in every dialect; `readOther` reads what else begins at `at`,
 * appends it to `parts` and returns where it ends.
 */
export function readStretch(
  path: string,
  { from, to, depth }: Stretch,
  readOther: (character: string, at: number, parts: Part[]) => number,
): Part[] {
  // The limit of optional parts is checked when they are combined; this one protects the reader itself.
  if (depth > 32) throw new PatternError(path, 'its groups are nested too deeply')
  const parts: Part[] = []
  let at = from
  while (at < to) {
    const character = path[at]!
    if (character !== '/') at = readOther(character, at, parts)
    else {
      parts.push({ kind: 'slash' })
      at++
    }
  }
  return parts
}

export interface Stretch {
  readonly from: number
  readonly to: number
  /** How many groups it stands in. */
  readonly depth: number
}

/** `?`, `+` or `*` behind a parameter, the last of `parts`; returns where it ends. */
export function readMark(path: string, at: number, parts: Part[]): number {
  const mark = path[at]
  if (mark !== '?' && mark !== '+' && mark !== '*') return at
  const parameter = parts.pop()!
  const isEnd = at + 1 === path.length || '/{}'.includes(path[at + 1]!)
  const isSegment = parts.at(-1)?.kind === 'slash' && isEnd
  if (mark === '?') {
    const before = isSegment ? [parts.pop()!] : []
    parts.push({ kind: 'optional', parts: [...before, parameter] })
    return at + 1
  }
  if (!isSegment) throw new PatternError(path, `${mark} may only follow a parameter that is a whole segment`)
  parts.push({ kind: 'splat', name: 'name' in parameter ? parameter.name : '', least: mark === '+' ? 1 : 0 })
  return at + 1
}

/** Text up to the first of the characters `stops` that no backslash stands before, still encoded. */
export function readLiteral(
  path: string,
  { from, to }: Pick<Stretch, 'from' | 'to'>,
  stops: string,
): { text: string; end: number } {
  let text = ''
  let end = from
  while (end < to && !stops.includes(path[end]!)) {
    if (path[end] === '\\') end++
    if (end >= to) throw new PatternError(path, 'nothing follows the last \\')
    text += path[end]
    end++
  }
  return { text, end }
}

/** Percent-decodes the text of dialects that write paths encoded; text with invalid escapes stays as it is. */
export function decodeText(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Adds the slash in front that a framework adds itself. */
export function withSlash(parts: readonly Part[]): readonly Part[] {
  const [first] = parts
  const begins = first?.kind === 'slash' || (first?.kind === 'optional' && first.parts[0]?.kind === 'slash')
  return begins ? parts : [{ kind: 'slash' }, ...parts]
}
