/**
 * Order of versions: numbers as numbers, text by its dotted parts.
 *
 * @module
 */

/**
 * Negative when `a` is older than `b`. Semver's order (semver.org, 11) for any number of parts: numbers before
 * text, a pre-release before its release. A number and a text compare as text, so that a mix has one order.
 */
export function compareVersions(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  const [left, right] = [parse(String(a)), parse(String(b))]
  return (
    compareParts(left.core, right.core, 0) ||
    // A release is newer than what came before it.
    Number(left.pre.length === 0) - Number(right.pre.length === 0) ||
    compareParts(left.pre, right.pre, undefined)
  )
}

/** `v2.10.0-beta.3+build` → core 2.10.0, pre-release beta.3; build metadata has no order. */
function parse(version: string): { core: string[]; pre: string[] } {
  const plain = version.replace(/^v(?=\d)/, '').replace(/\+.*$/, '')
  const dash = plain.indexOf('-')
  const [core, pre] = dash < 0 ? [plain, ''] : [plain.slice(0, dash), plain.slice(dash + 1)]
  return { core: core.split('.'), pre: pre === '' ? [] : pre.split('.') }
}

/** Part by part; one that is missing counts as `missing`, or as older than any when that is undefined. */
function compareParts(a: readonly string[], b: readonly string[], missing: 0 | undefined): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i] ?? missing, b[i] ?? missing]
    if (x === undefined || y === undefined) return x === undefined ? -1 : 1
    const difference = comparePart(String(x), String(y))
    if (difference !== 0) return difference
  }
  return 0
}

const DIGITS = /^\d+$/

function comparePart(a: string, b: string): number {
  const [aIsNumber, bIsNumber] = [DIGITS.test(a), DIGITS.test(b)]
  if (aIsNumber && bIsNumber) return Number(a) - Number(b)
  if (aIsNumber !== bIsNumber) return aIsNumber ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}
