/**
 * Who waits for whom: the graph of a page's fragments.
 *
 * A fragment waits for the one that exports what it imports, and for the one in whose fallback it stands.
 *
 * @module
 */
import { rootOf } from './lists.ts'
import type { FragmentTag } from './model.ts'

/** One fragment waits for another. */
export interface Edge {
  /** Who is waited for. */
  readonly from: number
  /** What it exports, by its name in the page; undefined when it holds the other one in its fallback. */
  readonly name: string | undefined
}

/** What is needed to know of a fragment here. */
export type GraphNode = Pick<FragmentTag, 'imports' | 'exports'> & { readonly parent?: number | undefined }

/** Who provides each name: the first in the order of the document. */
export function providersOf(nodes: readonly GraphNode[]): Map<string, number> {
  const providers = new Map<string, number>()
  for (const [index, { exports }] of nodes.entries()) {
    for (const { to } of exports) if (!providers.has(to)) providers.set(to, index)
  }
  return providers
}

/** For each fragment, whom it waits for. Names of the page itself need nobody. */
export function edgesOf(
  nodes: readonly GraphNode[],
  isOfPage: (name: string) => boolean = () => false,
): Edge[][] {
  const providers = providersOf(nodes)
  return nodes.map(({ imports, parent }) => {
    const edges: Edge[] = parent === undefined ? [] : [{ from: parent, name: undefined }]
    for (const { from } of imports) {
      const name = rootOf(from)
      const provider = isOfPage(name) ? undefined : providers.get(name)
      if (provider !== undefined) edges.push({ from: provider, name })
    }
    return edges
  })
}

/**
 * The knots of the graph: fragments that wait for each other, or for themselves. Each in the order of the document,
 * and so are they all. (Tarjan's algorithm, without recursion: a page may be one long chain.)
 */
export function cyclesOf(edges: readonly (readonly Edge[])[]): number[][] {
  const cycles: number[][] = []
  const order = new Int32Array(edges.length) // 0: not seen yet
  const low = new Int32Array(edges.length)
  const cursor = new Int32Array(edges.length)
  const isOpen = new Uint8Array(edges.length)
  const open: number[] = []
  let seen = 0

  for (let root = 0; root < edges.length; root++) {
    if (order[root] !== 0) continue
    const path = [root]
    while (path.length > 0) {
      const node = path.at(-1)!
      if (order[node] === 0) {
        order[node] = low[node] = ++seen
        open.push(node)
        isOpen[node] = 1
      }
      const edge = edges[node]![cursor[node]!++]
      if (edge !== undefined) {
        if (order[edge.from] === 0) path.push(edge.from)
        else if (isOpen[edge.from] === 1) low[node] = Math.min(low[node]!, order[edge.from]!)
        continue
      }
      path.pop()
      const before = path.at(-1)
      if (before !== undefined) low[before] = Math.min(low[before]!, low[node]!)
      if (low[node] !== order[node]) continue
      const members = open.splice(open.lastIndexOf(node))
      for (const member of members) isOpen[member] = 0
      const isCycle = members.length > 1 || edges[node]!.some(({ from }) => from === node)
      if (isCycle) cycles.push(members.sort((a, b) => a - b))
    }
  }
  return cycles.sort(([a], [b]) => a! - b!)
}

/** One step of a cycle: `from` is waited for by `to`. */
export interface Step extends Edge {
  readonly to: number
}

/** The shortest way around through the first of `members`, each step beginning where the one before ended. */
export function cycleThrough(edges: readonly (readonly Edge[])[], members: readonly number[]): Step[] {
  const first = members[0]!
  const inside = new Set(members)
  // Breadth first, from whoever is waited for: `steps` holds how each was reached, and ends at `first` itself.
  const steps = new Map<number, Step>()
  const queue = [first]
  for (const to of queue) {
    for (const { from, name } of edges[to]!) {
      if (!inside.has(from) || steps.has(from)) continue
      steps.set(from, { from, to, name })
      queue.push(from)
    }
    if (steps.has(first)) break
  }
  const path: Step[] = []
  let at = first
  do {
    const step = steps.get(at)!
    path.push(step)
    at = step.to
  } while (at !== first)
  return path
}
