/**
 * The waves of a page, found without the flow: what it is compared with.
 *
 * @module
 */
import { edgesOf, type GraphNode } from '../graph.ts'

/**
 * In which wave each fragment is asked for when all before it were, from 1: the longest chain that ends in it. 0 for
 * members of a cycle and for those that wait for one.
 */
export function wavesOf(nodes: readonly GraphNode[]): number[] {
  const edges = edgesOf(nodes)
  const waves = nodes.map(() => 0)
  const unmet = edges.map((list) => list.length)
  const waiting: number[][] = nodes.map(() => [])
  for (const [to, list] of edges.entries()) for (const { from } of list) waiting[from]!.push(to)

  const ready = [...unmet.keys()].filter((index) => unmet[index] === 0)
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    waves[next] = 1 + Math.max(0, ...edges[next]!.map(({ from }) => waves[from]!))
    for (const to of waiting[next]!) if (--unmet[to]! === 0) ready.push(to)
  }
  return waves
}
