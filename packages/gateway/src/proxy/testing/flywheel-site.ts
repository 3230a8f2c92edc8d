/**
 * Services as they are in the Redis of hydra, without one: what their members in a set of routes make of the table.
 *
 * @module
 */
import { readFlywheelRoute, registration } from '@hydra-gateway/protocol'
import { compileDeclaration } from '../../registry/declaration.ts'
import { emptyTable, type RoutingTable, type ServiceChange } from '../../routing/table.ts'
import type { ChannelKind, Instance } from '../../routing/upstream.ts'
import { createAnswers } from '../answers.ts'
import type { RigOptions } from './rig.ts'
import { instanceAt } from './rig.ts'

export interface SiteService {
  /** `[get]/v1/x/:id` of a hydra service; `GET /x` of any other. */
  readonly routes: readonly string[]
  readonly ports: readonly number[]
  /** @default 'flywheel' */
  readonly channel?: ChannelKind
}

/** What the hydra library adds to the routes of each service. */
export const websiteRoutes = (name: string): string[] => [
  `[get]/${name}`,
  `[get]/${name}/`,
  `[get]/${name}/:rest`,
]

export function changeOf(name: string, service: SiteService, rank: number): ServiceChange {
  const { routes, ports, channel = 'flywheel' } = service
  const declared = registration.parse({
    name,
    host: '127.0.0.1',
    port: 1,
    routes: routes.map((text) => {
      const { methods, path } = readFlywheelRoute(text)
      const dialect = channel === 'flywheel' ? 'route-parser' : 'hydra'
      return { path, dialect, ...(methods && { methods: [...methods] }) }
    }),
  })
  const { manifest } = compileDeclaration(declared, channel, { maxRoutes: 1000 })
  const instances = ports.map(
    (port): Instance => instanceAt(port, { service: name, manifest: manifest.hash, channel }),
  )
  return { service: { name, title: name, channel }, rank, manifests: [manifest], instances }
}

export function siteTable(services: Readonly<Record<string, SiteService>>): RoutingTable {
  let table = emptyTable()
  let rank = 0
  for (const [name, service] of Object.entries(services))
    table = table.withService(changeOf(name, service, ++rank))
  return table
}

/** The answers visitors get. */
export const realAnswers: NonNullable<RigOptions['answers']> = ({ live, log, metrics }) =>
  createAnswers({
    settings: { siteTitle: 'Site' },
    serviceOf: (name) => live.table.service(name),
    isServing: () => false,
    openPages: () => [],
    clock: { now: Date.now },
    log,
    metrics,
  })
