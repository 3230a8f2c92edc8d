import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  compareSpecificity,
  decodeSegments,
  matchPattern,
  type Pattern,
  parsePattern,
} from '@hydra-gateway/protocol'
import fc from 'fast-check'
import type { Manifest, RouteSpec } from './route.ts'
import { emptyTable, type RoutingTable, type ServiceChange } from './table.ts'

// Few words, so that patterns meet each other and the paths that are asked.
const word = fc.constantFrom('a', 'b', 'é', '7', 'f.x', '')
const part = fc.oneof(
  { weight: 4, arbitrary: word },
  fc.constantFrom('{}', '{id}', '{n:digits}', '{h:hex}', '{f}.x', 'f.{f}', '*', 'a\\/b'),
)
const end = fc.constantFrom('', '', '', '/**', '/{rest+}', '/{rest*}')
const pattern = fc
  .tuple(fc.array(part, { minLength: 1, maxLength: 3 }), end)
  .map(([parts, last]) => parsePattern(`/${parts.join('/')}${last}`).patterns[0]!)
const path = fc
  .array(fc.oneof(word, fc.constantFrom('a%2fb', 'a%2Fb', '%C3%A9', '77', 'f.f', 'g.x', '.x', '%')), {
    minLength: 1,
    maxLength: 4,
  })
  .map((words) => `/${words.map((one) => (one === 'é' ? '%c3%a9' : one)).join('/')}`)
const method = fc.constantFrom('GET', 'HEAD', 'POST')
const methods = fc.option(fc.uniqueArray(method, { minLength: 1, maxLength: 2 }), { nil: undefined })
const host = fc.option(fc.constantFrom('h.example', 'i.example'), { nil: undefined, freq: 4 })
const spec: fc.Arbitrary<RouteSpec> = fc
  .record({ pattern, kind: fc.constantFrom('page', 'page', 'static', 'socket'), methods, host })
  .map(({ pattern, kind, methods, host }) => ({
    pattern,
    kind,
    ...(methods ? { methods } : {}),
    ...(host ? { host } : {}),
  }))
const routes = fc.array(spec, { maxLength: 6 })
const asked = fc.record({
  host: fc.constantFrom('h.example', 'x.example'),
  path,
  method,
  isUpgrade: fc.boolean(),
})
type Asked = typeof asked extends fc.Arbitrary<infer T> ? T : never

const has = (spec: RouteSpec, method: string) =>
  !spec.methods || spec.methods.includes(method) || (method === 'HEAD' && spec.methods.includes('GET'))

/** The plain definition: sort everything that fits, take the first that has the method. */
function expected(
  specs: readonly RouteSpec[],
  { host, path, method, isUpgrade }: Asked,
): RouteSpec | undefined {
  const segments = decodeSegments(path)
  if (!segments) return undefined
  return specs
    .filter((spec) => spec.host === undefined || spec.host === host)
    .filter(({ pattern }) => matchPattern(pattern, segments))
    .filter(({ kind }) => (kind === 'socket') === isUpgrade)
    .sort(
      (a, b) =>
        Number(a.host === undefined) - Number(b.host === undefined) ||
        compareSpecificity(a.pattern, b.pattern),
    )
    .find((spec) => has(spec, method))
}

function service(name: string, rank: number, manifests: readonly Manifest[], group?: string): ServiceChange {
  const instances = manifests.map(({ hash }) => ({
    id: `${name}-${hash}`,
    service: name,
    manifest: hash,
    channel: 'rsocket' as const,
    address: { protocol: 'http' as const, host: '127.0.0.1', port: 1 },
    version: 1,
    weight: 10,
    awakening: 'EQUAL_SHARE' as const,
    affinity: false,
  }))
  return {
    service: { name, title: name, channel: 'rsocket' },
    rank,
    manifests,
    instances,
    ...(group ? { group } : {}),
  }
}

