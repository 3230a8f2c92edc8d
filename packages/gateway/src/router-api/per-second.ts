/**
 * A small picture of counts per second. What it shows is said in words beside it, so nobody needs to see it.
 *
 * @module
 */
import { html, type Markup } from '../pages/html.ts'

const WIDTH = 240
const HEIGHTS = { wide: 56, small: 20 } as const

/** One step for each second, the newest to the right. Its height is the most of them, and at least one request. */
export function perSecond(counts: readonly number[], size: keyof typeof HEIGHTS): Markup {
  const height = HEIGHTS[size]
  const most = Math.max(1, ...counts)
  const step = WIDTH / Math.max(1, counts.length)
  let path = `M0 ${height}`
  for (const [i, count] of counts.entries()) {
    const y = rounded(height - (count / most) * (height - 2))
    path += `L${rounded(i * step)} ${y}L${rounded((i + 1) * step)} ${y}`
  }
  return html`<svg class="rate ${size}" viewBox="0 0 ${WIDTH} ${height}" preserveAspectRatio="none" aria-hidden="true"><path d="${path}L${WIDTH} ${height}z"/></svg>`
}

function rounded(number: number): number {
  return Math.round(number * 10) / 10
}
