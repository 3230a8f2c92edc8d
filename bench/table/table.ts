/**
 * What matching and changing cost at 10, 1 000 and 100 000 routes, beside find-my-way and rou3 in one run.
 *
 *     node --expose-gc --conditions=hydra-source bench/table/table.ts
 *
 * find-my-way also extracts parameters, which the gateway doesn't need; rou3 is told not to. Both change in
 * place, ours makes a new table each time, so that requests never see half a change.
 *
 * @module
 */
import { performance } from 'node:perf_hooks'
import { literalPattern } from '@hydra-gateway/protocol'
import type { RouteSpec } from '../../packages/gateway/src/routing/route.ts'
import { emptyTable } from '../../packages/gateway/src/routing/table.ts'
import { type Router, routers } from './routers.ts'
import { declare, draw } from './workload.ts'

export interface TableRow {
  readonly routes: number
  readonly router: string
  readonly hitNs: number
  readonly missNs: number
  /** What is added and removed: one route, or the unit a service really changes by. */
  readonly change: string
  readonly addUs: number
  readonly removeUs: number
  /** Heap the router holds, all its routes included; undefined without --expose-gc. */
  readonly heapBytes: number | undefined
}

const SIZES = [10, 1000, 100_000] as const

/** Runs the whole comparison; takes about half a minute. */
export function benchTable(): readonly TableRow[] {
  return SIZES.flatMap((size) => {
    const declared = declare(size)
    const { hits, misses } = draw(declared)
    return Object.entries(routers).flatMap(([name, build]) => {
      const before = heapUsed()
      const router = build(declared)
      const after = heapUsed()
      for (const path of hits) if (!router.match(path)) throw new Error(`${name} doesn't find ${path}`)
      for (const path of misses) if (router.match(path)) throw new Error(`${name} finds ${path}`)
      const hitNs = nsPerMatch(router, hits)
      const missNs = nsPerMatch(router, misses)
      const heapBytes = before === undefined || after === undefined ? undefined : after - before
      return Object.entries(router.changes).map(([change, steps]): TableRow => {
        const { addUs, removeUs } = usPerChange(steps)
        return { routes: size, router: name, hitNs, missNs, change, addUs, removeUs, heapBytes }
      })
    })
  })
}

export interface RegistrationCost {
  /** The first one of a freshly started gateway. */
  readonly coldMs: number
  readonly medianMs: number
}

/** Event loop time of taking in a service with 5 000 files: patterns, routes and the new table. */
export function benchRegistration(): RegistrationCost {
  const names = Array.from({ length: 5000 }, (_, n) => `webjars/library-${n % 50}/dist/module-${n}.min.js`)
  const times = Array.from({ length: 15 }, (_, run) => {
    const begin = performance.now()
    const routes = names.map(
      (name): RouteSpec => ({
        pattern: literalPattern(`/shop/${name}`),
        kind: 'static',
        to: `/static/${name}`,
      }),
    )
    emptyTable().withService({
      service: { name: 'shop', title: 'Shop', channel: 'http' },
      rank: 1,
      manifests: [{ hash: `manifest-${run}`, routes }],
      instances: [],
    })
    return performance.now() - begin
  })
  return { coldMs: times[0]!, medianMs: median(times) }
}

/** Median of rounds, each long enough for the clock. */
function nsPerMatch(router: Router, paths: readonly string[]): number {
  const rounds: number[] = []
  for (let round = 0; round < 15; round++) {
    let done = 0
    const begin = performance.now()
    do {
      for (const path of paths) router.match(path)
      done += paths.length
    } while (performance.now() - begin < 60)
    rounds.push(((performance.now() - begin) * 1e6) / done)
  }
  return median(rounds)
}

function usPerChange({ add, remove }: { add(): void; remove(): void }): { addUs: number; removeUs: number } {
  const adds: number[] = []
  const removes: number[] = []
  const deadline = performance.now() + 1500
  while (adds.length < 5 || (adds.length < 2000 && performance.now() < deadline)) {
    const begin = performance.now()
    add()
    const middle = performance.now()
    remove()
    removes.push((performance.now() - middle) * 1000)
    adds.push((middle - begin) * 1000)
  }
  return { addUs: median(adds), removeUs: median(removes) }
}

function heapUsed(): number | undefined {
  if (!globalThis.gc) return undefined
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

/** The rows as a table for people. */
export function formatTable(rows: readonly TableRow[]): string {
  const cells = rows.map(({ routes, router, hitNs, missNs, change, addUs, removeUs, heapBytes }) => [
    String(routes),
    router,
    hitNs.toFixed(0),
    missNs.toFixed(0),
    change,
    addUs.toFixed(1),
    removeUs.toFixed(1),
    heapBytes === undefined ? 'n/a' : Math.round(heapBytes / 1024).toString(),
  ])
  const table = [
    ['routes', 'router', 'ns/hit', 'ns/miss', 'changed', 'us/add', 'us/remove', 'heap KiB'],
    ...cells,
  ]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

if (import.meta.main) {
  // Before anything else, so that the cold one is cold.
  const { coldMs, medianMs } = benchRegistration()
  console.log(formatTable(benchTable()))
  console.log(`\n5 000 files registered in ${coldMs.toFixed(1)} ms cold, ${medianMs.toFixed(1)} ms warm`)
}