test('the most specific declared pattern wins, as the plain definition says', () => {
  fc.assert(
    fc.property(
      fc.array(spec, { maxLength: 25 }),
      fc.array(asked, { minLength: 10, maxLength: 40 }),
      (specs, requests) => {
        const table = emptyTable().withService(service('shop', 1, [{ hash: 'm', routes: specs }]))
        for (const request of requests) {
          const route = table.match(request.host, request.path, request.method, request.isUpgrade)
          const wanted = expected(specs, request)
          assert.equal(route?.pattern.shape, wanted?.pattern.shape, JSON.stringify(request))
          assert.equal(route?.host, wanted?.host)
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('the methods of a 405 are the ones that would have been served', () => {
  fc.assert(
    fc.property(fc.array(spec, { maxLength: 15 }), asked, (specs, { host, path }) => {
      const table = emptyTable().withService(service('shop', 1, [{ hash: 'm', routes: specs }]))
      const allowed = table.allowed(host, path)
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
        assert.equal(allowed.includes(method), table.match(host, path, method, false) !== undefined, method)
      }
    }),
    { numRuns: 1000 },
  )
})

const names = ['a', 'b', 'c', 'd']
const step = fc.record({
  name: fc.constantFrom(...names),
  rank: fc.integer({ min: 1, max: 3 }),
  group: fc.constantFrom(undefined, undefined, 'g'),
  // Index of one of the manifests below; none at all means that the service is forgotten.
  manifests: fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }),
})

test('after any sequence of changes a table answers like one built from what is left', () => {
  fc.assert(
    fc.property(
      fc.array(routes, { minLength: 4, maxLength: 4 }),
      fc.array(step, { maxLength: 20 }),
      fc.array(asked, { minLength: 5, maxLength: 10 }),
      (declared, steps, requests) => {
        const manifests = declared.map((routes, n): Manifest => ({ hash: `m${n}`, routes }))
        const left = new Map<string, ServiceChange>()
        let table = emptyTable()
        const history: [RoutingTable, unknown][] = []
        for (const { name, rank, group, manifests: chosen } of steps) {
          history.push([table, answers(table, requests)])
          if (chosen.length === 0) {
            left.delete(name)
            table = table.withoutService(name)
          } else {
            const change = service(
              name,
              rank,
              chosen.map((n) => manifests[n]!),
              group,
            )
            left.set(name, change)
            table = table.withService(change)
          }
        }
        let fresh = emptyTable()
        for (const change of left.values()) fresh = fresh.withService(change)
        assert.deepEqual(answers(table, requests), answers(fresh, requests))
        for (const [older, before] of history) assert.deepEqual(answers(older, requests), before)
      },
    ),
    { numRuns: 1000 },
  )
})

test('a service that comes and goes leaves nothing behind', () => {
  fc.assert(
    fc.property(routes, routes, asked, (stays, goes, request) => {
      const before = emptyTable().withService(service('a', 1, [{ hash: 'm', routes: stays }]))
      const after = before.withService(service('b', 0, [{ hash: 'n', routes: goes }])).withoutService('b')
      assert.deepEqual(answers(after, [request]), answers(before, [request]))
      const nothing = after.withoutService('a')
      assert.equal(nothing.size, 0)
      assert.deepEqual([...nothing.routes()], [])
    }),
    { numRuns: 500 },
  )
})

test('reading never throws, whatever the path', () => {
  fc.assert(
    fc.property(
      fc.array(spec, { maxLength: 10 }),
      fc.string({ unit: 'binary' }),
      fc.boolean(),
      (specs, text, isUpgrade) => {
        const table = emptyTable().withService(service('shop', 1, [{ hash: 'm', routes: specs }]))
        for (const path of [text, `/${text}`, `/a/${text}`]) {
          table.match(text, path, text, isUpgrade)
          table.allowed(text, path)
        }
      },
    ),
    { numRuns: 1000 },
  )
})

/** Everything a table says, in an order that doesn't depend on how it was built. */
function answers(table: RoutingTable, requests: readonly Asked[]): unknown {
  const sorted = (list: Iterable<unknown>) => [...list].map((one) => JSON.stringify(one)).sort()
  return {
    size: table.size,
    routes: sorted(table.routes()),
    listed: [...table.routes()].length,
    services: sorted(table.services()),
    conflicts: sorted(table.conflicts()),
    matched: requests.map(({ host, path, method, isUpgrade }) => {
      const route = table.match(host, path, method, isUpgrade)
      return JSON.stringify([route, route && sorted(table.candidates(route)), table.allowed(host, path)])
    }),
  }
}

test('a pattern has one place, whatever its parameters are called', () => {
  fc.assert(
    fc.property(pattern, (given: Pattern) => {
      const table = emptyTable()
        .withService(service('a', 1, [{ hash: 'm', routes: [{ pattern: given, kind: 'page' }] }]))
        .withService(
          service('b', 2, [
            { hash: 'm', routes: [{ pattern: parsePattern(given.shape).patterns[0]!, kind: 'page' }] },
          ]),
        )
      assert.equal(table.size, 1)
      assert.equal(table.conflicts().length, 1)
    }),
  )
})
