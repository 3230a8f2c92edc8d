/**
 * Static services: the ones that stand in the gateway's own configuration and never call.
 *
 * They have no heartbeat; the prober finds out whether they answer. What their routes say is the operator's word,
 * so addresses are not checked against `upstreams.allow`.
 *
 * @module
 */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import {
  type MenuItems,
  type RefDeclaration,
  type Registration,
  type RouteDeclaration,
  registration,
  urlHost,
} from '@hydra-gateway/protocol'
import type { Registry } from '../registry/registry.ts'
import { type Address, isExternal } from '../routing/upstream.ts'

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
  for (const [id, { declared, address, hostHeader }] of readStatic(services))
    registry.registerStatic(declared, { id, address, ...(hostHeader === undefined ? {} : { hostHeader }) })
}

/**
 * Makes of some configured services others: those that stay as they are are not touched. What was read may throw, and then
 * nothing changes; what is returned makes the change.
 */
export function replaceStaticServices(
  before: readonly StaticService[],
  after: readonly StaticService[],
  registry: Pick<Registry, 'registerStatic' | 'deregister'>,
): () => void {
  const were = readStatic(before)
  const are = readStatic(after)
  const names = new Set(after.map(({ name }) => name))
  return () => {
    for (const [id, one] of are) {
      if (isDeepStrictEqual(were.get(id), one)) continue
      const { declared, address, hostHeader } = one
      registry.registerStatic(declared, { id, address, ...(hostHeader === undefined ? {} : { hostHeader }) })
    }
    for (const [id, { declared }] of were)
      if (!are.has(id)) registry.deregister(id, { forget: !names.has(declared.name) })
  }
}

interface ReadStatic {
  readonly declared: Registration
  readonly address: Address
  readonly hostHeader: string | undefined
}

/** All instances, by id. */
function readStatic(services: readonly StaticService[]): ReadonlyMap<string, ReadStatic> {
  const read = new Map<string, ReadStatic>()
  for (const configured of services) {
    const { name, instances, routes, sockets, statics, fragments = [], menu, preserveHost, tls } = configured
    for (const { protocol, host, port, weight, version } of instances) {
      const { title, fallback, group, affinity, auth, roles, providers, login, cookies } = configured
      const parsed = registration.parse({
        webProtocol: protocol,
        host,
        port,
        name: isExternal(name) ? 'external' : name,
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
      // Its name is its address, which nobody else may be called.
      const declared = { ...parsed, name }
      const id = createHash('sha256').update(`${name} ${protocol} ${host} ${port}`).digest('hex').slice(0, 32)
      const usual = protocol === 'https' ? 443 : 80
      const authority = `${urlHost(host)}${port === usual ? '' : `:${port}`}`
      read.set(id, {
        declared,
        address: { protocol, host, port, ...tls },
        hostHeader: preserveHost ? undefined : authority,
      })
    }
  }
  return read
}
