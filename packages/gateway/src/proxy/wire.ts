/**
 * What the parts of the engine say to each other when bytes change hands.
 *
 * @module
 */

/** Of bytes that were given: whoever took them is done with their memory, */
export const SENT = 0
/** or still uses it: it is his, and nothing more is given until he says so (`onDrain`, `resume`, `readBody`). */
export const HELD = 1
export type Taken = typeof SENT | typeof HELD

/** Up to here it is cheaper to copy bytes of a body behind others than to write them by themselves. */
export const SMALL_PIECE_BYTES: number = 16 * 1024

/** Takes a request body. */
export interface BodySink {
  /**
   * Some bytes. HELD: their memory is in use for longer than this call, which may only be said of pieces larger than
   * SMALL_PIECE_BYTES. May call `holdBody`.
   */
  onBody(bytes: Buffer): Taken
  /** The body was whole. */
  onBodyEnd(): void
  /** What was at hand has been given: what was joined can leave now. */
  onBodyPause(): void
}
