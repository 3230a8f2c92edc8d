/**
 * The draw: which version a visitor sees.
 *
 * The same visitor draws the same number for a service every time and at every node, so the choice moves only
 * as far as the shares move.
 *
 * @module
 */
import type { Slice } from './share.ts'

/** A number from 0 to below 1, always the same for a visitor and a key (a service), and evenly spread. */
export function draw(visitor: string, key: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < visitor.length; i++) hash = Math.imul(hash ^ visitor.charCodeAt(i), 0x01000193)
  // Something between the two, or (ab, c) and (a, bc) would be one draw.
  hash = Math.imul(hash ^ 0x1f, 0x01000193)
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
  return mix(hash) / 0x1_0000_0000
}

/** FNV-1a leaves its upper bits poorly mixed for short input; this is the finisher of MurmurHash3. */
function mix(given: number): number {
  let hash = given
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * The slice a drawn number falls into. `slices` are newest first, as `versionShares` returns them: the newest
 * begins at 0 and the oldest ends at 1, so raising the newest from 10 % to 20 % moves the next 10 % to it.
 */
export function chooseSlice(slices: readonly Slice[], drawn: number): Slice | undefined {
  let end = 0
  let last: Slice | undefined
  for (const slice of slices) {
    if (slice.share === 0) continue
    end += slice.share
    last = slice
    if (drawn < end) break
  }
  return last
}
