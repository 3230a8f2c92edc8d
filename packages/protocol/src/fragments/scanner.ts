/**
 * The scanner: finds the tags that mean something to us in HTML that arrives in pieces, cut anywhere, without building a tree.
 *
 * It tokenizes as the HTML standard says (13.2.5), as far as it decides what is a tag and what is text: rawtext and
 * RCDATA elements, comments, CDATA in foreign content, attribute quoting. One deviation: a tag of ours that ends in
 * `/>` closes itself. Scripting counts as on, so `noscript` holds text.
 *
 * Bytes are read as ASCII, and those from 0x80 on are text: UTF-8 and its one-byte relatives, but not UTF-16. Nothing
 * is decoded, and text is never copied but for a few bytes around a cut.
 *
 * @module
 */
import { PageScanner } from './scanner-page.ts'

/**
 * Told what was found, in order. Ranges are valid during the call only; all of the page's bytes are in some call.
 * None of these may write to the scanner. When one throws, the scanner is of no use any more.
 */
export interface ScanHandler {
  /** Bytes that go on as they are. Consecutive ones may come in any number of calls. */
  onText(bytes: Uint8Array, from: number, to: number): void
  /**
   * A start tag `<P:fragment …>`, from `<` to behind `>`. P is letters, digits, dots, lines and dashes, at most 128 of
   * them. `offset`: of its `<` in the page.
   */
  onFragmentStart(tag: Uint8Array, from: number, to: number, isSelfClosing: boolean, offset: number): void
  /**
   * The end tag of the fragment opened last: `</P:fragment>`, whatever the case of its letters. One that closes
   * nothing, or has the prefix of another, comes as text.
   */
  onFragmentEnd(tag: Uint8Array, from: number, to: number, offset: number): void
  /**
   * The same of `<P:menu …>`. Fragments and menus nest in each other: only what was opened last can be closed. Without
   * this, tags of menus are text, and nobody looks at them.
   */
  onMenuStart?(tag: Uint8Array, from: number, to: number, isSelfClosing: boolean, offset: number): void
  onMenuEnd?(tag: Uint8Array, from: number, to: number, offset: number): void
  /** A start tag of `a` or `area` that has an attribute `P:link`. Without this, links are text like any other. */
  onLink?(tag: Uint8Array, from: number, to: number, offset: number): void
  /** Told of an end tag that closes nothing, or has the prefix of another, before it comes as text. */
  onStrayEnd?(offset: number): void
  /**
   * `<script type="application/json" P:attributes>` came whole: its content, as its bytes are. Nothing of
   * the element comes as text. `offset`: of its `<` in the page.
   */
  onAttributes(json: Uint8Array, offset: number): void
  /**
   * Where the head ends: just before `</head>`, or before the first start tag that can't be in a head (`<body` is one),
   * or before what ends the body, or at the end of the page. Once in each page; fragment tags don't end a head. Text in
   * front of any of these is not seen as the beginning of the body.
   *
   * This and `onBodyEnd` come between other calls of the page itself, never while a fragment is open, in a template or
   * in foreign content; only `end` calls them wherever the page stopped.
   */
  onHeadEnd(): void
  /** Just before `</body>`, or `</html>`, or the end. Once, after `onHeadEnd`: the last place for what belongs to the page. */
  onBodyEnd(): void
}

export interface ScannerLimits {
  /**
   * Longest tag of ours, or attributes script (the whole element); a longer one comes as text, and
   * `onOversize` says so. No more than about this is kept of a page. @default 64 KiB
   */
  readonly maxTagBytes?: number
  /** How deep fragments and menus may nest; a deeper start tag comes as text, and so does its end tag. @default 1024 */
  readonly maxDepth?: number
  /** Told just before such text comes. `offset`: of its `<` in the page. */
  readonly onOversize?: (what: 'tag' | 'attributes' | 'depth', offset: number) => void
}

export interface Scanner {
  /** Scans a piece. Everything in it is reported before this returns, but for what may still become a tag. */
  write(bytes: Uint8Array): void
  /** The page is over: what was kept back comes as text. Fragments still open are for the handler to notice. */
  end(): void
}

/** Makes a scanner for one page. */
export function createScanner(handler: ScanHandler, limits: ScannerLimits = {}): Scanner {
  return new PageScanner(handler, limits)
}
