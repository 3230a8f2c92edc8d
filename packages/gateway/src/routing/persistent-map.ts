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

export function set<V>(map: PersistentMap<V>, key: string, value: V, owner: Owner): PersistentMap<V> {
  const hash = hashOf(key, 0, key.length)
  return map === undefined ? [hash, key, value] : insert(map, 0, hash, key, value, owner)
}

export function remove<V>(map: PersistentMap<V>, key: string, owner: Owner): PersistentMap<V> {
  return map && drop(map, 0, hashOf(key, 0, key.length), key, owner)
}

/** Every key with its value, in no particular order. */
export function* entries<V>(map: PersistentMap<V>): Generator<readonly [key: string, value: V]> {
  if (map === undefined) return
  if (map instanceof Branch) for (const child of map.children) yield* entries(child)
  else if (map instanceof Bucket) yield* map.entries
  else for (let at = 0; at < map.length; at += 3) yield [map[at + 1] as string, map[at + 2] as V]
}

function insert<V>(node: Node<V>, shift: number, hash: number, key: string, value: V, owner: Owner): Node<V> {
  if (node instanceof Branch) {
    const bit = 1 << ((hash >>> shift) & 31)
    const index = bitsBelow(node.bitmap, bit)
    const branch = node.owner === owner ? node : new Branch(node.bitmap, node.children.slice(), owner)
    if ((node.bitmap & bit) === 0) {
      branch.children.splice(index, 0, [hash, key, value])
      branch.bitmap |= bit
    } else {
      branch.children[index] = insert(node.children[index]!, shift + DIGIT_BITS, hash, key, value, owner)
    }
    return branch
  }
  if (node instanceof Bucket) {
    const bucket = owned(node, owner)
    bucket.entries.set(key, value)
    return bucket
  }
  const found = indexIn(node, hash, key)
  if (found >= 0) return node.with(found + 2, value)
  if (node.length < PACK_SIZE) return node.concat([hash, key, value])
  const wider: Node<V> = shift < HASH_BITS ? new Branch<V>(0, [], owner) : new Bucket<V>(new Map(), owner)
  for (let at = 0; at < node.length; at += 3) {
    insert(wider, shift, node[at] as number, node[at + 1] as string, node[at + 2] as V, owner)
  }
  return insert(wider, shift, hash, key, value, owner)
}

function drop<V>(node: Node<V>, shift: number, hash: number, key: string, owner: Owner): PersistentMap<V> {
  if (node instanceof Branch) {
    const bit = 1 << ((hash >>> shift) & 31)
    if ((node.bitmap & bit) === 0) return node
    const index = bitsBelow(node.bitmap, bit)
    const child = node.children[index]!
    const rest = drop(child, shift + DIGIT_BITS, hash, key, owner)
    if (rest === child) return node
    if (rest === undefined && node.children.length === 1) return undefined
    const branch = node.owner === owner ? node : new Branch(node.bitmap, node.children.slice(), owner)
    if (rest !== undefined) branch.children[index] = rest
    else {
      branch.children.splice(index, 1)
      branch.bitmap &= ~bit
    }
    const [only] = branch.children
    return branch.children.length === 1 && Array.isArray(only) ? only : branch
  }
  if (node instanceof Bucket) {
    if (!node.entries.has(key)) return node
    if (node.entries.size === 1) return undefined
    const bucket = owned(node, owner)
    bucket.entries.delete(key)
    return bucket
  }
  const found = indexIn(node, hash, key)
  if (found < 0) return node
  return node.length === 3 ? undefined : node.toSpliced(found, 3)
}

function indexIn<V>(pack: Pack<V>, hash: number, key: string): number {
  for (let at = 0; at < pack.length; at += 3) if (pack[at] === hash && pack[at + 1] === key) return at
  return -1
}

function owned<V>(bucket: Bucket<V>, owner: Owner): Bucket<V> {
  return bucket.owner === owner ? bucket : new Bucket(new Map(bucket.entries), owner)
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
