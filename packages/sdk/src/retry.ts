/**
 * When a service tries again: about each second, for ever (`medusa.md` 5.12), and never in step with its siblings.
 *
 * @module
 */

const EVERY_MS = 1000
/** Those that lost their gateway in one instant drift apart. */
const SPREAD = 0.3
/** A site that was cut off for so long comes back at any moment of two seconds. */
const LONG = 10

/** After a line is lost the next gateway is tried at once, but not by all services in the same millisecond. */
const AT_ONCE_MS = 100

/** @param failures attempts that failed since the last line, this one included */
export function pauseAfter(failures: number, random: () => number): number {
  if (failures >= LONG) return 2 * EVERY_MS * random()
  return EVERY_MS * (1 - SPREAD + 2 * SPREAD * random())
}

export function pauseAtOnce(random: () => number): number {
  return AT_ONCE_MS * random()
}
