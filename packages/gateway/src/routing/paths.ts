/**
 * The paths of one host: which leaves fit a request, from the most specific.
 *
 * A path without parameters is found whole, in one look-up. The others stand in a trie over their segments,
 * asked in the order of `compareSpecificity`: literal, parameters, wildcard, the end, splat. Both are
 * persistent. Segments are decoded; a slash inside one (from `%2f`) is NUL here, which no path may hold.
 *
 * @module
 */
import {
  type CharacterClass,
  compareParameters,
  isOfClass,
  literalPath,
  type Pattern,
  type Segment,
} from '@hydra-gateway/protocol'
import type { Leaf } from './claims.ts'
import { entries, get, getPart, type Owner, type PersistentMap, remove, set } from './persistent-map.ts'
import type { Route } from './route.ts'

export interface Paths {
  readonly literals: PersistentMap<Leaf>
  readonly patterns: Node | undefined
}

type Parameter = Extract<Segment, { kind: 'parameter' }>

interface Edge {
  readonly parameter: Parameter
  readonly before: string
  readonly after: string
  readonly characters: CharacterClass | undefined
  readonly node: Node
}

/** What follows one beginning of a pattern. Changed in place only by the edit that made it. */
class Node {
  literals: PersistentMap<Node>
  /** The most specific first. */
  parameters: readonly Edge[]
  wildcard: Node | undefined
  /** Patterns that end here, end in a splat of at least one segment, or in one of any number. */
  end: Leaf | undefined
  more: Leaf | undefined
  any: Leaf | undefined
  readonly owner: Owner

  constructor(from: Node | undefined, owner: Owner) {
    this.literals = from?.literals
    this.parameters = from?.parameters ?? NONE
    this.wildcard = from?.wildcard
    this.end = from?.end
    this.more = from?.more
    this.any = from?.any
    this.owner = owner
  }
}

const NONE: readonly Edge[] = Object.freeze([])

export const noPaths: Paths = Object.freeze({ literals: undefined, patterns: undefined })

/** Changes the leaf of a pattern; `change` gets undefined when there was none and returns it when none is left. */
export function edit(
  paths: Paths,
  pattern: Pattern,
  change: (leaf: Leaf | undefined) => Leaf | undefined,
  owner: Owner,
): Paths {
  const path = literalPath(pattern)
  if (path === undefined)
    return { ...paths, patterns: editNode(paths.patterns, pattern.segments, 0, change, owner) }
  const leaf = change(get(paths.literals, path))
  const literals =
    leaf === undefined ? remove(paths.literals, path, owner) : set(paths.literals, path, leaf, owner)
  return { ...paths, literals }
}

/** Decoded form of a canonical path, as `find` wants it; undefined for a path that isn't canonical. */
export function decodePath(path: string): string | undefined {
  if (path.charCodeAt(0) !== 47) return undefined
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path.replace(/%2f/gi, '%00'))
  } catch {
    return undefined
  }
}

/** What a request asks each leaf that fits; the first answer counts. */
export type Take = (leaf: Leaf, method: string, isUpgrade: boolean) => Route | undefined

/** Offers the leaves that fit a decoded path to `take`, the most specific first, until it returns a route. */
export function find(
  paths: Paths,
  path: string,
  take: Take,
  method: string,
  isUpgrade: boolean,
): Route | undefined {
  const whole = getPart(paths.literals, path, 0, path.length)
  const route = whole && take(whole, method, isUpgrade)
  return route ?? (paths.patterns && descend(paths.patterns, path, 1, take, method, isUpgrade))
}

export function* leaves(paths: Paths): Generator<Leaf> {
  for (const [, leaf] of entries(paths.literals)) yield leaf
  if (paths.patterns) yield* leavesBelow(paths.patterns)
}

export function isEmpty({ literals, patterns }: Paths): boolean {
  return literals === undefined && patterns === undefined
}

/** `from` is where the next segment begins; beyond the end of the path when there is none. */
function descend(
  node: Node,
  path: string,
  from: number,
  take: Take,
  method: string,
  isUpgrade: boolean,
): Route | undefined {
  let route: Route | undefined
  if (from <= path.length) {
    const slash = path.indexOf('/', from)
    const to = slash < 0 ? path.length : slash
    if (node.literals !== undefined) {
      const child = getPart(node.literals, path, from, to)
      if (child) route = descend(child, path, to + 1, take, method, isUpgrade)
      if (route) return route
    }
    if (to > from) {
      for (const edge of node.parameters) {
        if (!fits(edge, path, from, to)) continue
        route = descend(edge.node, path, to + 1, take, method, isUpgrade)
        if (route) return route
      }
      if (node.wildcard) route = descend(node.wildcard, path, to + 1, take, method, isUpgrade)
      if (route) return route
    }
    if (node.more) route = take(node.more, method, isUpgrade)
  } else if (node.end) route = take(node.end, method, isUpgrade)
  return route ?? (node.any && take(node.any, method, isUpgrade))
}

function fits({ before, after, characters }: Edge, path: string, from: number, to: number): boolean {
  const begin = from + before.length
  const end = to - after.length
  if (end <= begin) return false
  if (before !== '' && !path.startsWith(before, from)) return false
  if (after !== '' && !path.startsWith(after, end)) return false
  return characters === undefined || isOfClass(characters, path, begin, end)
}

function editNode(
  old: Node | undefined,
  segments: readonly Segment[],
  index: number,
  change: (leaf: Leaf | undefined) => Leaf | undefined,
  owner: Owner,
): Node | undefined {
  const node = old?.owner === owner ? old : new Node(old, owner)
  const segment = segments[index]
  const below = (child: Node | undefined): Node | undefined =>
    editNode(child, segments, index + 1, change, owner)
  if (segment === undefined) node.end = change(node.end)
  else if (segment.kind === 'wildcard') node.wildcard = below(node.wildcard)
  else if (segment.kind === 'parameter') node.parameters = editEdge(node.parameters, segment, below)
  else if (segment.kind === 'literal') {
    const text = inPath(segment.text)
    const child = below(get(node.literals, text))
    node.literals = child ? set(node.literals, text, child, owner) : remove(node.literals, text, owner)
  } else if (segment.least === 1) node.more = change(node.more)
  else node.any = change(node.any)
  const isUsed =
    node.literals || node.parameters.length > 0 || node.wildcard || node.end || node.more || node.any
  return isUsed ? node : undefined
}

function editEdge(
  edges: readonly Edge[],
  parameter: Parameter,
  below: (child: Node | undefined) => Node | undefined,
): readonly Edge[] {
  let low = 0
  let high = edges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareParameters(edges[middle]!.parameter, parameter) < 0) low = middle + 1
    else high = middle
  }
  const found = edges[low]
  const isSame = found !== undefined && compareParameters(found.parameter, parameter) === 0
  const node = below(isSame ? found.node : undefined)
  if (isSame && node === found.node) return edges
  const { before = '', after = '', characters } = parameter
  const edge = node && { parameter, before: inPath(before), after: inPath(after), characters, node }
  return edges.toSpliced(low, isSame ? 1 : 0, ...(edge ? [edge] : []))
}

function inPath(text: string): string {
  return text.replaceAll('/', '\0')
}

function* leavesBelow(node: Node): Generator<Leaf> {
  if (node.end) yield node.end
  if (node.more) yield node.more
  if (node.any) yield node.any
  for (const [, child] of entries(node.literals)) yield* leavesBelow(child)
  for (const { node: child } of node.parameters) yield* leavesBelow(child)
  if (node.wildcard) yield* leavesBelow(node.wildcard)
}
