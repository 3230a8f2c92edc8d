/**
 * The paths of one host: which leaves fit a request, from the most specific.
 *
 * One persistent map holds every pattern under the literal segments it begins with, as one text: `/a/b` for
 * `/a/b`, `/a/b/{id}` and `/a/b/**`. A request looks up its whole path and then ever shorter beginnings of it,
 * which is the order of `compareSpecificity`; what follows the literal beginning is a small trie. Segments are
 * decoded; a slash inside one (from `%2f`) is NUL here, which no path may hold.
 *
 * @module
 */
import {
  type CharacterClass,
  compareParameterForms,
  isOfClass,
  literalPath,
  type Pattern,
  type Segment,
} from '@hydra-gateway/protocol'
import type { Leaf } from './claims.ts'
import {
  entries,
  extendHash,
  finishHash,
  get,
  getPart,
  lookUp,
  NO_TEXT,
  type Owner,
  type PersistentMap,
  update,
} from './persistent-map.ts'
import type { Route } from './route.ts'

export interface Paths {
  readonly places: PersistentMap<Place>
  /**
   * Bit n is set when some pattern goes on after n literal segments, the last bit for all that are longer. Never
   * cleared: an idle look-up is all that a bit too many costs.
   */
  readonly lengths: number
}

export const noPaths: Paths = Object.freeze({ places: undefined, lengths: 0 })

/** What follows one beginning of a path. When nothing does, just the leaf of the pattern that ends here. */
type Place = Leaf | Node

type Parameter = Extract<Segment, { kind: 'parameter' }>

/**
 * Parameters of one form, with a character class or text beside them: as much text before and after, the same
 * class. Which of them fits a segment is one look-up, however many there are.
 */
interface Form {
  /** One of them, for the order of forms. */
  readonly parameter: Parameter
  readonly before: number
  readonly after: number
  readonly characters: CharacterClass | undefined
  /** By the text before and the text after, as one. */
  readonly places: PersistentMap<Place>
}

const NONE: readonly Form[] = Object.freeze([])

/** Changed in place only by the edit that made it. */
class Node {
  /** The pattern that ends here. */
  end: Leaf | undefined
  literals: PersistentMap<Place>
  /** The most specific first. */
  forms: readonly Form[]
  /** Below a parameter that takes any segment. */
  parameter: Place | undefined
  wildcard: Place | undefined
  /** Patterns that end in a splat here: of at least one segment, and of any number. */
  more: Leaf | undefined
  any: Leaf | undefined
  readonly owner: Owner

  constructor(from: Place | undefined, owner: Owner) {
    const node = from instanceof Node ? from : undefined
    this.end = node ? node.end : (from as Leaf | undefined)
    this.literals = node?.literals
    this.forms = node?.forms ?? NONE
    this.parameter = node?.parameter
    this.wildcard = node?.wildcard
    this.more = node?.more
    this.any = node?.any
    this.owner = owner
  }
}

/** Makes the next leaf of the one before it; undefined stands for none. */
export type Change = (leaf: Leaf | undefined) => Leaf | undefined

/** Changes the leaf of a pattern. */
export function edit(paths: Paths, pattern: Pattern, change: Change, owner: Owner): Paths {
  const whole = literalPath(pattern)
  if (whole !== undefined)
    return { ...paths, places: editAt(paths.places, whole, NO_SEGMENTS, change, owner) }
  let key = ''
  let count = 0
  for (const segment of pattern.segments) {
    if (segment.kind !== 'literal') break
    key += `/${inPath(segment.text)}`
    count++
  }
  return {
    places: editAt(paths.places, key, pattern.segments.slice(count), change, owner),
    lengths: paths.lengths | lengthBit(count),
  }
}

const NO_SEGMENTS: readonly Segment[] = Object.freeze([])

function editAt(
  places: PersistentMap<Place>,
  key: string,
  rest: readonly Segment[],
  change: Change,
  owner: Owner,
): PersistentMap<Place> {
  return update(places, key, (place) => editPlace(place, rest, 0, change, owner), owner)
}

function lengthBit(count: number): number {
  return 1 << (count < 31 ? count : 31)
}

/** Decoded form of a canonical path, as `find` wants it; undefined for a path that isn't canonical. */
export function decodePath(path: string): string | undefined {
  if (path.charCodeAt(0) !== SLASH) return undefined
  if (!path.includes('%')) return path
  try {
    return decodeURIComponent(path.replace(/%2f/gi, '%00'))
  } catch {
    return undefined
  }
}

/** What a request asks each leaf that fits; the first answer counts. */
export type Take = (leaf: Leaf, method: string, isUpgrade: boolean) => Route | undefined

const SLASH = 47

/** No pattern has more literal segments in front of a parameter. */
const MOST_SEGMENTS = 64

// Where each beginning of the path ends, and its hash. Used within one call of `find` only, which asks nobody
// who could call it again; made once because every request needs them.
const ends = new Int32Array(MOST_SEGMENTS)
const hashes = new Int32Array(MOST_SEGMENTS)

