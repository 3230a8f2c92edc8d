/**
 * Portions: what many nodes do at the same moment is done a few at a time, so that the store and the other nodes keep
 * breathing.
 *
 * @module
 */
import type { Clock } from '../observe/clock.ts'

export interface Portions<Item> {
  /** Its turn comes, with the others that wait. */
  add(item: Item): void
  has(item: Item): boolean
  /** It does not wait any more. */
  delete(item: Item): void
  /** Nobody waits any more: all who did. */
  takeAll(): Item[]
  stop(): void
}

export interface PortionsDeps<Item> {
  readonly onTurn: (item: Item) => void
  readonly clock: Pick<Clock, 'after'>
  /** 0 to 1: nodes begin at moments of their own. */
  readonly random: () => number
}

const PORTION = 50
const PORTION_MS = 20
const JITTER_MS = 60

export function createPortions<Item>({ onTurn, clock, random }: PortionsDeps<Item>): Portions<Item> {
  const waiting = new Set<Item>()
  let cancel: (() => void) | undefined
  const begin = (afterMs: number): void => {
    cancel ??= clock.after(afterMs, () => {
      cancel = undefined
      for (const item of [...waiting].slice(0, PORTION)) {
        waiting.delete(item)
        onTurn(item)
      }
      if (waiting.size > 0) begin(PORTION_MS)
    })
  }
  return {
    add(item) {
      waiting.add(item)
      begin(random() * JITTER_MS)
    },
    has: (item) => waiting.has(item),
    delete: (item) => void waiting.delete(item),
    takeAll() {
      const all = [...waiting]
      waiting.clear()
      return all
    },
    stop: () => cancel?.(),
  }
}
