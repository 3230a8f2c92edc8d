/**
 * A tag on its way through the flow of a page, and what can be wrong with it beside those before it.
 *
 * @module
 */
import type { FallbackReason } from '../fragment.ts'
import { cycle, exportConflict, importTwice, unresolvedName } from './faults.ts'
import type { Edge } from './graph.ts'
import { fillNames, rootOf } from './lists.ts'
import type { FragmentTag, Transfer } from './model.ts'
import { placesOf } from './position.ts'

/** Why the flow itself turns a fragment down. */
export interface Verdict {
  readonly reason: Extract<
    FallbackReason,
    'export-conflict' | 'import-conflict' | 'cycle' | 'unresolved-name'
  >
  /** Both places and a way out. */
  readonly detail: string
}

export interface Cell {
  readonly tag: FragmentTag
  readonly index: number
  /** With their names filled in; undefined when a name could not be. */
  readonly service: string | undefined
  readonly ref: string | undefined
  readonly holder: Cell | undefined
  /** Tags directly in its fallback. */
  readonly held: Cell[]
  /** For each import: whether the page or a tag it may import from provides it. */
  readonly isProvided: boolean[]
  /** Whom it waits for by what the tags say, whatever became of them: what cycles are looked for in. */
  readonly edges: Edge[]
  readonly dependents: { readonly cell: Cell; readonly isHolder: boolean }[]
  verdict: Verdict | undefined
  /** How many of those it waits for have not been released; an import nobody provides yet is one as well. */
  unmet: number
  phase: 'waiting' | 'ready' | 'started' | 'over'
  /** Its fallback is not shown: it was rendered, or stands in a fallback that is not shown itself. */
  hidesFallback: boolean
  /** Those who wait for it wait no longer. */
  isReleased: boolean
  /** Latest wave of those it waited for; of its holder; its own, for those who wait for it. */
  waveBefore: number
  waveOfHolder: number
  wave: number
}

/** Makes the cell of a tag that waits for nobody yet. `page`: what the page has by itself. */
export function createCell(
  tag: FragmentTag,
  index: number,
  holder: Cell | undefined,
  page: Readonly<Record<string, unknown>>,
): Cell {
  const service = fillNames(tag.service, page)
  return {
    tag,
    index,
    service: service === 'self' ? '' : service,
    ref: fillNames(tag.ref, page) || undefined,
    holder,
    held: [],
    isProvided: [],
    edges: [],
    dependents: [],
    verdict: undefined,
    unmet: 0,
    phase: 'waiting',
    hidesFallback: false,
    isReleased: false,
    waveBefore: 0,
    waveOfHolder: 0,
    wave: 0,
  }
}

/** What was there before a tag came. */
export interface Before {
  readonly isAhead: boolean
  isOfPage(name: string): boolean
  providerOf(name: string): Cell | undefined
}

/** How places are called: the flow doesn't know the name of its page. */
export const place = placesOf()

/** What is wrong with a tag beside those before it. */
export function judge({ tag, service, ref }: Cell, before: Before): Verdict | undefined {
  const importsOf = new Map<string, Transfer>()
  for (const transfer of tag.imports) {
    const other = importsOf.get(transfer.to)
    if (other) return { reason: 'import-conflict', detail: importTwice(place, tag, other, transfer) }
    importsOf.set(transfer.to, transfer)
  }

  const isTaken = (name: string) => before.isOfPage(name) || before.providerOf(name) !== undefined
  const exported = new Set<string>()
  for (const transfer of tag.exports) {
    const isTwice = exported.has(transfer.to)
    if (isTwice || isTaken(transfer.to)) {
      const other = isTwice ? tag : before.providerOf(transfer.to)?.tag
      return { reason: 'export-conflict', detail: exportConflict(place, tag, transfer, other, isTaken) }
    }
    exported.add(transfer.to)
  }

  if (service === undefined || ref === undefined) {
    return { reason: 'unresolved-name', detail: unresolvedName(place, tag) }
  }
  // Ahead, all cycles are looked for together; behind, this is the only one there can be.
  if (before.isAhead) return undefined
  const name = tag.imports.map(({ from }) => rootOf(from)).find((root) => exported.has(root))
  return name === undefined
    ? undefined
    : { reason: 'cycle', detail: cycle(place, [tag], [{ from: 0, to: 0, name }]) }
}