/** Offers the leaves that fit a decoded path to `take`, the most specific first, until it returns a route. */
export function find(
  { places, lengths }: Paths,
  path: string,
  take: Take,
  method: string,
  isUpgrade: boolean,
): Route | undefined {
  if (places === undefined) return undefined
  const { length } = path
  let hash = NO_TEXT
  let count = 0
  for (let at = 0; at < length; at++) {
    const code = path.charCodeAt(at)
    if (code === SLASH && count < MOST_SEGMENTS) {
      ends[count] = at
      hashes[count] = hash
      count++
    }
    hash = extendHash(hash, code)
  }
  const whole = lookUp(places, finishHash(hash), path, 0, length)
  let route = whole && descend(whole, path, length + 1, take, method, isUpgrade)
  while (route === undefined && count > 0) {
    count--
    if ((lengths & lengthBit(count)) === 0) continue
    const end = ends[count]!
    const place = lookUp(places, finishHash(hashes[count]!), path, 0, end)
    if (place instanceof Node) route = descend(place, path, end + 1, take, method, isUpgrade)
  }
  return route
}

export function* leaves({ places }: Paths): Generator<Leaf> {
  for (const [, place] of entries(places)) yield* leavesOf(place)
}

/** `from` is where the next segment begins; beyond the end of the path when there is none. */
function descend(
  place: Place,
  path: string,
  from: number,
  take: Take,
  method: string,
  isUpgrade: boolean,
): Route | undefined {
  if (!(place instanceof Node)) return from > path.length ? take(place, method, isUpgrade) : undefined
  let route: Route | undefined
  if (from <= path.length) {
    const slash = path.indexOf('/', from)
    const to = slash < 0 ? path.length : slash
    const child = place.literals && getPart(place.literals, path, from, to)
    if (child) route = descend(child, path, to + 1, take, method, isUpgrade)
    if (route) return route
    if (to > from) {
      for (const form of place.forms) {
        const child = childOf(form, path, from, to)
        if (child) route = descend(child, path, to + 1, take, method, isUpgrade)
        if (route) return route
      }
      if (place.parameter) route = descend(place.parameter, path, to + 1, take, method, isUpgrade)
      if (!route && place.wildcard) route = descend(place.wildcard, path, to + 1, take, method, isUpgrade)
      if (route) return route
    }
    if (place.more) route = take(place.more, method, isUpgrade)
  } else if (place.end) route = take(place.end, method, isUpgrade)
  return route ?? (place.any && take(place.any, method, isUpgrade))
}

function childOf(
  { before, after, characters, places }: Form,
  path: string,
  from: number,
  to: number,
): Place | undefined {
  const begin = from + before
  const end = to - after
  if (end <= begin) return undefined
  if (characters !== undefined && !isOfClass(characters, path, begin, end)) return undefined
  return get(places, path.slice(from, begin) + path.slice(end, to))
}

function editPlace(
  old: Place | undefined,
  segments: readonly Segment[],
  index: number,
  change: Change,
  owner: Owner,
): Place | undefined {
  const segment = segments[index]
  if (segment === undefined && !(old instanceof Node)) return change(old)
  const node = old instanceof Node && old.owner === owner ? old : new Node(old, owner)
  const below = (place: Place | undefined): Place | undefined =>
    editPlace(place, segments, index + 1, change, owner)
  if (segment === undefined) node.end = change(node.end)
  else if (segment.kind === 'wildcard') node.wildcard = below(node.wildcard)
  else if (segment.kind === 'literal') {
    node.literals = update(node.literals, inPath(segment.text), below, owner)
  } else if (segment.kind === 'parameter') {
    const { before, after, characters } = segment
    if (before || after || characters) node.forms = editForm(node.forms, segment, below, owner)
    else node.parameter = below(node.parameter)
  } else if (segment.least === 1) node.more = change(node.more)
  else node.any = change(node.any)
  const goesOn =
    node.literals || node.forms.length > 0 || node.parameter || node.wildcard || node.more || node.any
  return goesOn ? node : node.end
}

function editForm(
  forms: readonly Form[],
  parameter: Parameter,
  below: (place: Place | undefined) => Place | undefined,
  owner: Owner,
): readonly Form[] {
  let low = 0
  let high = forms.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareParameterForms(forms[middle]!.parameter, parameter) < 0) low = middle + 1
    else high = middle
  }
  const found = forms[low]
  const isSame = found !== undefined && compareParameterForms(found.parameter, parameter) === 0
  const { before = '', after = '', characters } = parameter
  const places = update(isSame ? found.places : undefined, inPath(before + after), below, owner)
  if (isSame && places === found.places) return forms
  const form = places && { parameter, before: before.length, after: after.length, characters, places }
  return forms.toSpliced(low, isSame ? 1 : 0, ...(form ? [form] : []))
}

function inPath(text: string): string {
  return text.includes('/') ? text.replaceAll('/', '\0') : text
}

function* leavesOf(place: Place): Generator<Leaf> {
  if (!(place instanceof Node)) {
    yield place
    return
  }
  const { end, more, any, literals, forms, parameter, wildcard } = place
  for (const leaf of [end, more, any]) if (leaf) yield leaf
  for (const [, child] of entries(literals)) yield* leavesOf(child)
  for (const form of forms) for (const [, child] of entries(form.places)) yield* leavesOf(child)
  for (const child of [parameter, wildcard]) if (child) yield* leavesOf(child)
}
