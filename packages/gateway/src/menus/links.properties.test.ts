import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePattern } from '@hydra-gateway/protocol'
import fc from 'fast-check'
import { refusalOf } from '../identity/access.ts'
import { type AccessRule, compileAccessRules } from '../identity/access-rules.ts'
import { createRouteGuard } from '../identity/guard.ts'
import { createPathDemands } from '../identity/path-demands.ts'
import type { Caller } from '../identity/port.ts'
import { createManualClock } from '../observe/manual-clock.ts'
import { FakeExchange } from '../proxy/testing/fake-exchange.ts'
import { normalAccess } from '../routing/access.ts'
import type { Live } from '../routing/live.ts'
import type { RouteSpec } from '../routing/route.ts'
import { emptyTable } from '../routing/table.ts'
import type { Instance } from '../routing/upstream.ts'
import { createVitals } from '../routing/vitals.ts'
import { createSiteMenus } from './site-menus.ts'

const MAPPINGS: Record<string, Record<string, string>> = { b: { BOSS: 'A' } }
const PATTERNS = ['/x', '/x/{id}', '/x/y', '/{any*}', '/admin/{page}', '/admin', '/X']
const ASKED = [
  '/x',
  '/x/',
  '/X',
  '/x/y',
  '/x/Y',
  '/x//y',
  '/admin/z',
  '/ADMIN/z',
  '/admin;v=1/z',
  '/%61dmin',
  '/q',
]

const access = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  fc.constant({ auth: 'required' as const }),
  fc.constant({ auth: 'optional' as const }),
  fc.record(
    {
      roles: fc.constantFrom(['A'], ['B', 'a'], ['C']),
      providers: fc.constantFrom(['corp'], ['local', 'corp']),
    },
    { requiredKeys: [] },
  ),
)
const services = fc.array(
  fc.record({
    isGrouped: fc.boolean(),
    routes: fc.uniqueArray(fc.tuple(fc.constantFrom(...PATTERNS), access), {
      selector: ([path]) => path,
      maxLength: 4,
    }),
  }),
  { minLength: 1, maxLength: 3 },
)
const rules: fc.Arbitrary<AccessRule[]> = fc.array(
  fc
    .tuple(
      fc.record(
        { service: fc.constantFrom('a', 'b', '.*'), path: fc.constantFrom(...PATTERNS, '/**') },
        { requiredKeys: [] },
      ),
      access,
    )
    .map(([where, whom]) => ({ ...where, ...whom })),
  { maxLength: 3 },
)
const identity = fc.record({
  provider: fc.constantFrom('local', 'corp'),
  roles: fc.subarray(['A', 'b', 'BOSS']),
})
const callers = fc.option(fc.array(identity, { minLength: 1, maxLength: 2 }), { nil: undefined })

test('a link is open exactly to those the guard lets through', () => {
  fc.assert(
    fc.property(services, rules, callers, fc.constantFrom(...ASKED), (declared, rules, identities, path) => {
      const live: Live = { table: tableOf(declared) }
      const ruleFor = compileAccessRules(rules)
      const roleMappings = (service: string) => MAPPINGS[service] ?? {}
      const caller = identities && ({ identities, ...LASTING } as unknown as Caller)
      const guard = createRouteGuard({
        tokens: { verify: () => caller ?? 'malformed' },
        revocations: { isRevoked: () => false },
        ruleFor,
        routeOf: ({ host, method }, other) => live.table.match(host, other, method, false),
        roleMappings,
        settings: { host: false, maxTokenBytes: 1000 },
        clock: createManualClock(),
        log: { debug() {} },
        metrics: { refused() {} },
      })
      const menus = createSiteMenus({
        overview: () => ({ hash: '', menus: {} }),
        onOverview: () => () => {},
        live,
        vitals: createVitals(),
        demandsAt: createPathDemands({
          ruleFor,
          routeOf: ({ host }, other) => live.table.match(host, other, 'GET', false),
        }),
        identity: {
          isRevoked: () => false,
          judge: (who, service, asked) => refusalOf(who, asked, () => roleMappings(service)),
        },
      })

      const link = menus.link(path, 'localhost', caller)
      const route = live.table.match('localhost', path, 'GET', false)
      if (!route) return assert.equal(link, undefined)
      const lines = [...(caller ? ['Cookie: HYDRA-SSO=token'] : [])]
      const refusal = guard.check(new FakeExchange(`GET ${path} HTTP/1.1`, ...lines), route)
      assert.ok(!(refusal instanceof Promise))
      assert.equal(menus.isFor(path, 'localhost', caller), refusal === undefined)
      if (refusal === undefined) assert.equal(link?.state, 'down', 'nobody serves anything here')
      else assert.equal(link?.state, caller ? 'closed' : 'available')
    }),
    { numRuns: 2000 },
  )
})

const LASTING = { renewAt: Number.MAX_VALUE, expiresAt: Number.MAX_VALUE, token: 'token' }

type Declared = typeof services extends fc.Arbitrary<infer Value> ? Value : never

function tableOf(declared: Declared) {
  return declared.reduce((table, { routes, isGrouped }, at) => {
    const name = 'abc'[at]!
    const specs = routes.flatMap(([path, whom]) =>
      parsePattern(path).patterns.map(
        (pattern): RouteSpec => ({ pattern, kind: 'page', ...normalAccess({ ...NOTHING, ...whom }) }),
      ),
    )
    return table.withService({
      service: { name, title: name, channel: 'rsocket' },
      ...(isGrouped && { group: 'g' }),
      rank: at,
      manifests: [{ hash: name, routes: specs }],
      instances: [] as Instance[],
    })
  }, emptyTable())
}

const NOTHING = { auth: undefined, roles: undefined, providers: undefined }
