/**
 * The heap of a process that serves: without what only loading needed, and with a bound for its young generation.
 *
 * @module
 */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

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

/**
 * Gives back what loading code has left behind: a heap far larger than what is in it, and compiled code that
 * runs once. The process stands still meanwhile, for 50 to 150 ms; called before it serves.
 */
export function giveBackLoading(): void {
  setFlagsFromString('--expose-gc')
  // The flag is for contexts made while it is set: code that runs here goes on without `gc`.
  const collect: NodeJS.GCFunction | undefined = runInNewContext('globalThis.gc')
  setFlagsFromString('--no-expose-gc')
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
