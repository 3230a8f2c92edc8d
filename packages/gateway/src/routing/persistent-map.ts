/**
 * A persistent map from text: changing one entry of 100 000 copies a few small nodes and shares the rest.
 *
 * A hash trie of 32 branches per level that ends in packs of up to eight entries, because memory that is far
 * away is what a look-up costs. The map itself is just its root node, and `undefined` when it is empty. A key
 * can be looked up as a part of a longer text, with its hash made while that text was read. Within one edit
 * (`owner`), branches made by this edit are changed in place.
 *
 * @module
 */

/** Marks the nodes of one edit. Make a new one for each, and let go of it before anybody reads the map. */
export type Owner = object

class Branch<V> {
  /** Bit n is set when there is a child for hash digit n. */
  bitmap: number
  /** One child for each bit that is set, in their order. */
  readonly children: Node<V>[]
  readonly owner: Owner

  constructor(bitmap: number, children: Node<V>[], owner: Owner) {
    this.bitmap = bitmap
    this.children = children
    this.owner = owner
  }
}

/** Many keys with one and the same hash. A native map, so that even chosen collisions are found at once. */
class Bucket<V> {
  readonly entries: Map<string, V>
  readonly owner: Owner

  constructor(entries: Map<string, V>, owner: Owner) {
    this.entries = entries
    this.owner = owner
  }
}

/** `hash, key, value, hash, key, value, …`; never changed. */
type Pack<V> = readonly (number | string | V)[]

type Node<V> = Branch<V> | Bucket<V> | Pack<V>

export type PersistentMap<V> = Node<V> | undefined

type Change<V> = (value: V | undefined) => V | undefined

const DIGIT_BITS = 5
const HASH_BITS = 32
const PACK_SIZE = 8 * 3

/** Hash of no text; `extendHash` adds a character, `finishHash` makes it fit for `lookUp` (FNV-1a, then mixed). */
export const NO_TEXT = 0x811c9dc5 | 0

export function extendHash(hash: number, code: number): number {
  return Math.imul(hash ^ code, 0x01000193)
}

export function finishHash(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return mixed ^ (mixed >>> 13)
}

export function get<V>(map: PersistentMap<V>, key: string): V | undefined {
  return map && lookUp(map, hashOf(key, 0, key.length), key, 0, key.length)
}

/** Looks up the part of `text` from `from` up to `to`. */
export function getPart<V>(map: PersistentMap<V>, text: string, from: number, to: number): V | undefined {
  return map && lookUp(map, hashOf(text, from, to), text, from, to)
}

/** Looks up a part of `text` whose finished hash is known. */
export function lookUp<V>(map: Node<V>, hash: number, text: string, from: number, to: number): V | undefined {
  let node = map
  let digits = hash
  while (node instanceof Branch) {
    const bit = 1 << (digits & 31)
    if ((node.bitmap & bit) === 0) return undefined
    node = node.children[bitsBelow(node.bitmap, bit)]!
    digits >>>= DIGIT_BITS
  }
  if (node instanceof Bucket) return node.entries.get(text.slice(from, to))
  for (let at = 0; at < node.length; at += 3) {
    if (node[at] !== hash) continue
    // Cutting the part out and comparing it whole is several times faster than `startsWith`.
    const part = to - from === text.length ? text : text.slice(from, to)
    if (part === node[at + 1]) return node[at + 2] as V
  }
  return undefined
}

/** Replaces a value by what `change` makes of it, in one look-up; undefined stands for no entry. */
export function update<V>(
  map: PersistentMap<V>,
  key: string,
  change: Change<V>,
  owner: Owner,
): PersistentMap<V> {
  return alter(map, 0, hashOf(key, 0, key.length), key, change, owner)
}

export function set<V>(map: PersistentMap<V>, key: string, value: V, owner: Owner): PersistentMap<V> {
  return update(map, key, () => value, owner)
}

