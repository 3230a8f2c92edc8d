/**
 * The known name somebody probably meant.
 *
 * @module
 */

/** The candidate closest to `given`, when a slip of the finger or two explains the difference. */
export function nearest(given: string, candidates: Iterable<string>): string | undefined {
  const most = Math.max(1, Math.floor(given.length / 4))
  let best: string | undefined
  let bestDistance = most + 1
  for (const candidate of candidates) {
    const distance = slips(given.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** How many letters to add, drop, change or swap with their neighbour to get from one text to the other. */
function slips(from: string, to: string): number {
  let before: number[] = []
  let row = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const isSame = from[i - 1] === to[j - 1]
      let least = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]) {
        least = Math.min(least, before[j - 2]! + 1)
      }
      next.push(least)
    }
    before = row
    row = next
  }
  return row[to.length]!
}
