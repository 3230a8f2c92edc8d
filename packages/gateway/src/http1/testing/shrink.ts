/**
 * Makes a find as small as it gets, so that whoever mends it sees what matters.
 *
 * @module
 */
import type { Case } from './verdict.ts'

/** Leaves out bytes, large pieces first, as long as `isWrong` says that the find is still one. */
export async function shrink(found: Case, isWrong: (smaller: Case) => Promise<boolean>): Promise<Case> {
  // What was meant holds for the bytes as they were made; without it only contradictions are left to find.
  let best: Case = { ...found, intended: undefined }
  if (!(await isWrong(best))) return found
  for (let size = Math.ceil(best.bytes.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let isSmaller = true; isSmaller; ) {
      isSmaller = false
      for (let at = best.bytes.length - size; at >= 0; at -= size) {
        const { bytes } = best
        const tried = { ...best, bytes: Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]) }
        if (await isWrong(tried)) {
          best = tried
          isSmaller = true
        }
      }
    }
  }
  return best
}