export function remove<V>(map: PersistentMap<V>, key: string, owner: Owner): PersistentMap<V> {
  return update(map, key, () => undefined, owner)
}

/** Every key with its value, in no particular order. */
export function* entries<V>(map: PersistentMap<V>): Generator<readonly [key: string, value: V]> {
  if (map === undefined) return
  if (map instanceof Branch) for (const child of map.children) yield* entries(child)
  else if (map instanceof Bucket) yield* map.entries
  else for (let at = 0; at < map.length; at += 3) yield [map[at + 1] as string, map[at + 2] as V]
}

function alter<V>(
  node: Node<V> | undefined,
  shift: number,
  hash: number,
  key: string,
  change: Change<V>,
  owner: Owner,
): PersistentMap<V> {
  if (node === undefined) {
    const value = change(undefined)
    return value === undefined ? undefined : [hash, key, value]
  }
  if (node instanceof Branch) return alterBranch(node, shift, hash, key, change, owner)
  if (node instanceof Bucket) return alterBucket(node, key, change, owner)

  const found = indexIn(node, hash, key)
  if (found >= 0) {
    const old = node[found + 2] as V
    const value = change(old)
    if (value === old) return node
    if (value !== undefined) return node.with(found + 2, value)
    return node.length === 3 ? undefined : node.toSpliced(found, 3)
  }
  const value = change(undefined)
  if (value === undefined) return node
  if (node.length < PACK_SIZE) return node.concat([hash, key, value])
  let wider: Node<V> = shift < HASH_BITS ? new Branch<V>(0, [], owner) : new Bucket<V>(new Map(), owner)
  for (let at = 0; at < node.length; at += 3) {
    wider = alter(wider, shift, node[at] as number, node[at + 1] as string, () => node[at + 2] as V, owner)!
  }
  return alter(wider, shift, hash, key, () => value, owner)
}

function alterBranch<V>(
  node: Branch<V>,
  shift: number,
  hash: number,
  key: string,
  change: Change<V>,
  owner: Owner,
): PersistentMap<V> {
  const bit = 1 << ((hash >>> shift) & 31)
  const index = bitsBelow(node.bitmap, bit)
  const child = (node.bitmap & bit) === 0 ? undefined : node.children[index]!
  const next = alter(child, shift + DIGIT_BITS, hash, key, change, owner)
  if (next === child) return node
  if (next === undefined && node.children.length === 1) return undefined
  const branch = node.owner === owner ? node : new Branch(node.bitmap, node.children.slice(), owner)
  if (child !== undefined && next !== undefined) branch.children[index] = next
  else {
    if (next !== undefined) branch.children.splice(index, 0, next)
    else branch.children.splice(index, 1)
    branch.bitmap ^= bit
  }
  const [only] = branch.children
  return next === undefined && branch.children.length === 1 && Array.isArray(only) ? only : branch
}

function alterBucket<V>(node: Bucket<V>, key: string, change: Change<V>, owner: Owner): PersistentMap<V> {
  const old = node.entries.get(key)
  const value = change(old)
  if (value === old) return node
  if (value === undefined && node.entries.size === 1) return undefined
  const bucket = node.owner === owner ? node : new Bucket(new Map(node.entries), owner)
  if (value === undefined) bucket.entries.delete(key)
  else bucket.entries.set(key, value)
  return bucket
}

function indexIn<V>(pack: Pack<V>, hash: number, key: string): number {
  for (let at = 0; at < pack.length; at += 3) if (pack[at] === hash && pack[at + 1] === key) return at
  return -1
}

function hashOf(text: string, from: number, to: number): number {
  let hash = NO_TEXT
  for (let at = from; at < to; at++) hash = extendHash(hash, text.charCodeAt(at))
  return finishHash(hash)
}

function bitsBelow(bitmap: number, bit: number): number {
  let bits = bitmap & (bit - 1)
  bits -= (bits >>> 1) & 0x55555555
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
