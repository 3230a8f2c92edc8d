/**
 * Which fragments of others go into one question: those that may start, and those that will when these are there.
 *
 * @module
 */
import { type FragmentNode, rootOf } from '@hydra-gateway/protocol/fragments'

/** How far a page is. */
export interface Progress {
  /** Whether the fragment has settled, and if so, whether its fallback is shown. */
  readonly shown: (index: number) => 'html' | 'fallback' | undefined
  /** It is of another service, can be asked for, and nobody has done so yet. */
  readonly isAskable: (index: number) => boolean
}

export interface Grouping {
  /** The starts, and whoever waits for nobody but them and those that have settled. In document order. */
  around(starts: readonly number[], progress: Progress): readonly number[]
}

/** Prepares a page; `attributes` are those it has by itself. */
export function createGrouping(
  nodes: readonly FragmentNode[],
  attributes: Readonly<Record<string, unknown>>,
): Grouping {
  const providers = new Map(nodes.flatMap((node) => node.exports.map(({ to }) => [to, node.index] as const)))

  /** It stands in a fallback that is not shown, and never will be. */
  function isSkipped(index: number, { shown }: Progress): boolean {
    for (let at = nodes[index]?.parent; at !== undefined; at = nodes[at]?.parent) {
      const state = shown(at)
      if (state) return state === 'html'
    }
    return false
  }

  function maySend(
    { index, parent, imports }: FragmentNode,
    group: Set<number>,
    progress: Progress,
  ): boolean {
    if (!progress.isAskable(index)) return false
    // Nobody asks for what stands in a fallback before that is shown.
    if (parent !== undefined && progress.shown(parent) !== 'fallback') return false
    return imports.every(({ from }) => {
      const name = rootOf(from)
      const provider = Object.hasOwn(attributes, name) ? undefined : providers.get(name)
      if (provider === undefined || group.has(provider)) return true
      return progress.shown(provider) !== undefined || isSkipped(provider, progress)
    })
  }

  return {
    around(starts, progress) {
      const group = new Set(starts)
      for (let before = -1; before !== group.size; ) {
        before = group.size
        for (const node of nodes)
          if (!group.has(node.index) && maySend(node, group, progress)) group.add(node.index)
      }
      return [...group].sort((one, other) => one - other)
    },
  }
}
