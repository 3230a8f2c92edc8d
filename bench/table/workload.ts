/**
 * The routes and requests every router in this benchmark gets, each in its own spelling.
 *
 * Services of a hundred routes: half of them files, the other half pages with one or two parameters and a few
 * with everything below them. Requests are drawn once, in an order no cache would like.
 *
 * @module
 */

export interface Declared {
  /** Which service declared it. */
  readonly service: number
  /** In our own form. */
  readonly path: string
  /** A request that ends at it. */
  readonly hit: string
}

const ROUTES_PER_SERVICE = 100

export function declare(count: number): readonly Declared[] {
  return Array.from({ length: count }, (_, n) => {
    const service = Math.floor(n / ROUTES_PER_SERVICE)
    const base = `/team-${service}`
    const kind = n % 10
    if (kind < 5)
      return { service, path: `${base}/assets/chunk-${n}.js`, hit: `${base}/assets/chunk-${n}.js` }
    if (kind < 8) return { service, path: `${base}/page-${n}/{id}`, hit: `${base}/page-${n}/${n * 7}` }
    if (kind < 9)
      return {
        service,
        path: `${base}/shelf-${n}/{id}/items/{item}`,
        hit: `${base}/shelf-${n}/a7/items/b${n}`,
      }
    return { service, path: `${base}/files-${n}/{rest+}`, hit: `${base}/files-${n}/2026/11/report-${n}.pdf` }
  })
}

export interface Requests {
  readonly hits: readonly string[]
  readonly misses: readonly string[]
}

/** At most 20 000 of each, so that the requests themselves stay in the processor's caches as little as real ones. */
export function draw(routes: readonly Declared[]): Requests {
  const random = randomFrom(42)
  const pick = () => routes[Math.floor(random() * routes.length)]!
  const count = Math.min(20_000, routes.length * 10)
  return {
    hits: Array.from({ length: count }, () => fresh(pick().hit)),
    misses: Array.from({ length: count }, (_, n) =>
      fresh(n % 2 ? `${pick().hit}/x/nothing-${n}`.replace('/files-', '/file-') : `/nobody-${n}/index.html`),
    ),
  }
}

/** A request's path is never the same string object as a route's: its hash isn't known yet. */
function fresh(text: string): string {
  return Buffer.from(text).toString('latin1')
}

function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
