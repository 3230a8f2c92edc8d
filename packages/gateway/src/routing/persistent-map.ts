/**
 * A persistent map from text: changing one entry of 100 000 copies a few small nodes and shares the rest.
 *
 * A hash trie of 32 branches per level. The map itself is just its root node, and `undefined` when it is empty,
 * so that the many maps with no or one entry cost nothing. Keys can be looked up as a part of a longer text
 * without cutting it out. Within one edit (`owner`), nodes made by this edit are changed in place.
 *
 * @module
 */

/** Marks the nodes of one edit. Make a new one for each, and let go of it before anybody reads the map. */
export type Owner = object

class Entry<V> {
  readonly hash: number
  readonly key: string
  readonly value: V

  constructor(hash: number, key: string, value: V) {
    this.hash = hash
    this.key = key
    this.value = value
  }
}

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

/** Several keys with one and the same hash. A native map, so that even chosen collisions are found at once. */
class Bucket<V> {
  readonly hash: number
  readonly entries: Map<string, V>
  readonly owner: Owner

  constructor(hash: number, entries: Map<string, V>, owner: Owner) {
    this.hash = hash
    this.entries = entries
    this.owner = owner
  }
}

type Node<V> = Entry<V> | Branch<V> | Bucket<V>

export type PersistentMap<V> = Node<V> | undefined

const DIGIT_BITS = 5

export function get<V>(map: PersistentMap<V>, key: string): V | undefined {
  return getPart(map, key, 0, key.length)
}

/** Looks up the part of `text` from `from` up to `to`. */
export function getPart<V>(map: PersistentMap<V>, text: string, from: number, to: number): V | undefined {
  if (map === undefined) return undefined
  const hash = hashOf(text, from, to)
  let node: Node<V> = map
  let digits = hash
  while (node instanceof Branch) {
    const bit = 1 << (digits & 31)
    if ((node.bitmap & bit) === 0) return undefined
    node = node.children[bitsBelow(node.bitmap, bit)]!
    digits >>>= DIGIT_BITS
  }
  if (node.hash !== hash) return undefined
  if (node instanceof Bucket) return node.entries.get(text.slice(from, to))
  return node.key.length === to - from && text.startsWith(node.key, from) ? node.value : undefined
}

export function set<V>(map: PersistentMap<V>, key: string, value: V, owner: Owner): PersistentMap<V> {
  const entry = new Entry(hashOf(key, 0, key.length), key, value)
  return map === undefined ? entry : insert(map, 0, entry, owner)
}

export function remove<V>(map: PersistentMap<V>, key: string, owner: Owner): PersistentMap<V> {
  return map === undefined ? undefined : drop(map, 0, hashOf(key, 0, key.length), key, owner)
}

/** Every key with its value, in no particular order. */
export function* entries<V>(map: PersistentMap<V>): Generator<readonly [key: string, value: V]> {
  if (map instanceof Branch) for (const child of map.children) yield* entries(child)
  else if (map instanceof Bucket) yield* map.entries
  else if (map !== undefined) yield [map.key, map.value]
}

function insert<V>(node: Node<V>, shift: number, entry: Entry<V>, owner: Owner): Node<V> {
  if (!(node instanceof Branch)) {
    if (node.hash !== entry.hash) return split(node, entry, shift, owner)
    if (node instanceof Entry && node.key === entry.key) return entry
    const bucket =
      node instanceof Entry
        ? new Bucket(node.hash, new Map([[node.key, node.value]]), owner)
        : owned(node, owner)
    bucket.entries.set(entry.key, entry.value)
    return bucket
  }
  const bit = 1 << ((entry.hash >>> shift) & 31)
  const index = bitsBelow(node.bitmap, bit)
  const branch = node.owner === owner ? node : new Branch(node.bitmap, node.children.slice(), owner)
  if ((node.bitmap & bit) === 0) {
    branch.children.splice(index, 0, entry)
    branch.bitmap |= bit
  } else {
    branch.children[index] = insert(node.children[index]!, shift + DIGIT_BITS, entry, owner)
  }
  return branch
}

/** A branch for two nodes whose hashes differ, with as many levels above it as they have digits in common. */
function split<V>(a: Entry<V> | Bucket<V>, b: Entry<V>, shift: number, owner: Owner): Branch<V> {
  const left = (a.hash >>> shift) & 31
  const right = (b.hash >>> shift) & 31
  if (left === right) return new Branch(1 << left, [split(a, b, shift + DIGIT_BITS, owner)], owner)
  return new Branch<V>((1 << left) | (1 << right), left < right ? [a, b] : [b, a], owner)
}

function drop<V>(node: Node<V>, shift: number, hash: number, key: string, owner: Owner): PersistentMap<V> {
  if (node instanceof Entry) return node.key === key ? undefined : node
  if (node instanceof Bucket) {
    if (!node.entries.has(key)) return node
    const bucket = owned(node, owner)
    bucket.entries.delete(key)
    if (bucket.entries.size > 1) return bucket
    const [left] = bucket.entries
    return new Entry(hash, left![0], left![1])
  }
  const bit = 1 << ((hash >>> shift) & 31)
  if ((node.bitmap & bit) === 0) return node
  const index = bitsBelow(node.bitmap, bit)
  const child = node.children[index]!
  const rest = drop(child, shift + DIGIT_BITS, hash, key, owner)
  if (rest === child) return node
  // A branch never holds a single entry: then the entry itself stands in its place.
  if (rest === undefined && node.children.length === 2) {
    const other = node.children[1 - index]!
    if (!(other instanceof Branch)) return other
  }
  if (rest !== undefined && !(rest instanceof Branch) && node.children.length === 1) return rest
  if (rest === undefined && node.children.length === 1) return undefined
  const branch = node.owner === owner ? node : new Branch(node.bitmap, node.children.slice(), owner)
  if (rest === undefined) {
    branch.children.splice(index, 1)
    branch.bitmap &= ~bit
  } else {
    branch.children[index] = rest
  }
  return branch
}

function owned<V>(bucket: Bucket<V>, owner: Owner): Bucket<V> {
  return bucket.owner === owner ? bucket : new Bucket(bucket.hash, new Map(bucket.entries), owner)
}

/** FNV-1a over UTF-16 units, mixed at the end so that the low digits depend on every character. */
function hashOf(text: string, from: number, to: number): number {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  return hash ^ (hash >>> 13)
}

function bitsBelow(bitmap: number, bit: number): number {
  let bits = bitmap & (bit - 1)
  bits -= (bits >>> 1) & 0x55555555
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
