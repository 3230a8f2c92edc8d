/**
 * Says the same trouble now and then instead of each time.
 *
 * @module
 */

/** Trouble of one kind is said no more often than this. */
const QUIET_MS = 10_000

/**
 * Makes a way to say things seldom. The first of a kind is said at once; of those that follow within ten seconds,
 * the next one that is said tells how many were not.
 */
export function createSeldom(
  say: (sentence: string) => void,
  now: () => number,
): (kind: string, sentence: string) => void {
  const kinds = new Map<string, { saidAt: number; unsaid: number }>()
  return (kind, sentence) => {
    const last = kinds.get(kind)
    if (last && now() - last.saidAt < QUIET_MS) {
      last.unsaid++
      return
    }
    kinds.set(kind, { saidAt: now(), unsaid: 0 })
    say(last && last.unsaid > 0 ? `${sentence} (and ${last.unsaid} more of the kind)` : sentence)
  }
}
