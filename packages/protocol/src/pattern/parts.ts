/**
 * Parts: what every dialect's reader produces, and how parts become patterns. Limits live here, so that no
 * text, however hostile, costs more than time linear in its length.
 *
 * @module
 */
import {
  type CharacterClass,
  type Pattern,
  PatternError,
  patternOf,
  type Segment,
  shorten,
  type Translation,
} from './pattern.ts'

/** Characters of one declared path. */
export const MAX_LENGTH = 4096
/** Segments of one pattern. */
export const MAX_SEGMENTS = 64
/** Patterns one path may stand for, by its optional parts. */
export const MAX_COMBINATIONS = 16
/** Optional parts inside one another. */
export const MAX_DEPTH = 8

/** Warnings about one path; more would only repeat themselves. */
const MAX_WARNINGS = 8

export type Part =
  | { readonly kind: 'slash' }
  /** Decoded text; a slash in it is a character of its segment. */
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string; readonly characters?: CharacterClass }
  | { readonly kind: 'wildcard' }
  | { readonly kind: 'splat'; readonly name: string; readonly least: 0 | 1 }
  | { readonly kind: 'optional'; readonly parts: readonly Part[] }

/** Refuses a text that is too long to be read. */
export function checkLength(path: string): void {
  if (path.length > MAX_LENGTH) throw new PatternError(path, `a path may have ${MAX_LENGTH} characters`)
}

/** Names are for people: one that our text form has no room for is dropped. */
export function partName(name: string): string {
  return /^[^\s{}:?+*\\/\p{C}]{1,64}$/u.test(name) ? name : ''
}

/**
 * Patterns for every combination of the optional parts.
 *
 * @throws PatternError when a limit is passed, or a splat is not last
 */
export function assemble(path: string, parts: readonly Part[], warnings: readonly string[]): Translation {
  const said = new Set(warnings)
  const patterns = new Map<string, Pattern>()
  for (const sequence of expand(path, foldOptionalSplat(parts), 0)) {
    for (const segments of segmentsOf(path, sequence, said)) {
      const pattern = patternOf(segments)
      if (!patterns.has(pattern.shape)) patterns.set(pattern.shape, pattern)
    }
  }
  const shown = [...said].slice(0, MAX_WARNINGS).map((warning) => `${shorten(path, 80)}: ${warning}`)
  return { patterns: [...patterns.values()], warnings: shown }
}

/** `/files{/*rest}` is one pattern of ours, `/files/{rest*}`, and not two. */
function foldOptionalSplat(parts: readonly Part[]): readonly Part[] {
  const last = parts.at(-1)
  if (last?.kind !== 'optional' || last.parts.length !== 2) return parts
  const [slash, splat] = last.parts
  if (slash?.kind !== 'slash' || splat?.kind !== 'splat') return parts
  return [...parts.slice(0, -1), slash, { ...splat, least: 0 }]
}

function expand(path: string, parts: readonly Part[], depth: number): readonly (readonly Part[])[] {
  if (depth > MAX_DEPTH) throw new PatternError(path, `optional parts may be nested ${MAX_DEPTH} deep`)
  let sequences: Part[][] = [[]]
  for (const part of parts) {
    if (part.kind !== 'optional') {
      for (const sequence of sequences) sequence.push(part)
      continue
    }
    const inner = expand(path, part.parts, depth + 1)
    if (sequences.length * (inner.length + 1) > MAX_COMBINATIONS) {
      throw new PatternError(
        path,
        `its optional parts have more than ${MAX_COMBINATIONS} combinations; declare several paths`,
      )
    }
    sequences = sequences.flatMap((sequence) => [sequence, ...inner.map((more) => [...sequence, ...more])])
  }
  return sequences
}

type Piece = Exclude<Part, { kind: 'slash' | 'optional' }>

/** One list of segments, or two: a splat with text before it ends in that segment or goes on below it. */
function segmentsOf(
  path: string,
  sequence: readonly Part[],
  said: Set<string>,
): readonly (readonly Segment[])[] {
  const groups: Piece[][] = []
  const first = sequence[0]
  if (first?.kind !== 'slash') groups.push([])
  for (const part of sequence) {
    if (part.kind === 'slash') groups.push([])
    else if (part.kind !== 'optional') groups.at(-1)!.push(part)
    if (groups.length > MAX_SEGMENTS) throw new PatternError(path, `a path may have ${MAX_SEGMENTS} segments`)
  }
  const segments: Segment[] = []
  for (const [index, group] of groups.entries()) {
    const splat = group.find((piece) => piece.kind === 'splat')
    if (splat && index < groups.length - 1) {
      throw new PatternError(path, 'what stands for any number of segments must be the last part of the path')
    }
    if (splat && group.length === 1) segments.push(splat)
    else if (splat && group.at(-1) === splat && group.slice(0, -1).every((piece) => piece.kind === 'text')) {
      const before = textOf(group)
      const { name } = splat
      return [
        [...segments, { kind: 'literal', text: before }, { kind: 'splat', name, least: 0 }],
        [...segments, { kind: 'parameter', name: '', before }, { kind: 'splat', name, least: 0 }],
      ]
    } else segments.push(segmentOf(path, group, said))
  }
  return [segments]
}

function segmentOf(path: string, pieces: readonly Piece[], said: Set<string>): Segment {
  const captures = pieces.filter((piece) => piece.kind !== 'text')
  const [capture] = captures
  if (capture === undefined) {
    const text = textOf(pieces)
    if (text === '.' || text === '..')
      throw new PatternError(path, 'no request arrives with a . or .. segment')
    return { kind: 'literal', text }
  }
  if (pieces.length === 1 && capture.kind === 'wildcard') return { kind: 'wildcard' }

  const first = pieces.indexOf(capture)
  const last = pieces.lastIndexOf(captures.at(-1)!)
  const before = textOf(pieces.slice(0, first))
  const after = textOf(pieces.slice(last + 1))
  if (captures.some((piece) => piece.kind === 'splat')) {
    said.add('what stands for any number of segments was read as one, because of the text beside it')
  } else if (captures.length > 1) {
    said.add('several parameters in one segment are routed as one; the service sees the whole segment')
  }
  const characters = captures.length === 1 && capture.kind === 'parameter' ? capture.characters : undefined
  return {
    kind: 'parameter',
    name: 'name' in capture ? capture.name : '',
    ...(characters === undefined ? {} : { characters }),
    ...(before === '' ? {} : { before }),
    ...(after === '' ? {} : { after }),
  }
}

function textOf(pieces: readonly Piece[]): string {
  let text = ''
  for (const piece of pieces) if (piece.kind === 'text') text += piece.text
  return text
}
