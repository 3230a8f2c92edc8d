/**
 * The routers that are compared, behind one small face. Ours also says what a change costs in the units it
 * really has: a service that declares one route more, and a new service with one route.
 *
 * @module
 */
import { parsePattern } from '@hydra-gateway/protocol'
import findMyWay from 'find-my-way'
import { addRoute, createRouter, findRoute, removeRoute } from 'rou3'
import type { Manifest, RouteSpec } from '../../packages/gateway/src/routing/route.ts'
import {
  emptyTable,
  type RoutingTable,
  type ServiceChange,
} from '../../packages/gateway/src/routing/table.ts'
import type { Declared } from './workload.ts'

export interface Router {
  match(path: string): unknown
  /** Adds one route, then takes it away. */
  readonly changes: Readonly<Record<string, { add(): void; remove(): void }>>
}

export type BuildRouter = (routes: readonly Declared[]) => Router

export const routers: Readonly<Record<string, BuildRouter>> = {
  'hydra table': buildHydra,
  'find-my-way': buildFindMyWay,
  rou3: buildRou3,
}

const EXTRA = '/team-0/extra/{id}'

function buildHydra(routes: readonly Declared[]): Router {
  const services = [...Map.groupBy(routes, ({ service }) => service)].map(([n, declared]) =>
    serviceOf(`team-${n}`, { hash: `manifest-${n}`, routes: declared.map(({ path }) => specOf(path)) }),
  )
  let table: RoutingTable = emptyTable()
  for (const service of services) table = table.withService(service)

  const [first] = services
  const manifest = first!.manifests[0]!
  const extra = specOf(EXTRA)
  const bigger = serviceOf('team-0', { hash: 'bigger', routes: [...manifest.routes, extra] })
  const newcomer = serviceOf('newcomer', { hash: 'newcomer', routes: [extra] })
  return {
    match: (path) => table.match('shop.example', path, 'GET', false),
    changes: {
      'in a service': {
        add: () => {
          table = table.withService(bigger)
        },
        remove: () => {
          table = table.withService(first!)
        },
      },
      'a new service': {
        add: () => {
          table = table.withService(newcomer)
        },
        remove: () => {
          table = table.withoutService('newcomer')
        },
      },
    },
  }
}

function specOf(path: string): RouteSpec {
  return { pattern: parsePattern(path).patterns[0]!, kind: 'page' }
}

function serviceOf(name: string, manifest: Manifest): ServiceChange {
  return { service: { name, title: name, channel: 'static' }, rank: 1, manifests: [manifest], instances: [] }
}

function buildFindMyWay(routes: readonly Declared[]): Router {
  const router = findMyWay()
  const handler = () => {}
  const spell = (path: string) => path.replace(/\{rest\+\}/, '*').replace(/\{(\w+)\}/g, ':$1')
  for (const { path } of routes) router.on('GET', spell(path), handler)
  return {
    match: (path) => router.find('GET', path),
    changes: {
      'one route': {
        add: () => router.on('GET', spell(EXTRA), handler),
        remove: () => router.off('GET', spell(EXTRA)),
      },
    },
  }
}

function buildRou3(routes: readonly Declared[]): Router {
  const router = createRouter<object>()
  const spell = (path: string) => path.replace(/\{rest\+\}/, '**:rest').replace(/\{(\w+)\}/g, ':$1')
  for (const { path } of routes) addRoute(router, 'GET', spell(path), {})
  return {
    match: (path) => findRoute(router, 'GET', path, { params: false }),
    changes: {
      'one route': {
        add: () => addRoute(router, 'GET', spell(EXTRA), {}),
        remove: () => removeRoute(router, 'GET', spell(EXTRA)),
      },
    },
  }
}
