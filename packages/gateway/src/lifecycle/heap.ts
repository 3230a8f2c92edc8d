/**
 * How large the young generation of the heap may be.
 *
 * @module
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** What pages and requests leave behind is collected often enough, and cheaply, with this. */
const YOUNG_BYTES = 16 * 1024 * 1024
/** A worker has less, as there are several. */
export const YOUNG_BYTES_OF_WORKER = YOUNG_BYTES / 2
const LOOK_MS = 250

/**
 * Lets the young generation of the heap grow as load asks for it, up to a size. Requests leave nothing behind, so a
 * larger one would only be more memory to walk through; a smaller one is collected before what is in it has ended. The
 * command holds it at its first size until then: while code is loaded, it would grow by what nobody needs afterwards.
 */
export function shapeHeap(youngBytes = YOUNG_BYTES): void {
  let mayGrow: boolean | undefined
  const look = (): void => {
    const young = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    const isSmall = young === undefined || young.space_size < youngBytes
    if (isSmall === mayGrow) return
    mayGrow = isSmall
    setFlagsFromString(`--semi-space-growth-factor=${isSmall ? 2 : 1}`)
  }
  look()
  // It shrinks while there is little to do, and has to grow again.
  setInterval(look, LOOK_MS).unref()
}
