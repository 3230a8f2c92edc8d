/**
 * Static services: the ones that stand in the gateway's own configuration and never call.
 *
 * They have no heartbeat; the prober finds out whether they answer. What their routes say is the operator's word,
 * so addresses are not checked against `upstreams.allow`.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import {
  type MenuItems,
  type RefDeclaration,
  type Registration,
  type RouteDeclaration,
  registration,
  urlHost,
} from '@hydra-gateway/protocol'
import type { Registry } from '../registry/registry.ts'
import type { Address } from '../routing/upstream.ts'

export interface StaticService
  extends Partial<Pick<Registration, 'auth' | 'roles' | 'providers' | 'login' | 'cookies'>> {
  readonly name: string
  readonly instances: readonly (Pick<Address, 'protocol' | 'host' | 'port'> & {
    readonly weight: number
    readonly version: string | number
  })[]
  readonly routes: readonly RouteDeclaration[]
  /** Paths that take WebSockets. */
  readonly sockets: readonly string[]
  readonly statics: readonly string[]
  /** Fragments it renders, asked for the way a service with our SDK is; without any as a Medusa application is. */
  readonly fragments?: readonly RefDeclaration[]
  readonly title?: string | undefined
  readonly fallback?: string | undefined
  readonly group?: string | undefined
  readonly affinity: boolean
  readonly menu: MenuItems
  /** False sends the service its own host name instead of the visitor's. */
  readonly preserveHost: boolean
  readonly tls: Pick<Address, 'ca' | 'serverName' | 'verify'>
}

/** Registers the configured services; what they declare was validated with the configuration. */
export function registerStaticServices(
  services: readonly StaticService[],
  registry: Pick<Registry, 'registerStatic'>,
): void {
  for (const configured of services) {
    const { name, instances, routes, sockets, statics, fragments = [], menu, preserveHost, tls } = configured
    for (const { protocol, host, port, weight, version } of instances) {
      const { title, fallback, group, affinity, auth, roles, providers, login, cookies } = configured
      const declared = registration.parse({
        webProtocol: protocol,
        host,
        port,
        name,
        version,
        weight,
        routes,
        sockets,
        staticResources: statics,
        menuItems: menu,
        title,
        fallback,
        group,
        affinity,
        auth,
        roles,
        providers,
        login,
        cookies,
        ...(fragments.length > 0 ? { protocol: 1, refs: fragments } : {}),
      })
      const id = createHash('sha256').update(`${name} ${protocol} ${host} ${port}`).digest('hex').slice(0, 32)
      const usual = protocol === 'https' ? 443 : 80
      const authority = `${urlHost(host)}${port === usual ? '' : `:${port}`}`
      registry.registerStatic(declared, {
        id,
        address: { protocol, host, port, ...tls },
        ...(preserveHost ? {} : { hostHeader: authority }),
      })
    }
  }
}
