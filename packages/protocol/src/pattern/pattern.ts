/**
 * Path patterns: the one form every route has, whatever language it was written in.
 *
 * A pattern is a list of segments, in decoded text. Foreign dialects (Spring PathPattern, Express, URLPattern)
 * are translated into it by the files beside this one; nothing here ever runs a regular expression that a
 * service wrote. The text form, which people read in lists and may write themselves (`text.ts`):
 *
 * ```
 * /orders            literal; /orders/ is another path
 * /orders/{id}       one segment, not empty; {} is one without a name
 * /orders/{id:digits}            … of one character class: digits, word, hex, alphanumeric
 * /files/{name}.html             … with text before or after it
 * /orders/{id?}      optional segment: /orders and /orders/7
 * /files/*           one segment, not empty, less specific than a parameter
 * /files/**          everything below, and /files itself; {rest*} when it has a name
 * /files/{rest+}     at least one more segment (which may be empty: /files/)
 * /files/\{a\}     a backslash takes the meaning from { } * \ and /
 * ```
 *
 * An encoded slash (`%2F`), where a route keeps it, is a character of its segment like any other.
 *
 * @module
 */

/** Characters a parameter may consist of; absent = anything but a slash. */
export const CHARACTER_CLASSES = ['digits', 'word', 'hex', 'alphanumeric'] as const
export type CharacterClass = (typeof CHARACTER_CLASSES)[number]

export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'parameter'
      /** Empty when it has none. */
      readonly name: string
      readonly characters?: CharacterClass
      readonly before?: string
      readonly after?: string
    }
  | { readonly kind: 'wildcard' }
  /** Always last; the name may be empty. `least` 0 also matches the path without it, 1 needs at least one more segment. */
  | { readonly kind: 'splat'; readonly name: string; readonly least: 0 | 1 }

/** One pattern without optional parts: those are several patterns. */
export interface Pattern {
  readonly segments: readonly Segment[]
  /** Canonical text; equal text means equal pattern. Parameter names are kept for people. */
  readonly text: string
  /** Like `text` with parameter names removed: two routes with one shape claim the same requests. */
  readonly shape: string
}

/** What a translator makes of one foreign path: its patterns, and what could not be carried over exactly. */
export interface Translation {
  readonly patterns: readonly Pattern[]
  readonly warnings: readonly string[]
}

/** Text somebody sent, as much of it as a message has room for. */
export function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 3)}...` : text
}

/** A path that can't become a pattern. The message names the path and says what to write instead. */
export class PatternError extends Error {
  constructor(path: string, reason: string) {
    super(`${JSON.stringify(shorten(path, 80))} can't be routed: ${reason}`)
    this.name = 'PatternError'
  }
}

/** Makes a pattern of segments that are known to be in order: the splat, if any, is last. */
export function patternOf(segments: readonly Segment[]): Pattern {
  let isLiteral = true
  let text = ''
  let shape = ''
  for (const segment of segments) {
    if (segment.kind !== 'literal') isLiteral = false
    text += `/${segmentText(segment, true)}`
    shape += `/${segmentText(segment, false)}`
  }
  return isLiteral
    ? new LiteralPattern(text)
    : Object.freeze({ segments: Object.freeze([...segments]), text, shape })
}

/** Pattern of exactly one decoded path, such as the name of a file: no character of it has a meaning. */
export function literalPattern(decodedPath: string): Pattern {
  const path = decodedPath.startsWith('/') ? decodedPath : `/${decodedPath}`
  return new LiteralPattern(SPECIAL.test(path) ? path.replace(SPECIALS, '\\$&') : path)
}

/** A pattern that came from another process as plain data, which of one without parameters holds its text alone. */
export function revivePattern(pattern: Pick<Pattern, 'text'> & Partial<Pattern>): Pattern {
  return pattern.segments === undefined ? new LiteralPattern(pattern.text) : (pattern as Pattern)
}

/**
 * The segments of a pattern without parameters, each with `/` before it; undefined for any other pattern.
 * A slash inside a segment appears as NUL, which no path may hold, so the text stays unambiguous.
 */
export function literalPath(pattern: Pattern): string | undefined {
  if (pattern instanceof LiteralPattern) return pattern.path
  let path = ''
  for (const segment of pattern.segments) {
    if (segment.kind !== 'literal') return undefined
    path += `/${segment.text.replaceAll('/', '\0')}`
  }
  return path
}

/** Text of one segment, with or without its parameter's name. */
export function segmentText(segment: Segment, named: boolean): string {
  switch (segment.kind) {
    case 'literal':
      return escapeText(segment.text)
    case 'wildcard':
      return '*'
    case 'splat':
      if (segment.least === 1) return `{${named ? segment.name : ''}+}`
      return named && segment.name !== '' ? `{${segment.name}*}` : '**'
    case 'parameter': {
      const name = named ? segment.name : ''
      const characters = segment.characters ? `:${segment.characters}` : ''
      return `${escapeText(segment.before ?? '')}{${name}${characters}}${escapeText(segment.after ?? '')}`
    }
  }
}

const SPECIAL = /[{}*\\]/
const SPECIALS = /[{}*\\]/g
const SPECIAL_IN_SEGMENT = /[{}*\\/]/
const SPECIALS_IN_SEGMENT = /[{}*\\/]/g

function escapeText(text: string): string {
  return SPECIAL_IN_SEGMENT.test(text) ? text.replace(SPECIALS_IN_SEGMENT, '\\$&') : text
}

/**
 * One string and nothing else: a service may declare thousands of files, whose segments nobody asks for.
 */
class LiteralPattern implements Pattern {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get shape(): string {
    return this.text
  }

  get path(): string {
    return this.text.includes('\\') ? this.text.replace(/\\(.)/gsu, unescaped) : this.text
  }

  get segments(): readonly Segment[] {
    const segments = this.path.slice(1).split('/')
    return segments.map((text) => ({ kind: 'literal', text: text.replaceAll('\0', '/') }))
  }
}

function unescaped(_: string, character: string): string {
  return character === '/' ? '\0' : character
}
