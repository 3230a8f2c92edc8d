/**
 * Who is asking: a person with a browser, or a machine. Decided by `Accept` alone (RFC 9110 12.5.1).
 *
 * @module
 */

/** Ranges that are read; browsers send fewer than ten. */
const MOST_RANGES = 32

/**
 * True when HTML is asked for by name and ranked at least as high as JSON. The wildcard range alone, as curl and
 * fetch send it, is a machine; so is no Accept at all.
 */
export function prefersHtml(accept: string | undefined): boolean {
  if (accept === undefined || accept === '') return false
  const ranges = accept.split(',', MOST_RANGES).map(readRange)
  const html = qualityOf(ranges, 'text/html')
  if (html === undefined || html.quality === 0 || html.range === '*/*') return false
  const json = ['application/problem+json', 'application/json'].map(
    (type) => qualityOf(ranges, type)?.quality ?? 0,
  )
  return html.quality >= Math.max(...json)
}

interface Range {
  readonly range: string
  /** 0 to 1. */
  readonly quality: number
}

function readRange(text: string): Range {
  const [range = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = parameters.find((parameter) => parameter.startsWith('q='))
  if (weight === undefined) return { range, quality: 1 }
  // A weight nobody can read says nothing in favour of its range.
  return {
    range,
    quality: /^q=(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight.slice(2)) : 0,
  }
}

/** The weight of a type: that of the most specific range that names it. */
function qualityOf(ranges: readonly Range[], type: string): Range | undefined {
  const family = `${type.slice(0, type.indexOf('/'))}/*`
  for (const name of [type, family, '*/*']) {
    const found = ranges.filter(({ range }) => range === name)
    if (found.length > 0) return found.reduce((best, next) => (next.quality > best.quality ? next : best))
  }
  return undefined
}
