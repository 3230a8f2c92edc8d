/**
 * What can be wrong with the fragments of a page beside each other, by what their tags say (`medusa.md` 6.3).
 *
 * @module
 */
import { cycle, exportConflict, importOfOwn, importTwice, unknownImport } from './faults.ts'
import { cyclesOf, cycleThrough, edgesOf, providersOf } from './graph.ts'
import { rootOf } from './lists.ts'
import {
  FragmentError,
  type FragmentFaultName,
  type FragmentNode,
  type Position,
  type Transfer,
} from './model.ts'
import type { NamePlace } from './position.ts'

/** A page whose tags could be read. */
export interface CheckedPage {
  readonly nodes: readonly FragmentNode[]
  readonly place: NamePlace
  /** Names of the page's own attributes; undefined when they are not known before it is rendered. */
  readonly attributes: ReadonlySet<string> | undefined
  /** What the fragment of a tag sets by itself; undefined for fragments of others. */
  readonly localAttributes: (tag: FragmentNode) => readonly string[] | undefined
}

/** All faults, in no particular order. */
export function faultsOf(page: CheckedPage): FragmentError[] {
  return [...exportConflicts(page), ...importConflicts(page), ...cycles(page), ...unknownImports(page)]
}

function* exportConflicts({ nodes, place, attributes }: CheckedPage): Generator<FragmentError> {
  const first = new Map<string, FragmentNode>()
  const names = new Set(nodes.flatMap((node) => node.exports.map(({ to }) => to)))
  const isTaken = (name: string) => names.has(name) || attributes?.has(name) === true
  for (const node of nodes) {
    for (const transfer of node.exports) {
      const other = first.get(transfer.to)
      if (!other && !attributes?.has(transfer.to)) first.set(transfer.to, node)
      else {
        const message = exportConflict(place, node, transfer, other, isTaken)
        yield fault('FragmentExportConflict', message, node.at, other?.at)
      }
    }
  }
}

function* importConflicts({ nodes, place, localAttributes }: CheckedPage): Generator<FragmentError> {
  for (const node of nodes) {
    const own = localAttributes(node)
    const targets = new Map<string, Transfer>()
    for (const transfer of node.imports) {
      const other = targets.get(transfer.to)
      targets.set(transfer.to, other ?? transfer)
      if (other) {
        yield fault('FragmentImportConflict', importTwice(place, node, other, transfer), node.at, node.at)
      } else if (own?.includes(transfer.to)) {
        yield fault('FragmentImportConflict', importOfOwn(place, node, transfer), node.at)
      }
    }
  }
}

function* cycles({ nodes, place, attributes }: CheckedPage): Generator<FragmentError> {
  const edges = edgesOf(nodes, (name) => attributes?.has(name) === true)
  for (const members of cyclesOf(edges)) {
    const path = cycleThrough(edges, members)
    const { from, to } = path[0]!
    yield fault('FragmentCycle', cycle(place, nodes, path), nodes[from]!.at, nodes[to]!.at)
  }
}

function* unknownImports({ nodes, place, attributes }: CheckedPage): Generator<FragmentError> {
  if (!attributes) return
  const known = new Set([...attributes, ...providersOf(nodes).keys()])
  for (const node of nodes) {
    for (const name of new Set(node.imports.map(({ from }) => rootOf(from)))) {
      if (known.has(name)) continue
      yield fault('FragmentUnknownImport', unknownImport(place, node, name, known), node.at)
    }
  }
}

function fault(name: FragmentFaultName, message: string, at: Position, other?: Position): FragmentError {
  return new FragmentError(name, message, other ? { at, other } : { at })
}
