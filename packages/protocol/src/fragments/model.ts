/**
 * Fragments as data: what a tag says, what a page of them is, what can be wrong with it. The words of
 * `medusa.md` 6.2 and 6.3; everything else in this folder makes these or reads them.
 *
 * @module
 */

import type { MenuTag } from './menu-tag.ts'

/** Where something stands in a text; both count from 1, columns in characters. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** `from as to`: a value that crosses, by name. Without `as`, the last part of a dotted name is what it is called. */
export interface Transfer {
  /** May be dotted: `user.zip`. */
  readonly from: string
  /** Never dotted. */
  readonly to: string
}

/** What a fragment tag says. */
export interface FragmentTag {
  /** Empty for the service that made the page. May hold `${name}`, looked up in the page's attributes. */
  readonly service: string
  /** May hold `${name}` as well. */
  readonly ref: string
  /** From the page into the fragment. */
  readonly imports: readonly Transfer[]
  /** From the fragment into the page. */
  readonly exports: readonly Transfer[]
  readonly timeoutMs: number | undefined
  /** Without it the page can't be shown. */
  readonly required: boolean
  /** Replaced in the open page when its service returns. */
  readonly live: boolean
  /** Where the tag begins. */
  readonly at: Position
}

/** A fragment of a page, in document order; those inside a fallback come after the tag that holds it. */
export interface FragmentNode extends FragmentTag {
  readonly index: number
  /** The tag in whose fallback it stands: it is asked for only when that one falls back. */
  readonly parent: number | undefined
}

/** A piece of a page: HTML as it is, or a fragment with what is shown when nobody answers. */
export type TemplatePart = string | { readonly fragment: number; readonly fallback: readonly TemplatePart[] }

/** A piece of a page with all that is put in: `menu` and its fallback, the tag of a marked `link`, and two places. */
export type PagePart =
  | string
  | { readonly fragment: number; readonly fallback: readonly PagePart[] }
  | { readonly menu: MenuTag; readonly fallback: readonly PagePart[] }
  | { readonly link: string }
  | { readonly place: PagePlaceName }

/** `head`: just before `</head>`. `end`: just before `</body>`. */
export type PagePlaceName = 'head' | 'end'

/** A page, compiled: `parts` put together in order is the page. */
export interface Template<Part = TemplatePart> {
  readonly parts: readonly Part[]
  readonly nodes: readonly FragmentNode[]
  /** Content of `<script type="application/json" m:attributes>`, whose element is not among the parts. */
  readonly attributes: string | undefined
  /** Unknown or suspicious things that are no errors: `import=` for `imports=`. */
  readonly warnings: readonly string[]
}

/** What can be wrong with the fragments of a page. */
export const FRAGMENT_FAULTS = [
  'FragmentSyntaxError',
  'FragmentExportConflict',
  'FragmentImportConflict',
  'FragmentCycle',
  'FragmentUnknownImport',
] as const
export type FragmentFaultName = (typeof FRAGMENT_FAULTS)[number]

/**
 * A page that can't be served as it is written. The message names the page, both places and a way out; `name` is
 * one of `FRAGMENT_FAULTS`. Its stack is name and message alone: the place is in the page, not in the code that read it.
 */
export class FragmentError extends Error {
  /** Where it was noticed, and the place it collides with. */
  readonly at: Position | undefined
  readonly other: Position | undefined

  constructor(
    name: FragmentFaultName,
    message: string,
    places: { readonly at?: Position; readonly other?: Position; readonly cause?: unknown } = {},
  ) {
    super(message, places.cause === undefined ? undefined : { cause: places.cause })
    this.name = name
    this.stack = `${name}: ${message}`
    this.at = places.at
    this.other = places.other
  }
}
