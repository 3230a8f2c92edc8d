/**
 * The order of a menu: what stands below what, under which heading, and before whom. Pure, and the same on every node.
 *
 * @module
 */

/** What decides where an item stands. */
export interface Placed {
  readonly endpoint: string
  readonly label: string
  readonly order?: number | undefined
  readonly group?: string | undefined
  /** `endpoint` of the item it wants to stand below. */
  readonly parent?: string | undefined
}

export interface Arranged<Item extends Placed> {
  /** In the order they are shown in: each behind the one it stands below, with all of its own below it in between. */
  readonly items: readonly Item[]
  /** Those whose parent is not there, or stands below themselves: they stand at the top. */
  readonly parentless: ReadonlySet<Item>
}

/**
 * Arranges the items of one menu, each `endpoint` once. Among those beside each other: those with an `order` first, by it;
 * then by label; then by endpoint; all of one `group` where the first of them would stand.
 */
export function arrangeItems<Item extends Placed>(items: readonly Item[]): Arranged<Item> {
  const byEndpoint = new Map(items.map((item) => [item.endpoint, item]))
  const parentless = withoutParent(items, byEndpoint)
  const below = Map.groupBy(items, (item) =>
    item.parent === undefined || parentless.has(item) ? undefined : byEndpoint.get(item.parent)!,
  )
  const arranged: Item[] = []
  // A stack, not recursion: somebody may nest ten thousand.
  const open = beside(below.get(undefined))
  for (let item = open.pop(); item; item = open.pop()) {
    arranged.push(item)
    for (const child of beside(below.get(item))) open.push(child)
  }
  return { items: arranged, parentless }
}

/** Items beside each other, the last first. */
function beside<Item extends Placed>(items: Item[] | undefined): Item[] {
  if (!items) return []
  const sorted = items.sort(compareItems)
  if (sorted.every(({ group }) => group === undefined)) return sorted.reverse()
  const places = Map.groupBy(sorted, (item) => item.group ?? item)
  return [...places.values()].flat().reverse()
}

/** Items whose parent is unknown, and all of those that stand below each other in a ring. */
function withoutParent<Item extends Placed>(
  items: readonly Item[],
  byEndpoint: ReadonlyMap<string, Item>,
): ReadonlySet<Item> {
  const found = new Set<Item>()
  const seen = new Set<Item>()
  for (const first of items) {
    const trail: Item[] = []
    let at: Item | undefined = first
    while (at && !seen.has(at)) {
      seen.add(at)
      trail.push(at)
      if (at.parent === undefined) break
      const parent = byEndpoint.get(at.parent)
      if (!parent) found.add(at)
      at = parent
    }
    const ring = at ? trail.lastIndexOf(at) : -1
    if (ring >= 0 && at!.parent !== undefined) for (const item of trail.slice(ring)) found.add(item)
  }
  return found
}

function compareItems(a: Placed, b: Placed): number {
  return (
    compareOrder(a.order, b.order) || compareText(a.label, b.label) || compareText(a.endpoint, b.endpoint)
  )
}

function compareOrder(a: number | undefined, b: number | undefined): number {
  if (a === b) return 0
  if (a === undefined) return 1
  return b === undefined ? -1 : a - b
}

// Code units, not the machine's locale: every node and every service must find the same order.
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
