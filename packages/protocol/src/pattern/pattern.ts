/**
 * Path patterns: the one form every route has, whatever language it was written in.
 *
 * A pattern is a list of segments, in decoded text. Foreign dialects (Spring PathPattern, Express, URLPattern)
 * are translated into it by the files beside this one; nothing here ever runs a regular expression that a
 * service wrote. The text form, which people read in lists and may write themselves:
 *
 * ```
 * /orders            literal; /orders/ is another path
 * /orders/{id}       one segment, not empty
 * /orders/{id:digits}            … of one character class: digits, word, hex, alphanumeric
 * /files/{name}.html             … with text before or after it
 * /orders/{id?}      optional last segment: /orders and /orders/7
 * /files/*           one segment without a name
 * /files/**          everything below, and /files itself
 * /files/{rest+}     at least one more segment (which may be empty: /files/)
 * ```
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
      readonly name: string
      readonly characters?: CharacterClass
      readonly before?: string
      readonly after?: string
    }
  | { readonly kind: 'wildcard' }
  /** Always last. `least` 0 also matches the path without it, 1 needs at least one more segment. */
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
