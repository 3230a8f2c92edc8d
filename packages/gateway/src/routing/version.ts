/**
 * Order of versions: numbers as numbers, text by its dotted parts.
 *
 * @module
 */

/** Negative when `a` is older than `b`. A number and a text compare as text, so that a mix has one order. */
export function compareVersions(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [parts(String(a)), parts(String(b))]
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = comparePart(left[i], right[i])
    if (difference !== 0) return difference
  }
  return 0
}

/** `v2.10.0-beta.3+build` → core parts, then the pre-release; build metadata has no order (semver 10, 11). */
function parts(version: string): string[] {
  return version.replace(/^v(?=\d)/, '').replace(/\+.*$/, '').split(/[.-]/)
}

function comparePart(a: string | undefined, b: string | undefined): number {
  // 2.4.0 is newer than 2.4.0-beta (semver 11.3), and 2.4.1 newer than 2.4.
  if (a === undefined) return b !== undefined && /^\d+$/.test(b) ? -1 : 1
  if (b === undefined) return /^\d+$/.test(a) ? 1 : -1
  const [x, y] = [Number(a), Number(b)]
  if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y
  return a < b ? -1 : a > b ? 1 : 0
}
