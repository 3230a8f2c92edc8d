/**
 * "Did you mean": the open path that is nearest to one that was mistyped. Pure, and bounded: a 404 is the
 * cheapest thing to ask a gateway for, so it must stay cheap to answer.
 *
 * @module
 */

/** Candidates that are looked at, of however many are offered. */
const MOST_CANDIDATES = 5000
/** Candidates that are compared: those whose length alone does not rule them out. */
const MOST_COMPARISONS = 300
/** Longest text that is compared, in characters. */
const LONGEST = 128
/** Proposals that are checked for being open, the nearest first. */
const MOST_CHECKS = 4

/**
 * The nearest path that is open, or nothing. A candidate may stand for the beginning of what was asked:
 * `/ordres/2291` finds `/orders/2291` through the candidate `/orders`.
 *
 * @param candidates Paths of open menu items and page routes, the likelier ones first.
 * @param isOpen Whether a path is served now, and is for whoever asked: no other is named.
 */
export function nearestPath(
  asked: string,
  candidates: Iterable<string>,
  isOpen: (path: string) => boolean,
): string | undefined {
  const parts = asked.split('/')
  const proposals: { path: string; distance: number }[] = []
  let looked = 0
  let compared = 0
  for (const candidate of candidates) {
    looked += 1
    if (looked > MOST_CANDIDATES || compared >= MOST_COMPARISONS) break
    // Two slashes would be another host in a link.
    if (candidate === '/' || candidate.startsWith('//') || candidate.length > LONGEST) continue
    const depth = candidate.split('/').length
    const begin = parts.slice(0, depth).join('/')
    const allowed = allowance(candidate)
    if (Math.abs(begin.length - candidate.length) > allowed + 1) continue
    compared += 1
    const distance = distanceWithin(fold(begin), fold(candidate), allowed)
    if (distance === undefined) continue
    const rest = parts.slice(depth).join('/')
    const whole = rest === '' ? candidate : `${candidate}/${rest}`
    // Without the rest it is a worse guess, but a real page.
    if (whole !== asked) proposals.push({ path: whole, distance })
    if (whole !== candidate && candidate !== asked)
      proposals.push({ path: candidate, distance: distance + 2 })
  }
  proposals.sort((a, b) => a.distance - b.distance || b.path.length - a.path.length)
  return proposals.slice(0, MOST_CHECKS).find(({ path }) => isOpen(path))?.path
}

function fold(path: string): string {
  return path.toLowerCase().replace(/\/$/, '')
}

/** Slips that still look like slips: one in a short word, up to three in a long one. */
function allowance(path: string): number {
  return Math.min(3, Math.max(1, Math.floor((path.length - 1) / 3)))
}

/**
 * Edits between two texts (insert, remove, replace, swap of neighbours) if there are at most `most`.
 * Optimal string alignment, row by row, given up as soon as a whole row is beyond reach.
 */
export function distanceWithin(a: string, b: string, most: number): number | undefined {
  if (Math.abs(a.length - b.length) > most || a.length > LONGEST || b.length > LONGEST) return undefined
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row]
    let least = row
    for (let column = 1; column <= b.length; column += 1) {
      const same = a[row - 1] === b[column - 1]
      let edits = Math.min(
        at(previous, column - 1) + (same ? 0 : 1),
        at(previous, column) + 1,
        at(current, column - 1) + 1,
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        edits = Math.min(edits, at(before, column - 2) + 1)
      }
      current.push(edits)
      least = Math.min(least, edits)
    }
    if (least > most) return undefined
    before = previous
    previous = current
  }
  const edits = at(previous, b.length)
  return edits <= most ? edits : undefined
}

function at(row: readonly number[], column: number): number {
  return row[column] as number
}
