/**
 * The scanner: finds fragment tags in HTML that arrives in pieces, cut anywhere, without building a tree.
 *
 * It tokenizes as the HTML standard says (13.2.5), as far as it decides what is a tag and what is text: rawtext and
 * RCDATA elements, comments, CDATA in foreign content, attribute quoting. One deviation: a fragment tag that ends in
 * `/>` closes itself.
 *
 * @module
 */
import { PageScanner } from './scanner-page.ts'

/** Told what was found, in order. Ranges are valid during the call only; all of the page's bytes are in some call. */
export interface ScanHandler {
  /** Bytes that go on as they are. Consecutive ones may come in any number of calls. */
  onText(bytes: Uint8Array, from: number, to: number): void
  /** A start tag `<P:fragment …>`, from `<` to behind `>`. `offset`: of its `<` in the page. */
  onFragmentStart(tag: Uint8Array, from: number, to: number, isSelfClosing: boolean, offset: number): void
  /** The end tag of the fragment opened last: `</P:fragment>`. One that closes nothing comes as text. */
  onFragmentEnd(tag: Uint8Array, from: number, to: number, offset: number): void
  /** Told of an end tag that closes nothing, by the offset of its `<`, before it comes as text. */
  onStrayEnd?(offset: number): void
  /**
   * `<script type="application/json" P:attributes>` came whole: its content. Nothing of
   * the element comes as text.
   */
  onAttributes(json: Uint8Array, offset: number): void
  /** Just before `</head>`, or before `<body` where `</head>` was left out. At most once. */
  onHeadEnd(): void
  /** Just before `</body>`, or `</html>`, or the end. At most once: the last place for what belongs to the page. */
  onBodyEnd(): void
}

export interface ScannerLimits {
  /** Longest fragment tag or attributes script; a longer one comes as text, and `onOversize` says so. @default 64 KiB */
  readonly maxTagBytes?: number
  /** How deep fragments may nest; a deeper start tag comes as text, and so does its end tag. @default 1024 */
  readonly maxDepth?: number
  /** Told before that text comes. */
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
