/**
 * The flow of a page: which fragments may be asked for now, what they are given, what the page gets of them.
 *
 * A fragment starts as soon as every fragment that exports what it imports has settled; those that depend on nothing
 * start at once. So a page takes as long as its longest chain, and the result is that of asking one after the other
 * in the order of the document, waves first (`medusa.md` 6.3). Pure: no clock, no I/O. One flow serves one page.
 *
 * Tags may still be added while others run: until `closeAhead`, an import that nobody provides yet waits; after it, a
 * later tag can be imported from by later ones only, and one that would change what was decided falls back.
 * The outcome depends on the tags and results alone, never on how they were cut or timed.
 *
 * @module
 */
import type { FallbackReason } from '../fragment.ts'
import type { FragmentTag } from './model.ts'

/** A fragment that may be asked for now. */
export interface Start {
  readonly index: number
  /** With its names filled in. */
  readonly service: string
  readonly ref: string
  /** Imported values by the fragment's own names; copies. What nobody provides is absent. */
  readonly values: Readonly<Record<string, unknown>>
  /** From 1. */
  readonly wave: number
}

/** A fragment the flow itself turned down. */
export interface Declined {
  readonly index: number
  readonly reason: Extract<
    FallbackReason,
    'export-conflict' | 'import-conflict' | 'cycle' | 'unresolved-name'
  >
  /** Both places and a way out. */
  readonly detail: string
}

export interface Flow {
  /**
   * Adds the next tag of the document. `parent`: index of the tag in whose fallback it stands, which is then asked for
   * only when that one falls back. Returns its index, counting from 0.
   */
  add(tag: FragmentTag, parent?: number): number
  /** No tag that was added before may import from one that is added from now on. */
  closeAhead(): void
  /** What may be asked for now and was not returned before, in document order; and what was declined since. */
  take(): { readonly starts: readonly Start[]; readonly declined: readonly Declined[] }
  /** A fragment was rendered: `exports` by its own names; undefined when it falls back and exports nothing. */
  settle(index: number, exports: Readonly<Record<string, unknown>> | undefined): void
  /** The page's attributes with all exports so far. Values that were there are never overwritten. */
  readonly attributes: Readonly<Record<string, unknown>>
  /** Every fragment that will ever be asked for has settled, as far as tags are known. Those in fallbacks nobody shows count as settled. */
  readonly isSettled: boolean
}

export interface FlowOptions {
  readonly attributes: Readonly<Record<string, unknown>>
}

/** Makes the flow of one page. */
export function createFlow(_options: FlowOptions): Flow {
  throw new Error('not there yet')
}
